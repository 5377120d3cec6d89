"""Histories: somebody may be compared, and in the same instant a request comes in and they say no.

A history is one call with one or two people who consented. One side does steps 1 to 4 of a gated request, the other
takes in what makes the decision fall: a withdrawal, a refusal, or somebody without a consent who joins. Both start
from a barrier, on connections of their own, and come a moment apart that a seed chooses. Nothing goes over HTTP: what
is raced is reading, deciding and appending. Where there is a vendor, an intent is followed by its outcome, so that
the other side meets an open intent or a running task; or by nothing, as when the gate is killed there. Gates that are
really killed, over HTTP and at every step, are those of tests/functional/kills.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Final, Literal, Protocol, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from consentgate import (
    NOBODY,
    ConsentDenied,
    ConsentGate,
    ConsentWithdrawn,
    Evidence,
    SigningIssuer,
    Speaker,
)
from consentgate.aws.operations import call_of_transaction, leg_of
from consentgate.config.granting import granted
from consentgate.config.parts import Parts
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.consent.details import CallContext
from consentgate.errors import ClockDisagrees
from consentgate.gate.begin import begin
from consentgate.gate.context import GateContext
from consentgate.gate.finish import finish
from consentgate.gate.joining import join
from consentgate.gate.outcomes import Attempt as SentOnce
from consentgate.gate.ports import Vendor
from consentgate.gate.request import Exchange, GatedRequest, Permit
from consentgate.ledger import notices
from consentgate.ledger.ingest import Ingested, ingest
from consentgate.ledger.registering import Registration, register
from consentgate.storage import entries
from tests.databases import raw
from tests.functional.gate.conftest import NOTICE

Kind: TypeAlias = Literal["withdrawn", "by_phone", "one_of_two", "refused", "joined"]

KINDS: Final[tuple[Kind, ...]] = ("withdrawn", "by_phone", "one_of_two", "refused", "joined")
LANES: Final = 4
DIES: Final = 11
ISS: Final = "https://ivr.acme.example"
SKEW: Final = timedelta(seconds=5)
# The sides come so many seconds apart at most. Taking a statement in takes longer than appending an intent: who asks
# waits for longer, so that the two meet in every order.
APART: Final = {"asks": 0.016, "says": 0.002}
PATIENCE: Final = 60.0
_BATCH: Final = 50
_EVIDENCE: Final = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")


class Meeting(Protocol):
    """A barrier of threads or of processes."""

    def wait(self, timeout: float | None = None) -> int: ...

    def abort(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One race.

    Attributes:
        number: which one.
        kind: what makes the decision fall.
    """

    number: int
    kind: Kind

    @property
    def call(self) -> str:
        return call_of_transaction(f"tx-{self.number}")

    @property
    def caller(self) -> Speaker:
        known_as = [("customer", f"c{self.number}")]
        if self.kind == "by_phone":
            known_as.append(("phone", f"+1312{self.number:07}"))
        return Speaker(known_as, [_EVIDENCE], adult=True)

    @property
    def people(self) -> tuple[Speaker, ...]:
        """Who is on the call, the one who will say no last."""
        if self.kind == "one_of_two":
            return (Speaker([("customer", f"first{self.number}")], [_EVIDENCE], adult=True), self.caller)
        return (self.caller,)

    @property
    def newcomer(self) -> Speaker:
        return Speaker([("customer", f"new{self.number}")], [_EVIDENCE], adult=True)

    @property
    def dies(self) -> bool:
        """Whether the gate is killed once its intent is durable."""
        return self.number % DIES == 0

    def apart(self, side: str) -> float:
        """How long after the start a side comes, in seconds."""
        return Random(f"{self.number} {side}").random() * APART[side]

    def registration(self, *people: Speaker) -> Registration:
        return Registration(
            call=self.call,
            legs={"Caller": people, "Callee": NOBODY},
            purpose="authentication",
            recording_consent="all_parties",
        )

    def request(self, intent: UUID) -> GatedRequest:
        return GatedRequest(
            intent=intent,
            service="chime-sdk-voice",
            operation="StartSpeakerSearchTask",
            action="search",
            region="us-east-1",
            country="US",
            method="POST",
            path="/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks",
            query="",
            body=b"{}",
            call=self.call,
            context=CallContext(transaction_id=f"tx-{self.number}"),
            leg="Caller",
            token=intent.hex,
            token_from="gate",
            lasts_ms=1000,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a request came to.

    Attributes:
        intent: id that its intent has, if it was allowed.
        allowed: whether it was.
        why: codes of the reasons otherwise.
        began: when, by the machine's monotonic clock.
    """

    intent: UUID
    allowed: bool
    why: frozenset[str]
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was taken in.

    Attributes:
        entry: id of its entry.
        stops: intents that it ordered to be stopped.
        done: when it was durable, by the machine's monotonic clock.
    """

    entry: UUID
    stops: tuple[UUID, ...]
    done: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A deployment to race on, with the issuer at hand."""

    gate: ConsentGate
    ivr: SigningIssuer

    @property
    def parts(self) -> Parts:
        return self.gate._parts

    def prepare(self, histories: Sequence[History]) -> None:
        """Take the grants and registrations in."""
        for start in range(0, len(histories), _BATCH):
            batch = histories[start : start + _BATCH]
            self.parts.database.write(partial(self._prepare, batch=batch))
        if not self.parts.settings.database.startswith("sqlite"):
            # What autovacuum does within a minute: until then the server thinks that its tables are empty.
            with raw(self.parts.settings.database) as server:
                server.execute("ANALYZE")

    def no(self, history: History) -> str:
        """Sign what will be said."""
        reference = [self.known_by(history)]
        state: Literal["ConsentRefused", "ConsentWithdrawn"] = (
            "ConsentRefused" if history.kind == "refused" else "ConsentWithdrawn"
        )
        return self.ivr._signed(self.ivr._statement(Speaker(reference), state, "ivr_dtmf", None))

    def known_by(self, history: History) -> tuple[str, str]:
        reference = history.caller.known_as[-1]
        return (reference.kind, reference.value)

    def grant(self, connection: Connection, speaker: Speaker, **overrides: object) -> Ingested:
        """Take a grant in, inside a transaction."""
        book = self.parts.book
        manifest = notices.choose(book, connection, "voiceprint", None)
        said = self.ivr._statement(speaker, "ConsentGiven", "ivr_dtmf", manifest)
        token = self.ivr._signed(granted(said, manifest, "acme", None, overrides))
        return ingest(book, connection, token, self.parts.reader.controller(connection).registry, SKEW)

    def _prepare(self, connection: Connection, batch: Sequence[History]) -> None:
        for history in batch:
            for speaker in history.people:
                self.grant(connection, Speaker([speaker.first], [_EVIDENCE], adult=True))
            register(self.parts.book, connection, history.registration(*history.people))


@contextmanager
def ground_at(folder: Path) -> Iterator[Ground]:
    """Make a deployment by the machine's clock, with the log kept by hand."""
    made = make_home(folder / "home", controller="acme")
    with ConsentGate(made.settings, background=False) as gate:
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        since = gate._parts.book.now() - timedelta(days=30)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
        gate.add_issuer(ISS, name="Acme IVR")
        yield Ground(gate=gate, ivr=gate.issuer(ISS))


@contextmanager
def gate_of(settings: Settings) -> Iterator[ConsentGate]:
    """Another gate on the same ledger, as another process has it."""
    with ConsentGate(settings, background=False) as gate:
        yield gate


def task_of(history: History) -> str:
    """The vendor's id of what the history's request starts."""
    return f"task-{history.number}"


def attempt(gate: GateContext, history: History, vendor: Vendor | None = None) -> Attempt:
    """Ask to compare the people on the call; with a vendor it answers, unless the gate is killed before that."""
    intent = gate.book.new_id(gate.book.now())
    began = time.monotonic()
    try:
        permit: Permit | None = begin(gate, history.request(intent))
        why = frozenset[str]()
    except ConsentDenied as denied:
        permit, why = None, frozenset(reason.code for reason in denied.reasons)
    if permit is not None and vendor is not None and not history.dies:
        tried = SentOnce(started_at=permit.send_by, status=200)
        answer = Exchange(attempts=(tried,), status=200, task=task_of(history))
        with suppress(ConsentWithdrawn):
            finish(gate, permit, answer, None, vendor)
    return Attempt(intent=intent, allowed=permit is not None, why=why, began=began)


def say(parts: Parts, tokens: Mapping[int, str], history: History) -> Said:
    """Take in what makes the decision fall."""

    def work(connection: Connection) -> tuple[UUID, tuple[UUID, ...]]:
        if history.kind == "joined":
            joined = join(parts.gate, connection, history.registration(history.newcomer), leg_of)
            assert joined is not None
            return joined.entry, joined.stops
        registry = parts.reader.controller(connection).registry
        done = ingest(parts.book, connection, tokens[history.number], registry, SKEW)
        return done.entry, done.stops

    while True:
        try:
            entry, stops = parts.database.write(work)
        except ClockDisagrees:
            # A machine that is busy for two seconds in the middle of it: nothing was written, and it is said again.
            continue
        return Said(entry=entry, stops=stops, done=time.monotonic())


T = TypeVar("T")


def one_side(
    side: str, histories: Sequence[History], meetings: Sequence[Meeting], act: Callable[[History], T]
) -> dict[int, T]:
    """Be one side of many histories, some at once; the other side waits at the same barriers."""

    def lane(number: int) -> dict[int, T]:
        done: dict[int, T] = {}
        try:
            for history in histories[number :: len(meetings)]:
                meetings[number].wait(PATIENCE)
                time.sleep(history.apart(side))
                done[history.number] = act(history)
        finally:
            # Whoever waits for this side must not wait for long; who has come through is not disturbed.
            if len(done) < len(histories[number :: len(meetings)]):
                meetings[number].abort()
        return done

    with ThreadPoolExecutor(len(meetings)) as pool:
        lanes = list(pool.map(lane, range(len(meetings))))
    return {number: act for each in lanes for number, act in each.items()}


def meetings() -> list[Barrier]:
    """Barriers for the lanes of two sides in one process."""
    return [Barrier(2) for _ in range(LANES)]


def numbered(count: int) -> list[History]:
    """Make histories, of every kind."""
    return [History(number=n, kind=KINDS[n % len(KINDS)]) for n in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """What many histories came to, by the ledger.

    Attributes:
        histories: how many.
        allowed: in how many the request came through.
        why: codes of the reasons of the others.
        violations: numbers of the histories in which the guarantee was broken.
        intents: the id that each history's intent has, if there is one.
    """

    histories: int
    allowed: int
    why: frozenset[str]
    violations: tuple[int, ...]
    intents: Mapping[int, UUID]


def judged(
    ground: Ground,
    histories: Sequence[History],
    attempts: dict[int, Attempt],
    said: dict[int, Said],
) -> Raced:
    """Compare with the ledger: each intent has a stop order, and none came after what makes it fall."""
    parts = ground.parts
    with parts.database.read() as connection:
        found = {
            kind: entries.of_kind(connection, parts.book.tenant, kind, limit=1 << 40)
            for kind in ("intent", "stop", "statement", "call")
        }
        in_order = connection.dialect.name == "sqlite"
    intents = {row.id: row for row in found["intent"]}
    stopped = {row.re for row in found["stop"]}
    ordinals = {row.id: row.ordinal for row in (*found["statement"], *found["call"])}
    assert len(attempts) == len(said) == len(histories)
    violations: list[int] = []
    for history in histories:
        asked, no = attempts[history.number], said[history.number]
        row = intents.get(asked.intent)
        # What the gate says and what the ledger holds are the same.
        assert (row is not None) == asked.allowed
        assert no.entry in ordinals
        if row is None:
            continue
        late = in_order and row.ordinal > ordinals[no.entry]
        if row.id not in stopped or row.id not in no.stops or late or asked.began > no.done:
            violations.append(history.number)
    return Raced(
        histories=len(histories),
        allowed=sum(each.allowed for each in attempts.values()),
        why=frozenset().union(*(each.why for each in attempts.values())),
        violations=tuple(violations),
        intents={number: each.intent for number, each in attempts.items()},
    )


def speaking(ground: Ground, histories: Sequence[History]) -> partial[Said]:
    """Sign beforehand what will be said."""
    return partial(say, ground.parts, {history.number: ground.no(history) for history in histories})


def check(raced: Raced) -> None:
    """Fail on a violation, and where nothing was raced."""
    assert raced.violations == ()
    # Neither side always comes first, or nothing was raced; and nothing was denied for another reason.
    few = raced.histories * 0.02 if raced.histories >= 1_000 else 0
    assert few < raced.allowed < raced.histories - few
    assert raced.why <= {"CONSENT_WITHDRAWN", "CONSENT_REFUSED", "NO_CONSENT", "LEDGER_BUSY"}
