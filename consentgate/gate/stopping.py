"""Carrying stop orders out: tasks are stopped and profiles deleted, where a client for them is at hand.

::

    a  read the order, and what it is against; one that is closed by now is left alone
    b  the vendor stops or deletes
    c  what came of it is noted, as an observation that answers the order

The order is durable before anything is tried, and nothing else is remembered. A crash after b leaves the order open:
trying again does no harm, since a task that is stopped and a profile that is gone count as done. For the same reason
two may try at once. A request under way is not touched here: the process that holds it meets the order with the
outcome.
"""

import contextlib
import weakref
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import ConsentGateError
from consentgate.gate.context import GateContext
from consentgate.gate.orders import Against, StopOrder, caused_by, next_try, open_orders, read_against
from consentgate.gate.ports import Explains, Told, Vendor
from consentgate.gate.request import Started
from consentgate.ledger.book import Content
from consentgate.ledger.stops import MAX_CALL
from consentgate.storage import orders, subjects
from consentgate.storage.orders import OrderRow
from consentgate.values import dataclass

# Append transactions live for seconds: what was written longer ago than this is seen by everybody.
_SETTLED_AFTER: Final = timedelta(minutes=1)
_TOO_LATE: Final = "too late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one pass over the open orders came to.

    Attributes:
        tried: how many orders were tried.
        done: how many of them are done.
        left: how many are open still.
        next_at: when the first of those is due, or None.
    """

    tried: int
    done: int
    left: int
    next_at: datetime | None


class Stopping:
    """The clients of this process that can stop and delete, and the orders that wait for one."""

    def __init__(self, context: GateContext) -> None:
        self._context = context
        self._vendors: list[weakref.ref[Vendor]] = []
        self._settled = 0
        self._left: Callable[[], None] = _nothing

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

    def tell(self, left: Callable[[], None]) -> None:
        """Say whom to tell when something was not carried out at once.

        Args:
            left: called then.
        """
        self._left = left

    def open(self) -> tuple[StopOrder, ...]:
        """List the orders that are open.

        Returns:
            Them, oldest first.

        Raises:
            Unavailable: the database is out of reach.
        """
        with self._context.database.read() as connection:
            return open_orders(self._context, connection)

    def caused_by(self, cause: UUID) -> tuple[StopOrder, ...]:
        """List the orders that an entry is the cause of, and what came of them.

        Args:
            cause: id of the entry.

        Returns:
            Them, oldest first.

        Raises:
            Unavailable: the database is out of reach.
        """
        with self._context.database.read() as connection:
            return caused_by(self._context, connection, cause)

    def carry_out(self, intents: Collection[UUID] | None = None) -> None:
        """Stop and delete what there is an order for, as far as a client of this process serves it.

        Args:
            intents: only the orders against these; None takes all that are open, due or not.

        Raises:
            Unavailable: the database is out of reach.
        """
        vendors = self.vendors
        if not vendors or (intents is not None and not intents):
            return
        for row in self._open(after=0):
            if intents is None or row.intent in intents:
                self._carry_out(row, vendors)

    def carry_out_quietly(self, intents: Collection[UUID]) -> None:
        """Do the same after something that is done and stands: what cannot be done now stays open.

        Args:
            intents: the orders against these.
        """
        if not intents:
            return
        with contextlib.suppress(ConsentGateError):
            self.carry_out(intents)
        # A worker looks when they are due again.
        self._left()

    def carry_out_due(self, wanted: Callable[[], bool]) -> Round:
        """Try every order that is due, and close those that came too late.

        Args:
            wanted: asked before each whether to go on.

        Returns:
            What it came to.

        Raises:
            Unavailable: the database is out of reach.
        """
        vendors, now = self.vendors, self._context.book.now()
        rows = self._open(after=self._settled)
        tried = done = 0
        due: list[datetime] = []
        for row in rows:
            if not wanted():
                break
            if next_try(row) > now:
                due.append(next_try(row))
                continue
            came = self._carry_out(row, vendors)
            tried += came is not None
            done += came is True
        self._settle(rows, now)
        return Round(tried=tried, done=done, left=len(rows) - done, next_at=min(due, default=None))

    def _open(self, *, after: int) -> tuple[OrderRow, ...]:
        context = self._context
        with context.database.read() as connection:
            return orders.open_orders(connection, context.book.tenant, after=after)

    def _settle(self, rows: tuple[OrderRow, ...], now: datetime) -> None:
        """Pass over what is closed for ever, and old enough that nothing older can still come."""
        context, before = self._context, now - _SETTLED_AFTER
        with context.database.read() as connection:
            newest = orders.newest_before(connection, context.book.tenant, before)
        first = next((row.ordinal for row in rows if row.at < before), newest + 1)
        self._settled = max(self._settled, min(newest, first - 1))

    def _carry_out(self, row: OrderRow, vendors: tuple[Vendor, ...]) -> bool | None:
        """Carry out one order; None where there was nothing to try."""
        context = self._context
        # a
        with context.database.read() as connection:
            if all(each.closed for each in orders.orders_named(connection, context.book.tenant, [row.id])):
                return None
            against = read_against(context, connection, row.intent)
        told = _told(against.started, vendors)
        if told is None and against.does == "stop":
            told = _nothing_runs(row, against, context.book.now())
        if told is None:
            return None
        # c
        context.database.write(lambda connection: _note(context, connection, row, told))
        return told.confirmed or told.said == _TOO_LATE


def _told(started: Started | None, vendors: tuple[Vendor, ...]) -> Told | None:
    """[b] Let the vendor do it; None while nobody knows what was started, or no client serves it."""
    told = None
    for vendor in vendors:
        if started is not None and vendor.serves(started):
            told = _carried_out(vendor, started)
            if told.confirmed:
                return told
    return told


def _nothing_runs(row: OrderRow, against: Against, now: datetime) -> Told | None:
    """Why there is nothing to stop any more, or None."""
    if against.complete:
        return Told(confirmed=True, said="ended")
    return Told(confirmed=False, said=_TOO_LATE) if row.intent_at + MAX_CALL <= now else None


def _carried_out(vendor: Vendor, started: Started) -> Told:
    if isinstance(vendor, Explains):
        return vendor.carry_out(started)
    return Told(confirmed=vendor.stop(started))


def _note(gate: GateContext, connection: Connection, order: OrderRow, told: Told) -> None:
    """Note what came of it, under the key under which the order lies."""
    tenant = gate.book.tenant
    if all(each.closed for each in orders.orders_named(connection, tenant, [order.id])):
        # Somebody else was quicker.
        return
    linked = subjects.subjects_of(connection, tenant, [order.id])[order.id]
    keys = gate.book.vault.data_keys(connection, linked)
    if not keys:
        # Erased meanwhile: there is nobody left under whose key it could lie.
        return
    end = "succeeded" if told.confirmed else "undetermined" if told.said == _TOO_LATE else "unknown"
    members: dict[str, Json] = {"end": end, "stopped": told.confirmed}
    if told.said:
        members["said"] = told.said
    part = Content(name="exchange.0", data_key=keys[min(keys)], members=members)
    answer = Answer(id=order.id, h=order.hash)
    gate.book.write(connection, "observation", gate.book.now(), [part], linked, re=answer, end=end)


def _nothing() -> None:
    """Tell nobody."""
