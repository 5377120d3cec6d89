"""Does one search with one fault, and says what came of it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from consentgate import ConsentDenied, OutcomeNotRecorded
from tests.functional.faults.keyservice import Service, key_service
from tests.functional.faults.moments import strike
from tests.functional.faults.parts import Begin, Fault
from tests.functional.faults.place import Place, place_at

SHORT: Final = {"StartSpeakerSearchTask": "start", "StopSpeakerSearchTask": "stop"}


@dataclass(frozen=True)
class Seen:
    """What came of a search.

    Attributes:
        wire: requests that reached the vendor, in order.
        written: entries, in order; an end after its kind.
        caller: what the caller saw: ``answer``, or the class of an exception with its reasons.
        later: entries that recording and the spool added afterwards, once the fault was over.
        seconds: how long the caller waited.
    """

    wire: tuple[str, ...]
    written: tuple[str, ...]
    caller: str
    later: tuple[str, ...]
    seconds: float = field(compare=False, default=0.0)


def run(place: Place, moment: str, begin: Begin, *, own: bool = False) -> Seen:
    """Search once while a fault begins at a moment; then lift it, and record what can be recorded."""
    place.settle()
    first, requests = _last(place), len(place.server.requests)
    error: BaseException | None = None
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        fault = Fault(place, patch, stack)
        began = time.monotonic()
        try:
            strike(place, patch, moment, lambda: begin(fault), own=own)
            place.search()
        except BaseException as raised:  # noqa: BLE001  # whatever the caller sees
            error = raised
        seconds = time.monotonic() - began
    written = place.written(first)
    last = _last(place)
    _later(place, error)
    return Seen(
        wire=tuple(SHORT.get(str(r.operation), str(r.operation)) for r in place.server.requests[requests:]),
        written=said(written),
        caller=caller(error),
        later=said(place.written(last)),
        seconds=seconds,
    )


def said(rows: list[tuple[int, str, str, bytes, bytes]]) -> tuple[str, ...]:
    """Say entries in words."""
    return tuple(f"{kind} {end}".strip() for _, kind, end, _, _ in rows)


def caller(error: BaseException | None) -> str:
    """Say what a caller saw."""
    if error is None:
        return "answer"
    codes = [r.code for r in error.reasons] if isinstance(error, ConsentDenied) else []
    return " ".join([type(error).__name__, *codes])


def _last(place: Place) -> int:
    return max((row[0] for row in place.written()), default=0)


def _later(place: Place, error: BaseException | None) -> None:
    if isinstance(error, OutcomeNotRecorded) and error.record:
        place.gate.record(error)
    if place.parts.gate.spool is not None:
        place.gate.record()


def killed(place: Place, moment: str) -> Seen:
    """The same in a process of its own, which is killed at the moment."""
    place.settle()
    first, requests = _last(place), len(place.server.requests)
    child = os.fork()
    if child == 0:
        _die(place, moment)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), status
    written = place.written(first)
    return Seen(
        wire=tuple(SHORT.get(str(r.operation), str(r.operation)) for r in place.server.requests[requests:]),
        written=said(written),
        caller="nothing",
        later=(),
    )


def _die(place: Place, moment: str) -> None:
    """In the child: search, and be killed."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            strike(place, patch, moment, lambda: os.kill(os.getpid(), signal.SIGKILL), own=True)
            place.search()
    finally:
        os._exit(3)


@contextmanager
def service_place(folder: Path) -> Iterator[Place]:
    """A deployment whose wrapping keys lie in a service."""

    with ExitStack() as stack:

        class Reads:
            @staticmethod
            def read(path: Path) -> Service:
                return stack.enter_context(key_service(path))

        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("consentgate.config.parts.KeyFile", Reads)
        yield stack.enter_context(place_at(folder))


def opening(place: Place, begin: Begin) -> Seen:
    """Open another gate with a fault, and search through it."""
    first, requests = _last(place), len(place.server.requests)
    error: BaseException | None = None
    other = copy(place)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        fault = Fault(other, patch, stack)
        began = time.monotonic()
        begin(fault)
        try:
            other.open()
            stack.callback(other.close)
            other.search()
        except Exception as raised:  # noqa: BLE001  # whatever the operator or the caller sees
            error = raised
        seconds = time.monotonic() - began
        written = said(place.written(first))
    return Seen(
        wire=tuple(SHORT.get(str(r.operation), str(r.operation)) for r in place.server.requests[requests:]),
        written=written,
        caller=caller(error),
        later=(),
        seconds=seconds,
    )
