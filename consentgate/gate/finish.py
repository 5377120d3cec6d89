"""Steps 5 and 6: what came back becomes the intent's outcome.

::

    5 request   the vendor's, in the client's hands; no transaction or lock is held meanwhile
    6 append    the outcome with the exact answer; the same transaction returns the stop orders that stand

A stop order that is met here is carried out at once. An outcome that cannot be written within its budget
stops the task: what nobody can prove must not go on.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import (
    ConsentGateError,
    ConsentWithdrawn,
    Malformed,
    OutcomeNotRecorded,
    Unavailable,
)
from consentgate.gate.context import GateContext
from consentgate.gate.outcomes import Attempt, End, classify
from consentgate.gate.ports import Vendor
from consentgate.gate.request import Exchange, Permit
from consentgate.ledger.book import Content
from consentgate.ledger.vault import month_key
from consentgate.moment import to_text
from consentgate.storage import entries

_RETRY_AFTER_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recorded outcome.

    Attributes:
        entry: id of its entry.
        end: how the request ended.
        stops: the stop orders that stand against the intent.
    """

    entry: UUID
    end: End
    stops: tuple[Answer, ...]


def finish(
    gate: GateContext, permit: Permit, exchange: Exchange, response: object, vendor: Vendor
) -> Recorded:
    """Do step 6.

    Args:
        gate: the gate.
        permit: the permit under which the request went.
        exchange: what came back.
        response: the answer as the caller will get it, or None.
        vendor: stops the task.

    Returns:
        What was recorded.

    Raises:
        ConsentWithdrawn: a speaker withdrew meanwhile; the task was stopped.
        OutcomeNotRecorded: the outcome could not be written; the task was stopped.
    """
    end = classify(exchange.attempts, started=exchange.task is not None)
    entry = gate.book.new_id(gate.book.now())
    try:
        recorded = _within_budget(gate, permit, exchange, end, entry)
    except ConsentGateError as error:
        # Whatever it is: what cannot be recorded must not go on.
        if exchange.task is not None:
            vendor.stop(permit.request, exchange.task)
        raise OutcomeNotRecorded(response, str(permit.entry)) from error
    if recorded.stops and exchange.task is not None:
        stopped = vendor.stop(permit.request, exchange.task)
        _record_stops(gate, permit, recorded.stops, stopped=stopped)
        raise ConsentWithdrawn(response, str(recorded.entry), stopped=stopped)
    return recorded


def close_unsent(gate: GateContext, permit: Permit) -> None:
    """Record that nothing was sent under a permit.

    Args:
        gate: the gate.
        permit: the permit.

    Raises:
        ConsentGateError: the outcome could not be written; the intent stays open.
    """
    entry = gate.book.new_id(gate.book.now())
    _within_budget(gate, permit, Exchange(attempts=()), "not_sent", entry)


def _record_stops(gate: GateContext, permit: Permit, stops: tuple[Answer, ...], *, stopped: bool) -> None:
    """Note what became of each stop order; one that could not be noted stays open."""
    end = "succeeded" if stopped else "unknown"
    told: dict[str, Json] = {"end": end, "stopped": stopped}

    def note(connection: Connection) -> None:
        parts = [Content(name="exchange.0", data_key=permit.owners[0].data_key, members=told)]
        for order in stops:
            gate.book.write(
                connection, "observation", gate.book.now(), parts, permit.about, re=order, end=end
            )

    try:
        gate.database.write(note)
    except ConsentGateError:
        return


def _within_budget(gate: GateContext, permit: Permit, exchange: Exchange, end: End, entry: UUID) -> Recorded:
    """Write the outcome, trying again with the same entry id until the budget is used up."""
    until = time.monotonic() + gate.limits.outcome_budget.total_seconds()
    while True:
        try:
            return gate.database.write(lambda c: _append(gate, c, permit, exchange, end, entry))
        except Unavailable:
            if time.monotonic() + _RETRY_AFTER_S >= until:
                raise
            time.sleep(_RETRY_AFTER_S)


def _append(
    gate: GateContext, connection: Connection, permit: Permit, exchange: Exchange, end: End, entry: UUID
) -> Recorded:
    book = gate.book
    # [6] An append whose commit was in doubt may be there: the same id is never written twice.
    if entries.by_id(connection, book.tenant, entry) is None:
        # A second final outcome is kept as an observation: the first one stands.
        late = end == "unknown" or entries.final_outcome(connection, book.tenant, permit.entry) is not None
        kind = "observation" if late else "outcome"
        contents = _contents(gate, connection, permit, exchange, end)
        answered = Answer(id=permit.entry, h=permit.hash)
        book.write(connection, kind, book.now(), contents, permit.about, entry=entry, re=answered, end=end)
    stops = entries.stop_orders(connection, book.tenant, permit.entry)
    orders = tuple(Answer(id=order.id, h=order.hash) for order in stops)
    return Recorded(entry=entry, end=end, stops=orders)


def _contents(
    gate: GateContext, connection: Connection, permit: Permit, exchange: Exchange, end: End
) -> list[Content]:
    members = exchange_members(exchange, end)
    contents = [
        Content(name=f"exchange.{i}", data_key=owner.data_key, members=members)
        for i, owner in enumerate(permit.owners)
    ]
    if exchange.results and exchange.body is not None:
        # Results name other people: their exact bytes lie under a key of the month, not under the speaker's.
        try:
            key = gate.book.vault.ensure_key(connection, month_key("matches", gate.book.now()))
        except Malformed:
            # A damaged key must not cost the outcome: the digest of the answer is kept in any case.
            return contents
        answer: dict[str, Json] = {"response": canonical.b64(exchange.body)}
        contents.append(Content(name="matches.0", data_key=key.data_key, members=answer))
    return contents


def exchange_members(exchange: Exchange, end: End) -> dict[str, Json]:
    """Give the stored form of what came back.

    Args:
        exchange: what came back.
        end: how the request ended.

    Returns:
        Canonical JSON members: the exact answer, or its SHA-256 and its members other than the results.
    """
    members: dict[str, Json] = {"end": end, "attempts": [_attempt(a) for a in exchange.attempts]}
    told: dict[str, Json] = {
        "status": exchange.status,
        "request_id": exchange.request_id,
        "task": exchange.task,
        "error": exchange.error,
    }
    members |= {name: value for name, value in told.items() if value is not None}
    if exchange.body is not None and exchange.results:
        members["response_sha256"] = canonical.b64(exchange.digest)
        members["summary"] = exchange.summary
    elif exchange.body is not None:
        members["response"] = canonical.b64(exchange.body)
    return members


def _attempt(attempt: Attempt) -> Mapping[str, Json]:
    members: dict[str, Json] = {"started_at": to_text(attempt.started_at)}
    if attempt.ended_at is not None:
        members["ended_at"] = to_text(attempt.ended_at)
    if attempt.status is not None:
        members["status"] = attempt.status
    if attempt.fault is not None:
        members["fault"] = attempt.fault
        members["cause"] = attempt.cause
    return members
