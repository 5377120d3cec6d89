"""Requests that the gate makes itself: what it stops, deletes and asks for is recorded where it does so."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_OURS: Final[ContextVar[bool]] = ContextVar("consentgate_ours", default=False)


@contextmanager
def ours() -> Iterator[None]:
    """Mark the requests of a block as the gate's own.

    Yields:
        Nothing.
    """
    before = _OURS.set(True)
    try:
        yield
    finally:
        _OURS.reset(before)


def is_ours() -> bool:
    """Tell whether a request is the gate's own.

    Returns:
        Whether it is made in such a block.
    """
    return _OURS.get()
