"""Stop orders as people and workers see them: what is to be done, until when, how often tried, what came of it.

Invariants: everything follows from entries: the order, the intent that it is against, the outcome, and the
observations that answer the order. An order against a request that makes a voice profile is one to delete the
profile; any other is one to stop the task.
"""

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.errors import Malformed, PackInvalid
from consentgate.gate.context import GateContext
from consentgate.gate.request import Started
from consentgate.ledger.book import open_parts
from consentgate.ledger.stops import MAX_CALL, makes_profiles
from consentgate.moment import floor
from consentgate.policy.assertions import in_force
from consentgate.policy.facts import candidates
from consentgate.policy.record import speaker_from
from consentgate.policy.requirements import merge
from consentgate.storage import entries, orders, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.orders import OrderRow
from consentgate.values import dataclass

Does: TypeAlias = Literal["stop", "delete"]

_FIRST_WAIT: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(minutes=15)
# 2 s doubled so often is more than the longest wait.
_MOST_DOUBLINGS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """A stop order and what came of it.

    Attributes:
        entry: id of the order's entry.
        intent: id of the intent that it is against.
        does: ``stop`` the task, or ``delete`` the voice profile.
        ordered_at: when it was written.
        until: by when: when the task can run no longer, or by when the law wants the profile gone.
        tries: how often it was tried.
        tried_at: when last, or None.
        next_at: when a worker tries next; None where nothing is left to do.
        said: what came of the last try: ``stopped``, ``deleted``, ``gone``, ``ended``, the vendor's error code, or
            ``no answer``; empty before the first.
        done_at: when it was done, or None.
    """

    entry: UUID
    intent: UUID
    does: Does
    ordered_at: datetime
    until: datetime
    tries: int
    tried_at: datetime | None = None
    next_at: datetime | None = None
    said: str = ""
    done_at: datetime | None = None

    @property
    def tried(self) -> bool:
        """Whether it was tried."""
        return self.tries > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The request that an order is against, as the ledger holds it.

    Attributes:
        does: what the order asks for.
        started: what the request started or made; None while nobody knows.
        complete: whether it was answered as a whole, so that nothing runs on.
        decision: what was decided about one of the speakers; empty where nobody can read it any more.
    """

    does: Does
    started: Started | None
    complete: bool
    decision: Mapping[str, Json] = field(repr=False)


def next_try(row: OrderRow) -> datetime:
    """Say when an order is due: at once, and then after waits that double, each order at moments of its own.

    Args:
        row: an open order.

    Returns:
        The time; the same for every worker that asks.
    """
    if row.tried_at is None:
        return row.at
    doublings: int = 1 << min(row.tries - 1, _MOST_DOUBLINGS)
    wait = min(_FIRST_WAIT * doublings, _LONGEST_WAIT)
    # Spread by the order's id and not by chance: nothing has to be remembered between two looks.
    noise = sha256(row.id.bytes + row.tries.to_bytes(4, "big")).digest()[0] / 255
    return floor(row.tried_at + wait * (0.5 + noise / 2))


def open_orders(gate: GateContext, connection: Connection) -> tuple[StopOrder, ...]:
    """List the orders that are open.

    Args:
        gate: the gate.
        connection: an open transaction.

    Returns:
        Them, oldest first; a stop no longer than its task can run.
    """
    now = gate.book.now()
    found = (read(gate, connection, row) for row in orders.open_orders(connection, gate.book.tenant))
    return tuple(each for each in found if each.does == "delete" or each.until > now)


def caused_by(gate: GateContext, connection: Connection, cause: UUID) -> tuple[StopOrder, ...]:
    """List the orders that an entry is the cause of.

    Args:
        gate: the gate.
        connection: an open transaction.
        cause: id of the statement's entry.

    Returns:
        Them, oldest first, open or not.
    """
    tenant = gate.book.tenant
    about = subjects.subjects_of(connection, tenant, [cause])[cause]
    found = subjects.entries_of(connection, tenant, about, ["stop"])
    keys = gate.book.vault.data_keys(connection, [s for each in found for s in each.subjects])
    caused = [
        each.row.id
        for each in found
        for told in open_parts(each.row, [keys[s] for s in each.subjects if s in keys]).values()
        if told.get("cause") == str(cause)
    ]
    return tuple(read(gate, connection, row) for row in orders.orders_named(connection, tenant, caused))


def read(gate: GateContext, connection: Connection, row: OrderRow) -> StopOrder:
    """Read one order.

    Args:
        gate: the gate.
        connection: an open transaction.
        row: the order's row.

    Returns:
        The order.
    """
    against = read_against(gate, connection, row.intent)
    return StopOrder(
        entry=row.id,
        intent=row.intent,
        does=against.does,
        ordered_at=row.at,
        until=_until(gate, connection, row, against),
        tries=row.tries,
        tried_at=row.tried_at,
        next_at=None if row.closed else next_try(row),
        said=_said(gate, connection, row),
        done_at=(row.tried_at or row.at) if row.closed else None,
    )


def read_against(gate: GateContext, connection: Connection, intent: UUID) -> Against:
    """Read what an order is against.

    Args:
        gate: the gate.
        connection: an open transaction.
        intent: id of the intent.

    Returns:
        What is known; what is damaged or was erased is missing.
    """
    asked = _opened(gate, connection, intent)
    decision = _first(asked, "decision.")
    told = _first(asked, "exchange.")
    outcome = entries.final_outcome(connection, gate.book.tenant, intent)
    answered = _first(_opened(gate, connection, outcome.id), "exchange.") if outcome is not None else {}
    service, operation, path = (_text(told, name) for name in ("service", "operation", "path"))
    task = _text(answered, "task") or _seen_since(gate, connection, outcome)
    started = None
    if service is not None and operation is not None and path is not None and task is not None:
        started = Started(
            service=service, operation=operation, region=_text(told, "region"), path=path, task=task
        )
    return Against(
        does="delete" if makes_profiles([decision]) else "stop",
        started=started,
        complete=bool(answered) and outcome is not None and outcome.end == "succeeded" and task is None,
        decision=decision,
    )


def _seen_since(gate: GateContext, connection: Connection, outcome: EntryRow | None) -> str | None:
    """What was started by a request of which nobody knew that when it was closed."""
    if outcome is None or outcome.re is None or outcome.end != "undetermined":
        return None
    seen = entries.answers(connection, gate.book.tenant, outcome.re, kinds=("observation",))
    told = (_first(_opened(gate, connection, row.id), "exchange.") for row in seen if row.end == "succeeded")
    return next((task for each in told if (task := _text(each, "task")) is not None), None)


def _until(gate: GateContext, connection: Connection, row: OrderRow, against: Against) -> datetime:
    if against.does == "stop":
        return row.intent_at + MAX_CALL
    # A law that names no time wants it done at once.
    return _deletion_due(gate, connection, row, against.decision) or row.at


def _deletion_due(
    gate: GateContext, connection: Connection, row: OrderRow, decision: Mapping[str, Json]
) -> datetime | None:
    """By when the laws of the person want the voiceprint gone after a withdrawal, the earliest of them."""
    try:
        facts = speaker_from(decision.get("speaker"))
        codes = candidates(facts.evidence, controller=gate.jurisdiction)
        standing = in_force(gate.reader.controller(connection).assertions, row.at)
        asked = merge(
            codes, gate.packs, day=row.at.date(), purpose=_text(decision, "purpose"), standing=standing
        )
    except (Malformed, PackInvalid):
        return None
    return min((period.after(row.at) for period in asked.deletion.periods), default=None)


def _said(gate: GateContext, connection: Connection, row: OrderRow) -> str:
    if row.last is None:
        return ""
    told = _first(_opened(gate, connection, row.last), "exchange.")
    if told.get("ended") is True:
        return "ended"
    return _text(told, "said") or ("stopped" if told.get("stopped") is True else "not confirmed")


def _opened(gate: GateContext, connection: Connection, entry: UUID) -> dict[str, Mapping[str, Json]]:
    row = entries.by_id(connection, gate.book.tenant, entry)
    linked = subjects.subjects_of(connection, gate.book.tenant, [entry])[entry]
    keys = gate.book.vault.data_keys(connection, linked).values()
    try:
        return open_parts(row, keys) if row is not None else {}
    except Malformed:
        # Damaged: verification says so, and the order stays open.
        return {}


def _first(opened: Mapping[str, Mapping[str, Json]], prefix: str) -> Mapping[str, Json]:
    return next((each for name, each in opened.items() if name.startswith(prefix)), {})


def _text(members: Mapping[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def overdue(found: Collection[StopOrder], now: datetime) -> int:
    """Count the orders whose time is over.

    Args:
        found: open orders.
        now: the time.

    Returns:
        How many.
    """
    return sum(each.until <= now for each in found)
