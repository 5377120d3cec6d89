"""Steps 5 and 6: what came back becomes the intent's outcome.

::

    5 request   the vendor's, in the client's hands; no transaction or lock is held meanwhile
    6 append    the outcome with the exact answer; the same transaction returns the stop orders that stand
        6a      not written: again with the same entry id, until the budget is used up
        6b      still not: sealed into the spool, if there is one; then it is durable and the request goes on
        6c      not even that: the task is stopped, and the caller gets what `ConsentGate.record` takes

A stop order that is met here is carried out at once. An outcome that is durable nowhere stops the task: what
nobody can prove must not go on.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import ConsentWithdrawn, OutcomeNotRecorded, Unavailable
from consentgate.gate.answers import answer_contents, matches_key
from consentgate.gate.context import GateContext
from consentgate.gate.ending import ending_again, ending_of
from consentgate.gate.outcomes import End
from consentgate.gate.ports import Vendor
from consentgate.gate.request import Ending, Exchange, Permit
from consentgate.gate.sealed import seal_ending
from consentgate.ledger.book import Appended, Content
from consentgate.ledger.vault import Subject
from consentgate.storage import entries
from consentgate.storage.guarded import Guard
from consentgate.values import dataclass

_RETRY_AFTER_S: Final = 0.05
_LOG: Final = logging.getLogger("consentgate")


Kind: TypeAlias = Literal["outcome", "observation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recorded outcome.

    Attributes:
        entry: id of its entry.
        end: how the request ended.
        kind: as what it stands: an ``outcome``, or an ``observation`` where it is open or came late.
        fresh: whether it was written now; else it was there already.
        stops: the stop orders that stand against the intent.
    """

    entry: UUID
    end: End
    kind: Kind
    fresh: bool
    stops: tuple[Answer, ...]


def finish(gate: GateContext, permit: Permit, exchange: Exchange, response: object, vendor: Vendor) -> bool:
    """Do step 6.

    Args:
        gate: the gate.
        permit: the permit under which the request went.
        exchange: what came back.
        response: the answer as the caller will get it, or None.
        vendor: stops the task.

    Returns:
        Whether the outcome is in the ledger; else it is in the spool.

    Raises:
        ConsentWithdrawn: a speaker withdrew meanwhile; the task was stopped.
        OutcomeNotRecorded: the outcome could not be written; the task was stopped.
    """
    ending: Ending | None = None
    try:
        ending = ending_of(gate, permit, exchange)
        stops, written = _within_budget(gate, ending).stops, True
    except Exception as error:  # whatever it is, a bug too: what cannot be recorded must not go on
        ending = ending or ending_again(gate, permit, exchange)
        if ending is None or not _spooled(gate, ending):
            raise _lost(gate, permit, exchange, ending, response, vendor) from error
        stops, written = _stops_if_readable(gate, ending), False
    except BaseException:
        # Somebody ends this thread: the outcome is kept where that is quickly done, and nothing is held up.
        ending = ending or ending_again(gate, permit, exchange)
        if ending is not None:
            _spooled(gate, ending)
        raise
    if stops and (ending.started is not None or ending.end == "succeeded"):
        # What was answered as a whole runs no more: there is nothing to stop, and nothing to be used.
        stopped = ending.started is None or vendor.stop(ending.started)
        record_stops(gate, ending, stops, stopped=stopped)
        raise ConsentWithdrawn(response, str(ending.entry), stopped=stopped)
    return written


def lost(
    gate: GateContext, permit: Permit, exchange: Exchange, response: object, vendor: Vendor
) -> OutcomeNotRecorded:
    """[6c] Do what is left where step 6 itself failed: the task is stopped, and the outcome sealed.

    Args:
        gate: the gate.
        permit: the permit under which the request went.
        exchange: what came back.
        response: the answer as the caller will get it, or None.
        vendor: stops the task.

    Returns:
        What is to be raised.
    """
    return _lost(gate, permit, exchange, ending_again(gate, permit, exchange), response, vendor)


def close_unsent(gate: GateContext, permit: Permit) -> None:
    """Record that nothing was sent under a permit.

    Args:
        gate: the gate.
        permit: the permit.

    Raises:
        ConsentGateError: the outcome could not be written; the intent stays open.
    """
    _within_budget(gate, ending_of(gate, permit, Exchange(attempts=())))


