"""Stop orders, and what became of each: all of it is read from the entries that answer them.

Invariant: an order is open until an observation closes it (``succeeded``, or ``undetermined`` where there is nothing
left that could be tried), or the intent turned out to have started nothing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Exists, FromClause, bindparam, func, or_, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.prepared import OverLists
from consentgate.storage.tables import entry
from consentgate.values import dataclass

_STARTED_NOTHING: Final = ("rejected", "not_sent")
_CLOSING: Final = ("succeeded", "undetermined")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """A stop order, as its entry and the observations that answer it have it.

    Attributes:
        ordinal: of its entry.
        id: of its entry.
        hash: leaf hash of its entry.
        at: when it was written.
        intent: id of the intent that it is against.
        intent_at: when the intent was written.
        tries: how often it was tried.
        tried_at: when last, or None.
        last: id of the newest observation of it, or None.
        closed: whether nothing is left to do.
    """

    ordinal: int
    id: UUID
    hash: bytes
    at: datetime
    intent: UUID
    intent_at: datetime
    tries: int
    tried_at: datetime | None
    last: UUID | None
    closed: bool


_intent = entry.alias("intent")
_outcome = entry.alias("outcome")
_done = entry.alias("done")
_try = entry.alias("tried")


def _answered(answer: FromClause, to: Any, *conditions: Any) -> Exists:
    return (
        select(1)
        .select_from(answer)
        .where(answer.c.tenant == entry.c.tenant, answer.c.re == to, *conditions)
        .exists()
    )


def _one_of(column: ColumnElement[str], words: tuple[str, ...]) -> ColumnElement[bool]:
    # Spelled out: a prepared statement has a fixed number of parameters.
    return or_(*(column == word for word in words))


def _of_tries(what: Any) -> Any:
    return (
        select(what)
        .where(_try.c.tenant == entry.c.tenant, _try.c.re == entry.c.id, _try.c.kind == "observation")
        .scalar_subquery()
    )


_CLOSED: Final = _answered(
    _done, entry.c.id, _done.c.kind == "observation", _one_of(_done.c.end, _CLOSING)
) | _answered(_outcome, _intent.c.id, _outcome.c.kind == "outcome", _one_of(_outcome.c.end, _STARTED_NOTHING))
_LAST: Final = (
    select(_try.c.id)
    .where(_try.c.tenant == entry.c.tenant, _try.c.re == entry.c.id, _try.c.kind == "observation")
    .order_by(_try.c.ordinal.desc())
    .limit(1)
    .scalar_subquery()
)
_ALL: Final = (
    select(
        entry.c.ordinal,
        entry.c.id,
        entry.c.hash,
        entry.c.at,
        _intent.c.id,
        _intent.c.at,
        _of_tries(func.count()),
        _of_tries(func.max(_try.c.at)),
        _LAST,
        _CLOSED,
    )
    .select_from(entry.join(_intent, (_intent.c.tenant == entry.c.tenant) & (_intent.c.id == entry.c.re)))
    .where(entry.c.tenant == bindparam("tenant"), entry.c.kind == "stop")
    .order_by(entry.c.ordinal)
)
# A stop order is always about somebody: with all of the index's columns but the last, it is read in order.
_OPEN: Final = _ALL.where(entry.c.about == 1, entry.c.ordinal > bindparam("after"), ~_CLOSED)
_NEWEST: Final = (
    select(entry.c.ordinal)
    .where(
        entry.c.tenant == bindparam("tenant"),
        entry.c.kind == "stop",
        entry.c.about == 1,
        entry.c.at < bindparam("before"),
    )
    .order_by(entry.c.ordinal.desc())
    .limit(1)
)
_NAMED: Final = OverLists(lambda within: _ALL.where(within(entry.c.id, "orders")))


def open_orders(connection: Connection, tenant: str, *, after: int = 0) -> tuple[OrderRow, ...]:
    """List the stop orders that are open.

    Args:
        connection: any.
        tenant: whose orders.
        after: only orders with a higher ordinal.

    Returns:
        The orders, oldest first.
    """
    found = connection.execute(_OPEN, {"tenant": tenant, "after": after})
    return tuple(_row(tuple(each)) for each in found)


def orders_named(connection: Connection, tenant: str, orders: Collection[UUID]) -> tuple[OrderRow, ...]:
    """Read some stop orders, open or not.

    Args:
        connection: any.
        tenant: whose orders.
        orders: ids of their entries.

    Returns:
        Those that there are, oldest first.
    """
    if not orders:
        return ()
    ids = sorted(each.bytes for each in orders)
    return tuple(_row(each) for each in _NAMED.rows(connection, {"tenant": tenant}, orders=ids))


def newest_before(connection: Connection, tenant: str, before: datetime) -> int:
    """Find the newest stop order that was written before a time.

    Args:
        connection: any.
        tenant: whose orders.
        before: the time.

    Returns:
        Its ordinal, or 0 where there is none.
    """
    found = connection.execute(_NEWEST, {"tenant": tenant, "before": to_millis(before)}).scalar()
    return int(found or 0)


def _row(row: Sequence[Any]) -> OrderRow:
    ordinal, id_, hash_, at, intent, intent_at, tries, tried_at, last, closed = row
    return OrderRow(
        ordinal=ordinal,
        id=UUID(bytes=id_),
        hash=hash_,
        at=from_millis(at),
        intent=UUID(bytes=intent),
        intent_at=from_millis(intent_at),
        tries=tries,
        tried_at=from_millis(tried_at) if tried_at is not None else None,
        last=UUID(bytes=last) if last is not None else None,
        closed=bool(closed),
    )
