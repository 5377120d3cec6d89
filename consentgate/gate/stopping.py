"""Stop orders against tasks that already run: carried out where a client for them is at hand, else listed as open.

The order is durable before anything is tried. A stop that is not confirmed leaves it open; trying again does no
harm. A request under way is not touched here: the process that holds it meets the order with the outcome.
"""

import weakref
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import ConsentGateError, Malformed
from consentgate.gate.context import GateContext
from consentgate.gate.ports import Vendor
from consentgate.gate.request import Started
from consentgate.ledger.book import Content, open_parts
from consentgate.ledger.stops import MAX_CALL
from consentgate.storage import entries, orders, subjects
from consentgate.storage.orders import OrderRow
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStop:
    """A stop order that nobody carried out yet.

    Attributes:
        entry: id of the order's entry.
        intent: id of the intent that it is against.
        ordered_at: when it was written.
        until: when its task, if there is one, can run no longer.
        tried: whether a stop was tried and the vendor did not confirm it.
    """

    entry: UUID
    intent: UUID
    ordered_at: datetime
    until: datetime
    tried: bool


class Stopping:
    """The clients of this process that can stop tasks, and the orders that wait for one."""

    def __init__(self, context: GateContext) -> None:
        self._context = context
        self._vendors: list[weakref.ref[Vendor]] = []

    @property
    def vendors(self) -> tuple[Vendor, ...]:
        """The clients at hand; one that nobody holds any more is gone."""
        return tuple(vendor for each in list(self._vendors) if (vendor := each()) is not None)

    def take(self, vendor: Vendor) -> None:
        """Take a client in hand, for as long as somebody else holds it.

        Args:
            vendor: the client.
        """
        self._vendors = [each for each in list(self._vendors) if each() is not None] + [weakref.ref(vendor)]

    def open(self) -> tuple[OpenStop, ...]:
        """List the orders that are open.

        Returns:
            Them, oldest first.

        Raises:
            Unavailable: the database is out of reach.
        """
        return tuple(_open(row) for row in self._orders())

    def carry_out(self, intents: Collection[UUID] | None = None) -> None:
        """Stop what runs against an order, as far as a client of this process serves it.

        Args:
            intents: only the orders against these; None takes all that are open.

        Raises:
            Unavailable: the database is out of reach.
        """
        vendors = self.vendors
        if not vendors or (intents is not None and not intents):
            return
        for order in self._orders():
            if intents is None or order.intent in intents:
                self._carry_out(order, vendors)

    def carry_out_quietly(self, intents: Collection[UUID]) -> None:
        """Do the same after something that is done and stands: what cannot be stopped now stays open.

        Args:
            intents: the orders against these.
        """
        try:
            self.carry_out(intents)
        except ConsentGateError:
            return

    def _orders(self) -> tuple[OrderRow, ...]:
        context = self._context
        since = context.book.now() - MAX_CALL
        with context.database.read() as connection:
            return orders.open_orders(connection, context.book.tenant, since=since)

    def _carry_out(self, order: OrderRow, vendors: tuple[Vendor, ...]) -> None:
        context = self._context
        with context.database.read() as connection:
            started = _started(context, connection, order.intent)
        serving = [vendor for vendor in vendors if started is not None and vendor.serves(started)]
        if started is None or not serving:
            return
        stopped = any(vendor.stop(started) for vendor in serving)
        if stopped or not order.tried:
            context.database.write(lambda c: _note(context, c, order, stopped=stopped))


def _open(row: OrderRow) -> OpenStop:
    return OpenStop(
        entry=row.id,
        intent=row.intent,
        ordered_at=row.at,
        until=row.intent_at + MAX_CALL,
        tried=row.tried,
    )


def _started(gate: GateContext, connection: Connection, intent: UUID) -> Started | None:
    """Find the task that an intent started; None while it is under way, or where nobody can tell any more."""
    outcome = entries.final_outcome(connection, gate.book.tenant, intent)
    told = _exchange(gate, connection, intent)
    answered = _exchange(gate, connection, outcome.id) if outcome is not None else {}
    service, operation, path = (_text(told, name) for name in ("service", "operation", "path"))
    task = _text(answered, "task")
    if service is None or operation is None or path is None or task is None:
        return None
    return Started(service=service, operation=operation, region=_text(told, "region"), path=path, task=task)


def _exchange(gate: GateContext, connection: Connection, entry: UUID) -> dict[str, Json]:
    row = entries.by_id(connection, gate.book.tenant, entry)
    linked = subjects.subjects_of(connection, gate.book.tenant, [entry])[entry]
    keys = gate.book.vault.data_keys(connection, linked).values()
    try:
        opened = open_parts(row, keys) if row is not None else {}
    except Malformed:
        # Damaged: verification says so, and the order stays open.
        return {}
    return next((dict(each) for name, each in opened.items() if name.startswith("exchange.")), {})


def _text(members: dict[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def _note(gate: GateContext, connection: Connection, order: OrderRow, *, stopped: bool) -> None:
    """Note what came of it, under the key under which the order lies."""
    end = "succeeded" if stopped else "unknown"
    linked = subjects.subjects_of(connection, gate.book.tenant, [order.id])[order.id]
    keys = gate.book.vault.data_keys(connection, linked)
    if not keys:
        # Erased meanwhile: there is nobody left under whose key it could lie.
        return
    part = Content(name="exchange.0", data_key=keys[min(keys)], members={"end": end, "stopped": stopped})
    answer = Answer(id=order.id, h=order.hash)
    gate.book.write(connection, "observation", gate.book.now(), [part], linked, re=answer, end=end)
