"""Who joins a call is decided on for what already runs: the registration and its stop orders are one transaction.

::

    lock the call -> write who joined -> find open intents and running tasks of the call -> decide anew about
    those who joined, for that intent's leg, action and purpose -> a stop order where one may not be compared

An intent that commits before is found here; one that would commit after it finds other counts and is decided anew.
Every doubt orders the stop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.gate.context import GateContext
from consentgate.gate.judge import judge
from consentgate.gate.request import MAX_SPEAKERS, GatedRequest
from consentgate.ledger import calls, stops
from consentgate.ledger.book import open_parts
from consentgate.ledger.calls import LEGS, LegName
from consentgate.ledger.reader import Reader
from consentgate.ledger.reading import OnLeg, Reading
from consentgate.ledger.registering import Registered, Registration, register
from consentgate.policy.facts import RequestFacts
from consentgate.policy.reasons import Reason
from consentgate.policy.record import reason_json, request_from
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass

LegOf = Callable[[Mapping[str, Json]], LegName | None]
"""Tells from a stored request which leg it names; None means both."""

# A use by this very intent: it is no further one.
_OWN_USE = "CONSENT_USED_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What a registration came to.

    Attributes:
        entry: id of its entry.
        stops: intents that a stop order was written for.
    """

    entry: UUID
    stops: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    """An open intent or running task of the call, read back.

    Attributes:
        intent: the intent.
        call: the call's name.
        facts: what was asked.
        exchange: the request as it is stored.
    """

    intent: LinkedEntry
    call: str = field(repr=False)
    facts: RequestFacts
    exchange: Mapping[str, Json] = field(repr=False)


def join(
    gate: GateContext, connection: Connection, registration: Registration, leg_of: LegOf
) -> Joined | None:
    """Write a registration, and a stop order for each running task that it makes unlawful.

    Args:
        gate: the gate.
        connection: an open write transaction.
        registration: what the backend says.
        leg_of: tells which leg a stored request names.

    Returns:
        What was written, or None when all of it stood already.

    Raises:
        RecordConflict: it takes back what was told before.
        Malformed: something stored cannot be read.
    """
    registered = register(gate.book, connection, registration)
    if registered is None:
        return None
    ordered = [
        live.intent.row.id
        for live in _live(gate, connection, registration.call, registered)
        if _falls(gate, connection, live, registered, _leg_beside(live.exchange) or leg_of(live.exchange))
    ]
    return Joined(entry=registered.entry, stops=tuple(ordered))


def _live(gate: GateContext, connection: Connection, call: str, registered: Registered) -> list[_Live]:
    """Find what runs by whom it is about: an intent is linked to its speakers, not to its call."""
    if not registered.earlier or not (registered.people or registered.weakened):
        return []
    state = calls.read(gate.book, connection, call)
    people = [s for leg in LEGS for s in (*state.on(leg), *state.gone.get(leg, ()))] if state else []
    about = gate.book.vault.find(connection, [s.first for s in people]).values()
    found = stops.live_intents(gate.book, connection, registered.at, frozenset(about))
    read = (_read(gate, connection, call, each) for each in found)
    return [each for each in read if each is not None]


def _leg_beside(exchange: Mapping[str, Json]) -> LegName | None:
    """The leg of a request that names it beside its body, as guarded blocks do."""
    return next((each for each in LEGS if each == exchange.get("leg")), None)


def _read(gate: GateContext, connection: Connection, call: str, intent: LinkedEntry) -> _Live | None:
    opened = open_parts(intent.row, gate.book.vault.data_keys(connection, intent.subjects).values())
    for name, decision in opened.items():
        exchange = opened.get(f"exchange.{name.partition('.')[2]}")
        # What was made from a task holds what that task heard; who joins the call later is not in it.
        if "task" in decision:
            return None
        if name.startswith("decision.") and decision.get("call") == call and exchange is not None:
            facts = request_from(decision.get("asked"))
            return _Live(intent=intent, call=call, facts=facts, exchange=exchange)
    return None


def _falls(
    gate: GateContext, connection: Connection, live: _Live, registered: Registered, leg: LegName | None
) -> bool:
    """Decide anew about whom the registration is about, and order the stop where one may not be compared."""
    # A reader of its own: what it keeps of this transaction ends with it.
    reading = Reader(gate.book).read(connection, live.call, leg)
    concerned = tuple(
        on
        for on in reading.speakers
        if registered.weakened or (on.leg, on.speaker.first) in registered.people
    )
    denied = _denied(gate, live, reading, concerned, registered) if concerned else []
    if not denied:
        return False
    whose, why = denied[0]
    stops.order_stop(
        gate.book,
        connection,
        registered.at,
        live.intent,
        whose.subject or gate.book.vault.ensure(connection, whose.speaker.first),
        cause=registered.entry,
        reasons=[reason_json(each) for each in why],
    )
    return True


def _denied(
    gate: GateContext,
    live: _Live,
    reading: Reading,
    concerned: Sequence[OnLeg],
    registered: Registered,
) -> list[tuple[OnLeg, tuple[Reason, ...]]]:
    """Say who of them may not be compared, and why."""
    crowded = len(reading.speakers) > MAX_SPEAKERS
    alone = replace(
        reading,
        call=reading.call and replace(reading.call, purpose=live.facts.purpose),
        # The others were decided on; what is not known of a leg now does not undo that.
        unknown_legs=(),
        speakers=reading.speakers if crowded else tuple(concerned),
    )
    verdict = judge(gate, _request(live), alone, registered.at)
    if not verdict.judged:
        return [(concerned[0], verdict.reasons)]
    told = [(each.on, _reasons(each.on, each.decision.reasons, live.intent)) for each in verdict.judged]
    return [(on, why) for on, why in told if why]


def _reasons(on: OnLeg, reasons: tuple[Reason, ...], intent: LinkedEntry) -> tuple[Reason, ...]:
    mine = on.subject is not None and on.subject.id in intent.subjects
    return tuple(each for each in reasons if not (mine and each.code == _OWN_USE))


def _request(live: _Live) -> GatedRequest:
    """The request, as far as a decision looks at it."""
    return GatedRequest(
        intent=live.intent.row.id,
        service="",
        operation="",
        action=live.facts.operation,
        region=None,
        country=live.facts.processing_country,
        method="",
        path="",
        query="",
        body=b"",
        call=live.call,
        context=live.facts.context,
        leg=None,
        token=None,
        token_from="caller",  # noqa: S106  # no secret: who made the token
        lasts_ms=0,
    )
