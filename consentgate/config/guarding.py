"""The side of `ConsentGate` for engines and APIs other than the vendor's: guarded blocks and functions."""

from collections.abc import Sequence

from consentgate.aws.operations import SERVICES, call_of_transaction
from consentgate.config.calls import Calls
from consentgate.config.parts import Parts
from consentgate.errors import InvalidInput
from consentgate.gate.engines import Engine, Stop
from consentgate.gate.guarded import Asked, Guarded
from consentgate.gate.guards import Guards, People, Request, guards
from consentgate.gate.resolve import Seconds, in_seconds
from consentgate.gate.told import Manner
from consentgate.gate.vendorrequest import VendorRequest, request_of
from consentgate.ledger.speaker import Speaker
from consentgate.policy.facts import OPERATIONS, RecordingConsent
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """How requests are guarded, checked once."""

    operation: str
    purpose: str | None
    recording_consent: RecordingConsent | None
    stop: Stop | None
    not_sent: tuple[type[BaseException], ...]
    lasts: Seconds | None

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise InvalidInput(f"An operation is one of {', '.join(OPERATIONS)}.")
        given: object = self.not_sent
        if not isinstance(given, tuple) or not all(
            isinstance(each, type) and issubclass(each, BaseException) for each in given
        ):
            raise InvalidInput("not_sent is a tuple of exception classes.")


class Guarding(Calls):
    """The part of `ConsentGate` that guards any engine or API."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        # One for each service, the newest: stop orders that come later are carried out through it.
        self._engines: dict[str, Engine] = {}
        self._stop_seconds = parts.settings.times.stop.total_seconds()

    def guarded(
        self,
        operation: str,
        speakers: Speaker | Sequence[Speaker] | None,
        request: Request,
        *,
        purpose: str | None = None,
        recording_consent: RecordingConsent | None = None,
        stop: Stop | None = None,
        not_sent: tuple[type[BaseException], ...] = (),
        lasts: Seconds | None = None,
    ) -> Guarded:
        """Guard one request of any engine or API: ``with`` or ``async with`` gives a permit, or denies.

        Args:
            operation: what it does to a voice: ``search``, ``enrol``, ``update`` or ``tone_analysis``.
            speakers: who is heard; None takes those who are registered for the call that the request names.
            request: what is to be sent; bytes or JSON alone are what an engine in this process gets.
            purpose: as `register_call` takes it.
            recording_consent: likewise.
            stop: stops a task, or deletes what an enrolment made, when somebody withdraws; gives True where that has
                ended. It gets what was started, runs in a thread, and serves later withdrawals too.
            not_sent: exceptions of the HTTP library in use that say that no byte left.
            lasts: the longest that the block takes, in seconds; reconciliation does not touch it before.

        Returns:
            The block, for one request; nothing is decided before it is entered. Entering raises `ConsentDenied`, or
            `RecordConflict` where this contradicts what the call was told; leaving `ConsentWithdrawn` or
            `OutcomeNotRecorded`.

        Raises:
            InvalidInput: a value cannot be used.
        """
        ways = _Ways(
            operation=operation,
            purpose=purpose,
            recording_consent=recording_consent,
            stop=stop,
            not_sent=not_sent,
            lasts=lasts,
        )
        return self._block(ways, speakers, request_of(request))

    def guards(
        self,
        operation: str,
        *,
        service: str | None = None,
        purpose: str | None = None,
        recording_consent: RecordingConsent | None = None,
        stop: Stop | None = None,
        not_sent: tuple[type[BaseException], ...] = (),
        lasts: Seconds | None = None,
    ) -> Guards:
        """Decorate a function, or a coroutine function, that makes one request: it gets the permit first.

        It is then called with the speakers and the request in the permit's place: ``identify(speakers, request)``.

        Args:
            operation: as `guarded` takes it.
            service: with `stop`, what tasks it can stop from now on, those of another process too.
            purpose: as `guarded` takes it.
            recording_consent: likewise.
            stop: likewise.
            not_sent: likewise.
            lasts: likewise.

        Returns:
            The decorator.

        Raises:
            InvalidInput: a value cannot be used, or what is decorated is a generator or no function.
        """
        ways = _Ways(
            operation=operation,
            purpose=purpose,
            recording_consent=recording_consent,
            stop=stop,
            not_sent=not_sent,
            lasts=lasts,
        )
        if service is not None:
            self._engine(service, stop)

        def block(people: People, request: Request) -> Guarded:
            return self._block(ways, people, request_of(request))

        return guards(block)

    def _block(
        self, ways: _Ways, people: Speaker | Sequence[Speaker] | None, request: VendorRequest
    ) -> Guarded:
        speakers = (people,) if isinstance(people, Speaker) else tuple(people or ())
        if people is None and request.call is None:
            raise InvalidInput("Pass speakers, or name in the request a call that is registered.")
        if people is not None and not speakers:
            raise InvalidInput("Pass at least one speaker, or None for those of the registered call.")
        lasts = in_seconds(
            ways.lasts if ways.lasts is not None else self._parts.settings.times.guarded, "lasts"
        )
        return Guarded(
            self._door,
            self._attendance,
            self._parts.book.clock,
            Asked(
                operation=ways.operation,
                request=request,
                speakers=speakers,
                call_of=call_of_transaction,
                purpose=ways.purpose,
                recording_consent=ways.recording_consent,
                lasts_ms=int(1000 * lasts),
                manner=Manner(not_sent=ways.not_sent, repeatable=request.token is not None),
            ),
            self._engine(request.service, ways.stop),
        )

    def _engine(self, service: str, stop: Stop | None) -> Engine:
        if service in SERVICES:
            raise InvalidInput(f"{service} is gated by protect(client): guarded() is for other engines.")
        known = self._engines.get(service)
        if known is not None and (stop is None or known.asks(stop)):
            return known
        engine = Engine(service, stop, within=self._stop_seconds)
        if stop is not None:
            self._engines[service] = engine
            self._stopping.take(engine)
            self._work_on()
        return engine
