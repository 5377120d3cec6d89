"""Closing intents that nobody closed: from what others say of them, and never by asking for anything that is gated.

::

    a  choose   intents without a final outcome; one whose request may still arrive is left alone
    b  ask      where a task is known that may still run: how it goes, which is kept as an observation
    c  append   under the locks that a withdrawal takes: looked up again, judged by all that is known now, and closed
                through the code of step 6; the same transaction returns the stop orders that stand
    d  stop     what it met is carried out where a client is at hand; else it stays open, and a worker does it

`succeeded` and `rejected` need somebody who says so: a notification, an answer to a question, the vendor's trail.
Everything else is `undetermined`, with the reason. Two that reconcile at once, or one beside the process that asked,
never make two final outcomes: whoever comes second finds the first. A death anywhere leaves the intent open, or
closed with its stop orders open: doing it again goes on from there.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed, Unavailable
from consentgate.gate.closure import closure
from consentgate.gate.context import GateContext
from consentgate.gate.evidence import Because, Evidence, Trail, Ungated, judge
from consentgate.gate.finish import Recorded, append
from consentgate.gate.outcomes import End
from consentgate.gate.polling import Looks
from consentgate.gate.ports import Vendor
from consentgate.gate.progress import observe
from consentgate.gate.replay import Stops, carry_out, unanswered
from consentgate.gate.request import Ending
from consentgate.gate.unsettled import Asked, Unsettled, read_unsettled
from consentgate.storage import entries, intents, locks
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

_PAGE: Final = 200
_NO_TRAIL: Final = Trail()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An intent that has its outcome now.

    Attributes:
        intent: id of the intent.
        entry: id of the outcome's entry, or of the observation where it came late.
        operation: the vendor's name of the operation; empty where nobody can read it any more.
        asked_at: when the intent was written.
        end: how the request ended.
        by: who says so.
        because: which sort of reason that is.
        why: the same as a sentence.
        was: how the outcome says that it ended that stands already, or None; ours is then an observation beside it.
        fresh: whether it was written now; else it was there already.
        stops: ``none`` where nobody withdrew, ``stopped`` where the task was stopped, ``open`` where it was not.
    """

    intent: UUID
    entry: UUID
    operation: str
    asked_at: datetime
    end: End
    by: str
    because: Because
    why: str
    was: str | None
    fresh: bool
    stops: Stops

    @property
    def contradicts(self) -> bool:
        """Whether the ledger says that nothing was done, and the vendor that it was."""
        return self.was in ("rejected", "not_sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An intent whose request may still arrive.

    Attributes:
        intent: id of the intent.
        operation: the vendor's name of the operation; empty where nobody can read it any more.
        asked_at: when the intent was written.
        until: from when on it may be closed.
    """

    intent: UUID
    operation: str
    asked_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """An intent that cannot be closed.

    Attributes:
        intent: id of the intent.
        why: what stands in the way.
    """

    intent: UUID
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What reconciling came to.

    Attributes:
        closed: the intents that have their outcome now, the oldest first.
        waiting: those that are too young to be closed.
        stuck: those that cannot be.
        late: intents that were closed before, and of which the vendor's trail says more.
        ungated: calls in the vendor's trail that passed the gate by.
        events: how many calls of gated operations that trail has.
    """

    closed: tuple[Closed, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    late: tuple[Closed, ...] = ()
    ungated: tuple[Ungated, ...] = ()
    events: int = 0


def reconcile(gate: GateContext, vendors: Iterable[Vendor], trail: Trail = _NO_TRAIL) -> Reconciled:
    """Close every intent that is open and old enough.

    Args:
        gate: the gate.
        vendors: the clients at hand.
        trail: what the vendor's trail says.

    Returns:
        What it came to. Doing it again closes what was too young.

    Raises:
        Unavailable: the database or a key is out of reach; what was closed before that stays closed.
    """
    at_hand, told = tuple(vendors), dict(trail.told)
    closed: list[Closed] = []
    waiting: list[Waiting] = []
    stuck: list[Stuck] = []
    after = 0
    # a
    while rows := _open(gate, after):
        after = rows[-1].ordinal
        for row in rows:
            try:
                found = _settled(gate, row, at_hand, told.pop(row.id, None))
            except Malformed as error:
                stuck.append(Stuck(intent=row.id, why=str(error)))
                continue
            if isinstance(found, Closed):
                closed.append(found)
            elif found is not None:
                waiting.append(found)
    more = (late(gate, intent, at_hand, evidence) for intent, evidence in sorted(told.items()))
    return Reconciled(
        closed=tuple(closed),
        waiting=tuple(waiting),
        stuck=tuple(stuck),
        late=tuple(each for each in more if each is not None),
        ungated=trail.ungated,
        events=trail.events,
    )


def late(
    gate: GateContext, intent: UUID, vendors: tuple[Vendor, ...] = (), evidence: Evidence | None = None
) -> Closed | None:
    """Keep what is known of an intent that was closed without it, beside its outcome.

    Args:
        gate: the gate.
        intent: id of the intent.
        vendors: the clients at hand.
        evidence: what the vendor's trail says; by default what was seen since counts alone.

    Returns:
        What was kept; None where the outcome says as much already, or there is none yet.

    Raises:
        Malformed: something stored cannot be read.
        Unavailable: the database or a key is out of reach.
    """
    with gate.database.read() as connection:
        row = entries.by_id(connection, gate.book.tenant, intent)
        if row is None or entries.final_outcome(connection, gate.book.tenant, intent) is None:
            return None
        held = read_unsettled(gate, connection, row).locks
    return _close(gate, row, held, vendors, evidence)


def _open(gate: GateContext, after: int) -> tuple[EntryRow, ...]:
    with gate.database.read() as connection:
        return intents.open_intents(connection, gate.book.tenant, after=after, limit=_PAGE)


def _settled(
    gate: GateContext, row: EntryRow, vendors: tuple[Vendor, ...], trailed: Evidence | None
) -> Closed | Waiting | None:
    """Close one intent; None where somebody else did meanwhile."""
    with gate.database.read() as connection:
        unsettled = read_unsettled(gate, connection, row)
    asked = unsettled.asked
    if not _is_due(gate, asked):
        return Waiting(intent=row.id, operation=asked.text("operation"), asked_at=asked.at, until=asked.until)
    # b
    _ask(gate, unsettled, vendors)
    return _close(gate, row, unsettled.locks, vendors, trailed)


def _is_due(gate: GateContext, asked: Asked) -> bool:
    return gate.book.now() >= asked.until


def _close(
    gate: GateContext,
    row: EntryRow,
    held: frozenset[int],
    vendors: tuple[Vendor, ...],
    trailed: Evidence | None,
) -> Closed | None:
    written: list[tuple[Ending, Evidence, EntryRow | None]] = []

    # c
    def work(connection: Connection) -> tuple[Recorded, tuple[Answer, ...]] | None:
        written.clear()
        locks.hold(connection, shared=held)
        standing = entries.final_outcome(connection, gate.book.tenant, row.id)
        # Read again: what was seen or erased before the locks were ours counts.
        now = read_unsettled(gate, connection, row)
        evidence = trailed if trailed is not None and now.state.task is None else judge(now)
        if standing is not None and (standing.end == "succeeded" or evidence.end != "succeeded"):
            # Somebody else closed it: what says no more than that is not kept.
            return None
        written.append((closure(gate, connection, now, evidence), evidence, standing))
        recorded = append(gate, connection, written[-1][0], None)
        return recorded, unanswered(gate, connection, recorded.stops)

    done = gate.database.write(work)
    if done is None:
        return None
    # d
    recorded, orders = done
    ending, evidence, standing = written[-1]
    return Closed(
        intent=row.id,
        entry=recorded.entry,
        operation=ending.operation,
        asked_at=row.at,
        end=ending.end,
        by=evidence.by,
        because=evidence.because,
        why=evidence.why,
        was=standing.end if standing is not None else None,
        fresh=recorded.fresh,
        stops=carry_out(gate, ending, recorded, orders, vendors),
    )


def _ask(gate: GateContext, unsettled: Unsettled, vendors: tuple[Vendor, ...]) -> None:
    """[b] What the vendor says of a task that was seen, kept as an observation; without an answer nothing is lost."""
    task = unsettled.state.task
    if task is None or unsettled.state.ended:
        return
    started = unsettled.asked.started(task)
    for vendor in vendors:
        if isinstance(vendor, Looks) and vendor.serves(started):
            try:
                seen = vendor.look(started)
            except Unavailable:
                continue
            if seen.task == task:
                observe(gate, unsettled.asked.intent.id, seen)
                return
