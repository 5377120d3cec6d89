"""A fork, and the open SQLite files that must not be carried over it.

SQLite notes in the memory of a process which locks that process holds on a file. A child inherits the note and not
the locks: it takes none, and when its parent lets go of the file, the write-ahead log goes away under the child's
feet, and what it was told is durable is lost.

Invariants: while this process is forked, no connection of ours to a SQLite file is open in it: what is being read or
written ends first, what is idle is closed, and lanes wait for the next connection. Where something could not end in
time, or the fork came out of the middle of it, the child opens no SQLite file: it says so instead.
"""

import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TypeVar

from consentgate.errors import Unavailable

T = TypeVar("T")

_LOOK_S: Final = 0.001


class Parting(Protocol):
    """Something that keeps connections open while it is idle."""

    def part(self) -> None:
        """Close every connection that is idle; called while nothing is read or written."""
        ...


class _Forks:
    """What is open in this process, and whether it is being forked."""

    def __init__(self) -> None:
        self.carried = False
        self._begin()

    def _begin(self) -> None:
        self.busy: dict[object, tuple[int, float]] = {}
        self.open: dict[int, weakref.ref[object]] = {}
        self.idle: dict[int, weakref.ref[Parting]] = {}
        self.under_way = False
        self._child_carries = False
        self._one = threading.Lock()

    def before(self) -> None:
        """Let everything end, and close what is idle."""
        self._one.acquire()
        self.under_way = True
        own, began = threading.get_ident(), time.monotonic()
        while any(
            thread != own and time.monotonic() < began + patience
            for thread, patience in tuple(self.busy.values())
        ):
            time.sleep(_LOOK_S)
        if not self.busy:
            for known in tuple(self.idle.values()):
                store = known()
                if store is not None:
                    store.part()
        self._child_carries = any(session() is not None for session in tuple(self.open.values()))

    def in_parent(self) -> None:
        """Go on."""
        self.under_way = False
        self._one.release()

    def in_child(self) -> None:
        """Begin with nothing open; threads of the parent, and what they held, are not here."""
        self.carried = self.carried or self._child_carries
        self._begin()


_forks: Final = _Forks()
os.register_at_fork(before=_forks.before, after_in_parent=_forks.in_parent, after_in_child=_forks.in_child)


def keep(store: Parting) -> None:
    """Close the idle connections of something before each fork, as long as it lives.

    Args:
        store: what keeps them.
    """
    _note(_forks.idle, store)


def opening(session: object) -> None:
    """Note that a connection to a SQLite file is about to be opened.

    Args:
        session: the connection.

    Raises:
        Unavailable: this process was forked while its parent had such a file open.
    """
    if _forks.carried:
        raise Unavailable(
            "This process was forked while its parent read or wrote the SQLite file, so that SQLite's locks do not"
            " hold here: fork at another time, or open the gate in a process of its own."
        )
    _note(_forks.open, session)


def closed(session: object) -> None:
    """Note that a connection was closed.

    Args:
        session: the connection.
    """
    _forks.open.pop(id(session), None)


@contextmanager
def passing(patience: float) -> Iterator[None]:
    """Read or write something; a fork waits for its end, and it for a fork's.

    Args:
        patience: how long a fork waits for it, in seconds.

    Yields:
        Nothing; use connections inside.
    """
    own, token = threading.get_ident(), object()
    inside = any(thread == own for thread, _ in tuple(_forks.busy.values()))
    try:
        _forks.busy[token] = own, patience
        while _forks.under_way and not inside:
            # Noted before looking, and taken back while waiting: so a fork and this never miss each other.
            del _forks.busy[token]
            time.sleep(_LOOK_S)
            _forks.busy[token] = own, patience
        yield
    finally:
        _forks.busy.pop(token, None)


def _note(where: dict[int, weakref.ref[T]], thing: T) -> None:
    key = id(thing)
    where[key] = weakref.ref(thing, lambda _: where.pop(key, None))
