"""Stop orders that nobody carried out yet.

Invariant: an order is open until an observation says that its task was stopped, the intent turned out to have
started none, or its task can run no longer.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Exists, FromClause, bindparam, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.tables import entry
from consentgate.values import dataclass

_STARTED_NOTHING: Final = ("rejected", "not_sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An open stop order.

    Attributes:
        id: of its entry.
        hash: leaf hash of its entry.
        at: when it was written.
        intent: id of the intent that it is against.
        intent_at: when the intent was written.
        tried: whether a stop was tried and not confirmed.
    """

    id: UUID
    hash: bytes
    at: datetime
    intent: UUID
    intent_at: datetime
    tried: bool


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


_OPEN: Final = (
    select(
        entry.c.id,
        entry.c.hash,
        entry.c.at,
        _intent.c.id,
        _intent.c.at,
        _answered(_try, entry.c.id, _try.c.kind == "observation"),
    )
    .select_from(entry.join(_intent, (_intent.c.tenant == entry.c.tenant) & (_intent.c.id == entry.c.re)))
    .where(
        entry.c.tenant == bindparam("tenant"),
        entry.c.kind == "stop",
        _intent.c.at > bindparam("since"),
        ~_answered(_done, entry.c.id, _done.c.kind == "observation", _done.c.end == "succeeded"),
        ~_answered(
            _outcome, _intent.c.id, _outcome.c.kind == "outcome", _outcome.c.end.in_(_STARTED_NOTHING)
        ),
    )
    .order_by(entry.c.ordinal)
)


def open_orders(connection: Connection, tenant: str, *, since: datetime) -> tuple[OrderRow, ...]:
    """List the stop orders that are open.

    Args:
        connection: any.
        tenant: whose orders.
        since: only against intents that were written after this.

    Returns:
        The orders, oldest first.
    """
    rows = connection.execute(_OPEN, {"tenant": tenant, "since": to_millis(since)})
    return tuple(
        OrderRow(
            id=UUID(bytes=id_),
            hash=hash_,
            at=from_millis(at),
            intent=UUID(bytes=intent),
            intent_at=from_millis(intent_at),
            tried=bool(tried),
        )
        for id_, hash_, at, intent, intent_at, tried in rows
    )
