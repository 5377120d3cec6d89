"""One guarded request: a block that is entered with a permit, and whose end becomes the outcome.

::

    enter   1 to 4: who the request is about is an entry, then the decision, then the intent
    block   5: the backend's; the permit lets the bytes out and is told what came of them
    leave   6: the outcome, whatever ended the block

How a block that was not told anything ends: an exception before an attempt began is `not_sent`, everything else stays
open as `unknown`. Invariants: a block is entered once and closed once; no block inside another; whatever ends the
block, a cancellation or a generator that nobody resumes too, the intent is answered.
"""

import contextvars
import threading
from collections.abc import Callable
from dataclasses import field, replace
from functools import partial
from types import TracebackType
from typing import Final, TypeVar

from consentgate.consent.details import CallContext
from consentgate.errors import ConsentDenied, ConsentGateError, InvalidInput, RecordConflict
from consentgate.gate.attendance import Attendance
from consentgate.gate.door import Gate
from consentgate.gate.heldpermit import HeldPermit
from consentgate.gate.heldpermits import AsyncGuardedPermit, GuardedPermit
from consentgate.gate.inthread import in_thread
from consentgate.gate.ports import Vendor
from consentgate.gate.request import GatedRequest, Permit
from consentgate.gate.told import Manner
from consentgate.gate.vendorrequest import VendorRequest
from consentgate.ledger.registering import Registration
from consentgate.ledger.speaker import Speaker
from consentgate.moment import Clock
from consentgate.policy.facts import RecordingConsent
from consentgate.values import dataclass

P = TypeVar("P", bound=HeldPermit)

_CURRENT: Final[contextvars.ContextVar["Guarded | None"]] = contextvars.ContextVar("guarded", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be guarded.

    Attributes:
        operation: the policy's word.
        request: what is about to be sent.
        speakers: who is heard in it; none where the call that it names is registered.
        call_of: names the call that a request is about, as the ledger does.
        purpose: what it is for, or None.
        recording_consent: who agreed to the recording, or None.
        lasts_ms: the longest that the block may take.
        manner: how the ends of attempts are to be read.
    """

    operation: str
    request: VendorRequest
    speakers: tuple[Speaker, ...]
    call_of: Callable[[str], str]
    purpose: str | None = None
    recording_consent: RecordingConsent | None = None
    lasts_ms: int
    manner: Manner = field(default=Manner())


class Guarded:
    """A block around one request; ``with`` or ``async with``."""

    def __init__(
        self, gate: Gate, attendance: Attendance, clock: Clock, asked: Asked, vendor: Vendor
    ) -> None:
        """Take everything in hand; nothing is decided before the block is entered.

        Args:
            gate: the steps.
            attendance: who is on calls.
            clock: the time.
            asked: what is to be guarded.
            vendor: stops what the request starts.
        """
        self._gate = gate
        self._attendance = attendance
        self._clock = clock
        self._asked = asked
        self._vendor = vendor
        self._lock = threading.Lock()
        self._entered = False
        self._held: tuple[HeldPermit, Permit] | None = None

    def __enter__(self) -> GuardedPermit:
        self._take_turn()
        try:
            return self._within(self._permitted(GuardedPermit))
        except BaseException as error:
            # Interrupted when the intent was there already: nothing was sent under it.
            self._finish(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left()
        self._finish(error)

    async def __aenter__(self) -> AsyncGuardedPermit:
        self._take_turn()
        try:
            return self._within(await in_thread(lambda: self._permitted(AsyncGuardedPermit)))
        except BaseException as error:
            # Cancelled while the intent was being written: nothing was sent under it.
            await self._finish_beside(error)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left()
        await self._finish_beside(error)

    @property
    def is_open(self) -> bool:
        """Whether the block was entered and not left."""
        return self._held is not None

    def _take_turn(self) -> None:
        outer = _CURRENT.get()
        if outer is not None and outer.is_open:
            raise InvalidInput("A guarded block is open here already: end it before the next one begins.")
        with self._lock:
            if self._entered:
                raise InvalidInput("This block was entered before: call guarded() for each request.")
            self._entered = True

    def _within(self, held: P) -> P:
        _CURRENT.set(self)
        return held

    def _left(self) -> None:
        if _CURRENT.get() is self:
            _CURRENT.set(None)

    def _permitted(self, face: Callable[..., P]) -> P:
        """[1] to [4], in the words of the vendor-neutral request."""
        asked, intent = self._asked, self._gate.new_intent()
        named = asked.request.call
        request = GatedRequest(
            intent=intent,
            service=asked.request.service,
            operation=asked.request.operation or asked.operation,
            action=asked.operation,
            region=asked.request.region,
            country=asked.request.country,
            method=asked.request.method,
            path=asked.request.path,
            query=asked.request.query,
            body=asked.request.content,
            call=asked.call_of(named) if named is not None else f"guarded/{intent}",
            context=CallContext(transaction_id=named) if named is not None else None,
            leg=asked.request.leg,
            token=asked.request.token,
            token_from="caller" if asked.request.token else "gate",
            lasts_ms=asked.lasts_ms,
            captured_at=asked.request.captured_at,
            keep_body=asked.request.keep == "bytes",
            leg_beside=True,
        )
        permit = self._gate.begin(self._introduced(request))
        held = face(self._gate, permit, self._clock, asked.manner)
        self._held = held, permit
        return held

    def _introduced(self, request: GatedRequest) -> GatedRequest:
        """[1] Who the request is about becomes an entry, as for any call."""
        asked = self._asked
        if not asked.speakers or request.call is None or request.leg is None:
            return request
        registration = Registration(
            call=request.call,
            legs={request.leg: asked.speakers},
            purpose=asked.purpose,
            recording_consent=asked.recording_consent,
        )
        try:
            self._attendance.register(registration)
        except (InvalidInput, RecordConflict):
            raise
        except ConsentGateError:
            return replace(request, trouble="LEDGER_UNAVAILABLE")
        except Exception as error:
            # A bug of ours is a doubt like any other: it becomes the cause of a denial that is recorded.
            try:
                self._gate.begin(replace(request, trouble="INTERNAL_ERROR"))
            except ConsentDenied as denied:
                raise denied from error
            raise
        return request

    async def _finish_beside(self, error: BaseException | None) -> None:
        if isinstance(error, GeneratorExit):
            # Nobody resumes this coroutine, so it may not wait for the loop.
            self._finish(error)
        else:
            await in_thread(partial(self._finish, error))

    def _finish(self, error: BaseException | None) -> None:
        """[6] The outcome; what must end the thread or task goes on as what it is."""
        with self._lock:
            taken, self._held = self._held, None
        if taken is None or taken[0].is_foreign():
            return
        held, permit = taken
        exchange = held.close(error)
        try:
            self._gate.finish(permit, exchange, exchange.body, self._vendor)
        except ConsentGateError as failure:
            if error is None or isinstance(error, Exception):
                raise
            error.add_note(f"{type(failure).__name__}: {failure}")
