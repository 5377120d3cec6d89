"""Step 1 where nobody has registered the call yet: ask the backend's resolver, or wait for a registration.

What a resolver answers is registered like any other registration, and the decision rests on that entry. A
resolver is foreign code in a live request: it runs in a thread of its own, has a bound, and whatever goes wrong
with it denies with a reason that carries nothing of what it raised or answered.
"""

import contextvars
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeAlias

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.errors import ConsentGateError, InvalidInput, RecordConflict
from consentgate.gate.attendance import Attendance
from consentgate.gate.request import GatedRequest
from consentgate.ledger.calls import LEGS, LegName
from consentgate.ledger.registering import Registration
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.values import dataclass

Leg: TypeAlias = Sequence[Speaker] | Nobody
Who: TypeAlias = Callable[[str, Mapping[str, Json]], Leg | Mapping[str, Leg] | None]
Seconds: TypeAlias = timedelta | float

WHO_TIMEOUT: Final = timedelta(seconds=2)

_LONGEST_S: Final = 600.0
# Resolvers that never return: their threads cannot be ended, only not be added to.
_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a client learns who is on a call that nobody registered.

    Attributes:
        who: the backend's resolver, or None.
        who_timeout: how long it may take.
        wait_for_call: how long to wait for a registration; None does not wait.
    """

    who: Who | None = None
    who_timeout: Seconds = WHO_TIMEOUT
    wait_for_call: Seconds | None = None

    def __post_init__(self) -> None:
        if self.who is not None and not callable(self.who):
            raise InvalidInput("who is a function of the operation and its parameters that returns speakers.")
        in_seconds(self.who_timeout, "who_timeout")
        if self.wait_for_call is not None:
            in_seconds(self.wait_for_call, "wait_for_call")

    @property
    def are_none(self) -> bool:
        """Whether a call that nobody registered is denied at once."""
        return self.who is None and self.wait_for_call is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came of asking: a registration, one of several speakers, nothing, or why neither."""

    registration: Registration | None = field(default=None, repr=False)
    named: Reference | None = field(default=None, repr=False)
    trouble: str | None = None


class Resolver:
    """Asks and waits for one client."""

    def __init__(self, attendance: Attendance, sources: Sources) -> None:
        """Take everything in hand.

        Args:
            attendance: who is on calls.
            sources: where the client learns of it.
        """
        self._attendance = attendance
        self._sources = sources
        # By process: a fork copies none of the threads that would give a place back.
        self._running: dict[int, threading.BoundedSemaphore] = {}

    @property
    def sources(self) -> Sources:
        """Where the client learns who is on a call."""
        return self._sources

    def resolve(self, request: GatedRequest, parameters: Mapping[str, Json]) -> GatedRequest:
        """Make sure, as far as that goes, that the ledger knows who is on the legs of a request.

        Args:
            request: the request.
            parameters: its parameters as they were serialised.

        Returns:
            The same request, or one that cannot be gated, with why.
        """
        sources, call = self._sources, request.call
        if request.about == "task":
            return self._named(request, parameters)
        if sources.are_none or request.trouble is not None or call is None:
            return request
        try:
            missing = self._attendance.missing(call, request.leg)
            if missing and sources.who is not None:
                trouble = self._introduce(request, call, parameters, sources.who)
                if trouble is not None:
                    return replace(request, trouble=trouble)
            if missing and sources.wait_for_call is not None:
                self._attendance.wait(call, request.leg, in_seconds(sources.wait_for_call, "wait_for_call"))
        except ConsentGateError:
            # What the decision will run into as well, and deny for.
            return request
        return request

    def _named(self, request: GatedRequest, parameters: Mapping[str, Json]) -> GatedRequest:
        """Ask whose voice it is, where a task heard several."""
        who = self._sources.who
        if who is None or request.trouble is not None:
            return request
        try:
            if not self._attendance.is_crowded(request):
                return request
        except ConsentGateError:
            # What the decision will run into as well, and deny for.
            return request
        answer = self._ask(request, parameters, who, lambda said: _Answer(named=_one(said)))
        return replace(request, named=answer.named, trouble=answer.trouble)

    def _introduce(
        self, request: GatedRequest, call: str, parameters: Mapping[str, Json], who: Who
    ) -> str | None:
        """Ask, and register what was answered; gives the code of a reason where that failed."""
        answer = self._ask(
            request,
            parameters,
            who,
            lambda said: _Answer(registration=_registration(call, request.leg, said)),
        )
        if answer.registration is None:
            return answer.trouble
        try:
            self._attendance.register(answer.registration)
        except RecordConflict:
            return "WHO_UNUSABLE"
        except ConsentGateError:
            return "LEDGER_UNAVAILABLE"
        return None

    def _ask(
        self,
        request: GatedRequest,
        parameters: Mapping[str, Json],
        who: Who,
        take: Callable[[object], _Answer],
    ) -> _Answer:
        found: list[_Answer] = []
        ended = threading.Event()
        running = self._running.setdefault(os.getpid(), threading.BoundedSemaphore(_AT_ONCE))
        told = MappingProxyType(dict(parameters))
        # What the caller keeps in context variables, for example a tenant, holds for its resolver too.
        context = contextvars.copy_context()

        def ask() -> None:
            trouble = "WHO_FAILED"
            try:
                said = context.run(who, request.operation, told)
                trouble = "WHO_UNUSABLE"
                found.append(take(said))
            except BaseException:  # noqa: BLE001  # foreign code, in a thread of its own: whatever it is, it denies
                found.append(_Answer(trouble=trouble))
            finally:
                running.release()
                ended.set()

        if not running.acquire(blocking=False):
            return _Answer(trouble="WHO_TIMED_OUT")
        try:
            threading.Thread(target=ask, name="consentgate-who", daemon=True).start()
        except RuntimeError:
            # The system gives no thread; the place must not be lost for good.
            running.release()
            return _Answer(trouble="WHO_FAILED")
        ended.wait(in_seconds(self._sources.who_timeout, "who_timeout"))
        return found[0] if found else _Answer(trouble="WHO_TIMED_OUT")


def _registration(call: str, leg: LegName | None, said: object) -> Registration | None:
    """Take an answer for what it may be; everything else raises."""
    if said is None:
        return None
    if not isinstance(said, Mapping):
        if leg is None:
            raise InvalidInput("The request names no leg: answer with speakers for each leg.")
        said = {leg: said}
    legs: dict[LegName, Leg] = {}
    for name, on in said.items():
        found = next((each for each in LEGS if each == name), None)
        if found is None or not isinstance(on, Nobody | list | tuple):
            raise InvalidInput("An answer names Caller or Callee, each with a list of speakers or NOBODY.")
        legs[found] = on if isinstance(on, Nobody) else tuple(on)
    return Registration(call=call, legs=legs)


def _one(said: object) -> Reference | None:
    """Take an answer for one speaker, or for nobody known; everything else raises."""
    people = said if isinstance(said, list | tuple) else () if said is None else (None,)
    if not all(isinstance(each, Speaker) for each in people) or len(people) > 1:
        raise InvalidInput("Answer with the one speaker whose voice it is, or None.")
    return next((speaker.first for speaker in people), None)


def in_seconds(given: Seconds, name: str) -> float:
    """Read a time that a backend hands in.

    Args:
        given: seconds, or a timedelta.
        name: what it is, in messages.

    Returns:
        Seconds.

    Raises:
        InvalidInput: it is neither, not above nothing, or longer than ten minutes.
    """
    seconds: object = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_S:
        raise InvalidInput(f"{name} is a timedelta or a number of seconds, at most {_LONGEST_S:.0f}.")
    return float(seconds)
