"""From the calls in CloudTrail to the intents that allowed them, and to those that nothing allowed.

An event belongs to an intent when both name the same operation, service and region, the event's time lies within the
time in which the request could be answered, and

- the client request token is the same; ours names the intent; or
- the record shows no token, everything that it shows of the request is the same, and nothing that the intent's own
  outcome says speaks against it: another task, another request.

Invariants: an event that could be of several intents settles none of them, and counts for no bypass either; an absent
event proves nothing, since the vendor delivers late and not always all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.aws.asking import intent_of_token
from consentgate.aws.operations import GATED
from consentgate.aws.trailevents import Event, asks_the_same
from consentgate.aws.wire import Wire
from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed
from consentgate.gate.context import GateContext
from consentgate.gate.evidence import Evidence, Trail, Ungated
from consentgate.gate.unsettled import LONGEST, Asked, read_asked
from consentgate.ledger.book import open_parts
from consentgate.moment import uuid7
from consentgate.storage import entries, intents
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

# How far the vendor's clock may be from ours, and how much its times are cut to whole seconds.
_SKEW: Final = timedelta(minutes=1)
# An id is made before its request waits for its call's registration and is decided.
_WAITS: Final = timedelta(minutes=15)
_AT_ONCE: Final = 2000
_PAGE: Final = 500
_SUCCEEDED: Final = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    """What was found so far; bounded by what is open or unexplained, not by the trail."""

    events: dict[UUID, dict[str, Event]]
    several: set[UUID]
    ungated: dict[str, Ungated]


def follow(gate: GateContext, events: Iterable[Event]) -> Trail:
    """Compare a trail with the ledger.

    Args:
        gate: the gate.
        events: the calls of gated operations, in any order; one may come twice.

    Returns:
        What it says.

    Raises:
        Malformed: something stored cannot be read.
        Unavailable: the database or a key is out of reach.
    """
    found, count, rest = _Followed(events={}, several=set(), ungated={}), 0, iter(events)
    while batch := tuple(islice(rest, _AT_ONCE)):
        count += len(batch)
        with gate.database.read() as connection:
            _follow(gate, connection, batch, found)
    told = {
        intent: _evidence(sorted(each.values(), key=_when), several=intent in found.several)
        for intent, each in found.events.items()
    }
    ungated = tuple(sorted(found.ungated.values(), key=lambda each: (each.at, each.event)))
    return Trail(told=told, ungated=ungated, events=count)


def _follow(gate: GateContext, connection: Connection, batch: Sequence[Event], found: _Followed) -> None:
    left = []
    for event in batch:
        asked = _named(gate, connection, event)
        if asked is None:
            left.append(event)
        else:
            _match(gate, connection, event, [asked], found)
    left.sort(key=_when)
    times = [event.at for event in left]
    near: dict[str, list[Asked]] = {event.id: [] for event in left}
    for asked in _asked_meanwhile(gate, connection, times):
        parameters = _parameters(asked)
        first, last = bisect_left(times, asked.at - _SKEW), bisect_right(times, asked.until + _SKEW)
        for event in left[first:last]:
            if _fits(event, asked) and (asked.erased or _is_same(event, asked, parameters)):
                near[event.id].append(asked)
    for event in left:
        possible = [each for each in near[event.id] if not each.erased]
        chosen = _chosen(gate, connection, event, possible)
        if chosen:
            _match(gate, connection, event, chosen, found)
        else:
            found.ungated[event.id] = Ungated(
                event=event.id,
                at=event.at,
                operation=event.operation,
                region=event.region,
                principal=event.principal,
                error=_word(event.error) if event.error is not None else None,
                unclear=len(near[event.id]) > len(possible),
            )


def _named(gate: GateContext, connection: Connection, event: Event) -> Asked | None:
    """The intent that a token of ours names."""
    intent = intent_of_token(event.token)
    row = entries.by_id(connection, gate.book.tenant, intent) if intent is not None else None
    if row is None or row.kind != "intent":
        return None
    asked = _read(gate, connection, row)
    return asked if _fits(event, asked) and (asked.erased or asked.text("token") == event.token) else None


def _asked_meanwhile(gate: GateContext, connection: Connection, times: Sequence[datetime]) -> Iterator[Asked]:
    if not times:
        return
    after = _first_id(times[0] - LONGEST - _WAITS - _SKEW)
    until = _first_id(times[-1] + _SKEW + timedelta(seconds=1))
    while rows := intents.intents_between(
        connection, gate.book.tenant, after=after, until=until, limit=_PAGE
    ):
        after = rows[-1].id
        for row in rows:
            yield _read(gate, connection, row)


def _read(gate: GateContext, connection: Connection, row: EntryRow) -> Asked:
    """What was asked; one that is damaged is as good as one of which nobody is left."""
    try:
        return read_asked(gate, connection, row)
    except Malformed:
        intent = Answer(id=row.id, h=row.hash)
        return Asked(intent=intent, at=row.at, until=row.at + LONGEST)


def _fits(event: Event, asked: Asked) -> bool:
    """Whether it may be the same request, as far as place and time go."""
    if not asked.at - _SKEW <= event.at <= asked.until + _SKEW:
        return False
    return asked.erased or (
        asked.text("operation") == event.operation
        and event.service in (None, asked.text("service"))
        and asked.text("region") in ("", event.region)
    )


def _is_same(event: Event, asked: Asked, parameters: Mapping[str, Json]) -> bool:
    token = asked.text("token")
    if event.token is not None:
        return event.token == token
    return asks_the_same(event, parameters)


def _parameters(asked: Asked) -> Mapping[str, Json]:
    operation = GATED.get((asked.text("service"), asked.text("operation")))
    if operation is None:
        return {}
    body = canonical.unb64(asked.text("body"))
    wire = Wire(method=asked.text("method"), path=asked.text("path"), query=asked.text("query"), body=body)
    return operation.address(wire).parameters


def _chosen(
    gate: GateContext, connection: Connection, event: Event, possible: Sequence[Asked]
) -> list[Asked]:
    """Of the intents that an event may be of, those that their own outcomes do not speak against."""
    if event.token is not None:
        return list(possible)
    left = []
    for asked in possible:
        answered = _answered(gate, connection, asked)
        request_id, task = answered.get("request_id"), answered.get("task")
        if (event.request_id is not None and request_id == event.request_id) or (
            event.made is not None and task == event.made
        ):
            return [asked]
        if task is None or event.made is None:
            left.append(asked)
    return left


def _answered(gate: GateContext, connection: Connection, asked: Asked) -> Mapping[str, Json]:
    outcome = entries.final_outcome(connection, gate.book.tenant, asked.intent.id)
    opened = open_parts(outcome, asked.keys) if outcome is not None else {}
    return next((each for name, each in opened.items() if name.startswith("exchange.")), {})


def _match(
    gate: GateContext, connection: Connection, event: Event, chosen: Sequence[Asked], found: _Followed
) -> None:
    for asked in chosen:
        intent = asked.intent.id
        if len(chosen) > 1:
            found.several.add(intent)
        outcome = entries.final_outcome(connection, gate.book.tenant, intent)
        if outcome is None or outcome.end != _SUCCEEDED:
            found.events.setdefault(intent, {})[event.id] = event


def _evidence(events: Sequence[Event], *, several: bool) -> Evidence:
    """What the events of one intent say of how it ended."""
    ids = tuple(event.id for event in events)
    done = [event for event in events if event.error is None]
    made = next((event for event in done if event.made is not None), None)
    if several:
        why = "CloudTrail shows a request that may have been that of several intents."
        return Evidence(by="cloudtrail", because="several", why=why, events=ids)
    if made is not None:
        return Evidence(
            by="cloudtrail",
            because="trail",
            why="CloudTrail shows the request and what it started.",
            end="succeeded",
            task=made.made,
            events=ids,
            request_id=made.request_id,
        )
    if done:
        why = "CloudTrail shows that the request was accepted, and not what it started."
        return Evidence(
            by="cloudtrail", because="unnamed", why=why, events=ids, request_id=done[0].request_id
        )
    last = events[-1]
    error = _word(last.error)
    refused = all(event.is_refusal for event in events)
    return Evidence(
        by="cloudtrail",
        because="trail" if refused else "unclear",
        why=f"CloudTrail shows that the vendor refused the request ({error})."
        if refused
        else f"CloudTrail shows the request and an answer that leaves open whether it was done ({error}).",
        end="rejected" if refused else "undetermined",
        events=ids,
        request_id=last.request_id,
        error=error,
    )


def _word(error: str | None) -> str:
    return error if error is not None and error.isascii() and error.isprintable() else "an error"


def _when(event: Event) -> tuple[datetime, str]:
    return (event.at, event.id)


def _first_id(at: datetime) -> UUID:
    return uuid7(at, bytes)