def record_stops(gate: GateContext, ending: Ending, stops: tuple[Answer, ...], *, stopped: bool) -> None:
    """Note what became of each stop order; one that could not be noted stays open.

    Args:
        gate: the gate.
        ending: whose stop orders they are.
        stops: the stop orders.
        stopped: whether the vendor confirmed.
    """
    end = "succeeded" if stopped else "unknown"
    told: dict[str, Json] = {"end": end, "stopped": stopped}

    def note(connection: Connection) -> None:
        parts = [Content(name="exchange.0", data_key=ending.owners[0].data_key, members=told)]
        for order in stops:
            gate.book.write(
                connection, "observation", gate.book.now(), parts, ending.about, re=order, end=end
            )

    try:
        gate.database.write(note)
    except Exception as error:  # noqa: BLE001  # the outcome stands, and the order is asked for again
        _LOG.warning("A stop was answered, and could not be recorded: %s.", type(error).__name__)


def _within_budget(gate: GateContext, ending: Ending) -> Recorded:
    """[6a] Write the outcome, trying again with the same entry id until the budget is used up."""
    until = time.monotonic() + gate.limits.outcome_budget.total_seconds()
    while True:
        try:
            matches = matches_key(gate, ending)
            work = partial(append, gate, ending=ending, matches=matches)
            return gate.database.write(work, single=True)
        except Unavailable:
            if time.monotonic() + _RETRY_AFTER_S >= until:
                raise
            time.sleep(_RETRY_AFTER_S)


def _spooled(gate: GateContext, ending: Ending) -> bool:
    """[6b] Whether the outcome is durable in the spool."""
    if gate.spool is None:
        return False
    try:
        gate.spool.put(ending.entry, seal_ending(gate, ending))
    except Exception:  # noqa: BLE001  # whatever it is: then the task is stopped
        return False
    return True


def _stops_if_readable(gate: GateContext, ending: Ending) -> tuple[Answer, ...]:
    """The outcome's transaction could not bring the stop orders: one look, where reading still works."""
    try:
        with gate.database.glance() as connection:
            return _stops(gate, connection, ending)
    except Exception:  # noqa: BLE001  # the outcome is durable already; whoever records it looks again
        return ()


def _lost(
    gate: GateContext,
    permit: Permit,
    exchange: Exchange,
    ending: Ending | None,
    response: object,
    vendor: Vendor,
) -> OutcomeNotRecorded:
    """[6c] Stop the task, and give the caller what can still be recorded later."""
    started = permit.started(exchange.task)
    if started is not None and not exchange.changed:
        vendor.stop(started)
    try:
        record = seal_ending(gate, ending) if ending is not None else ""
    except Exception:  # noqa: BLE001  # the caller must learn that there is no outcome, whatever the reason
        record = ""
    return OutcomeNotRecorded(response, str(permit.entry), record)


def append(gate: GateContext, connection: Connection, ending: Ending, matches: Subject | None) -> Recorded:
    """Append the outcome, in one statement; one whose entry is there already is not written again.

    Args:
        gate: the gate.
        connection: an open write transaction.
        ending: what to record.
        matches: the key of the month for results, or None.

    Returns:
        As what it stands now, with the stop orders of the intent.
    """
    contents = answer_contents(ending, matches)
    # [6] An append whose commit was in doubt may be there: the same id is never written twice.
    kind: Kind = "observation" if ending.end == "unknown" else "outcome"
    appended = _write(gate, connection, ending, kind, contents)
    if appended.code == "late":
        # A second final outcome is kept as an observation: the first one stands.
        kind = "observation"
        appended = _write(gate, connection, ending, kind, contents)
        _LOG.error(
            "Intent %s has a final outcome: what came later (%s) is kept beside it.",
            ending.intent.id,
            ending.end,
        )
    if appended.code == "there":
        standing = entries.by_id(connection, gate.book.tenant, ending.entry)
        kind = "observation" if standing is not None and standing.kind == "observation" else "outcome"
    stops = tuple(Answer(id=order, h=hash_) for order, hash_ in appended.stops)
    fresh = appended.code == "done"
    return Recorded(entry=ending.entry, end=ending.end, kind=kind, fresh=fresh, stops=stops)


def _write(
    gate: GateContext, connection: Connection, ending: Ending, kind: Kind, contents: Sequence[Content]
) -> Appended:
    """Under the locks that a withdrawal takes: it finds this outcome, or this finds its stop order."""
    return gate.book.write(
        connection,
        kind,
        gate.book.now(),
        contents,
        ending.about | _found_by(gate, ending),
        entry=ending.entry,
        re=ending.intent,
        end=ending.end,
        guard=Guard(shared=ending.locks),
    )


def _found_by(gate: GateContext, ending: Ending) -> frozenset[UUID]:
    """What the outcome is found by later: the task that it started."""
    task = ending.exchange.task
    return frozenset(gate.book.vault.task_subjects(task)[:1]) if task is not None else frozenset()


def _stops(gate: GateContext, connection: Connection, ending: Ending) -> tuple[Answer, ...]:
    orders = entries.stop_orders(connection, gate.book.tenant, ending.intent.id)
    return tuple(Answer(id=order.id, h=order.hash) for order in orders)
