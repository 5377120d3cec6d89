"""Recording what could not be recorded in time: by the normal path, as often as one likes, to the same effect.

An outcome has its entry id since its request ended, so writing it a second time finds it there. Where the
intent got another final outcome meanwhile, ours is kept as an observation. A stop order that is met is carried
out where a client for that service and region is at hand; else it stays open.
"""

import logging
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.entries.leaf import Answer
from consentgate.errors import ConsentGateError, Malformed, Unavailable
from consentgate.gate.context import GateContext
from consentgate.gate.finish import Recorded, append, record_stops
from consentgate.gate.outcomes import End
from consentgate.gate.ports import Vendor
from consentgate.gate.request import Ending, Started
from consentgate.gate.sealed import open_ending
from consentgate.gate.spool import Spool
from consentgate.ledger.vault import Subject, month_key
from consentgate.storage import entries
from consentgate.values import dataclass

AT_ONCE: Final = 16
_LOG: Final = logging.getLogger("consentgate")

Stops: TypeAlias = Literal["none", "stopped", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """An outcome that is in the ledger now.

    Attributes:
        entry: id of its entry.
        intent: id of the intent.
        end: how the request ended.
        late: whether the intent had another final outcome already; ours is then an observation.
        fresh: whether it was written now; else it was there already.
        stops: ``none`` where nobody withdrew, ``stopped`` where the task was stopped, ``open`` where it was not:
            no client was at hand, or the vendor did not confirm.
    """

    entry: UUID
    intent: UUID
    end: End
    late: bool
    fresh: bool
    stops: Stops


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An outcome that stays in the spool.

    Attributes:
        entry: id that its entry would have.
        why: what stands in the way.
    """

    entry: UUID
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What recording came to.

    Attributes:
        done: what is in the ledger now, the oldest first.
        left: what is not, and stays where it is.
    """

    done: tuple[Replayed, ...] = ()
    left: tuple[Left, ...] = ()


def replay(gate: GateContext, record: str, vendors: Iterable[Vendor]) -> Replayed:
    """Record one outcome.

    Args:
        gate: the gate.
        record: the sealed outcome.
        vendors: the clients at hand.

    Returns:
        As what it stands now.

    Raises:
        Malformed: it is no outcome of this ledger, or can no longer be recorded.
        Unavailable: nothing was written; try again.
    """
    opened: list[Ending] = []

    def work(connection: Connection) -> tuple[Recorded, tuple[Answer, ...]]:
        ending = open_ending(gate, connection, record)
        opened.append(ending)
        recorded = append(gate, connection, ending, _matches(gate, connection, ending))
        return recorded, unanswered(gate, connection, recorded.stops)

    recorded, orders = gate.database.write(work)
    ending = opened[-1]
    stops = carry_out(gate, ending, recorded, orders, vendors)
    return Replayed(
        entry=recorded.entry,
        intent=ending.intent.id,
        end=recorded.end,
        late=recorded.kind == "observation" and recorded.end != "unknown",
        fresh=recorded.fresh,
        stops=stops,
    )


def replay_spool(
    gate: GateContext, spool: Spool, vendors: Iterable[Vendor], *, at_most: int | None = None
) -> Replay:
    """Record what waits in the spool, the oldest first; what cannot be recorded stays there.

    Args:
        gate: the gate.
        spool: the spool.
        vendors: the clients at hand.
        at_most: how many to look at; None looks at all.

    Returns:
        What it came to. Where the database is out of reach, all that was not done yet is left.

    Raises:
        Unavailable: the spool cannot be read.
    """
    spool.due = False
    waiting = [entry for entry in spool.waiting() if at_most is None or entry not in spool.left]
    chosen = waiting if at_most is None else waiting[:at_most]
    at_hand = tuple(vendors)
    done: list[Replayed] = []
    left: list[Left] = []
    for entry in chosen:
        try:
            record = spool.read(entry)
            if record is not None:
                done.append(replay(gate, record, at_hand))
                spool.drop(entry)
        except Unavailable as error:
            spool.due = True
            left.append(Left(entry=entry, why=str(error)))
            break
        except Exception as error:  # noqa: BLE001  # told, and kept on disk: one must not hold up the others
            spool.left.add(entry)
            why = str(error) if isinstance(error, ConsentGateError) else type(error).__name__
            left.append(Left(entry=entry, why=why))
    spool.due = spool.due or len(chosen) < len(waiting)
    return Replay(done=tuple(done), left=tuple(left))


def replay_due(gate: GateContext, vendors: Iterable[Vendor] = (), *, at_most: int | None = AT_ONCE) -> None:
    """Record what may wait in the spool, after a sign that the database works.

    Args:
        gate: the gate.
        vendors: the clients at hand.
        at_most: how many to look at, so that nobody waits long; None looks at all.
    """
    spool = gate.spool
    if spool is None or not spool.due:
        return
    try:
        replay_spool(gate, spool, vendors, at_most=at_most)
    except Exception as error:  # noqa: BLE001  # what was to be done before this is done; the outcomes wait on
        if not isinstance(error, ConsentGateError):
            _LOG.warning("The spool could not be looked through: %s.", type(error).__name__)


def carry_out(
    gate: GateContext,
    ending: Ending,
    recorded: Recorded,
    orders: tuple[Answer, ...],
    vendors: Iterable[Vendor],
) -> Stops:
    """Carry out the stop orders that an outcome met when it was written later.

    Args:
        gate: the gate.
        ending: the outcome.
        recorded: as what it stands.
        orders: the orders that `unanswered` left.
        vendors: the clients at hand.

    Returns:
        How far that came.
    """
    if not orders or (ending.started is None and ending.end != "undetermined"):
        return "stopped" if recorded.stops else "none"
    vendor = _vendor(ending.started, vendors) if ending.started is not None else None
    if ending.started is None or vendor is None:
        return "open"
    stopped = vendor.stop(ending.started)
    record_stops(gate, ending, orders, stopped=stopped)
    return "stopped" if stopped else "open"


def _vendor(started: Started, vendors: Iterable[Vendor]) -> Vendor | None:
    return next((vendor for vendor in vendors if vendor.serves(started)), None)


def unanswered(gate: GateContext, connection: Connection, orders: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Choose the stop orders that nobody noted as carried out.

    Args:
        gate: the gate.
        connection: an open transaction.
        orders: stop orders.

    Returns:
        Those that are open.
    """
    tenant = gate.book.tenant
    return tuple(
        order
        for order in orders
        if all(
            row.end != "succeeded"
            for row in entries.answers(connection, tenant, order.id, kinds=("observation",))
        )
    )


def _matches(gate: GateContext, connection: Connection, ending: Ending) -> Subject | None:
    if not ending.exchange.results:
        return None
    try:
        return gate.book.vault.ensure_key(connection, month_key("matches", gate.book.now()))
    except Malformed:
        return None
