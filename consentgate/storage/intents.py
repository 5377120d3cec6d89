"""Intents: those without a final outcome, and those of a time."""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from consentgate.storage.entries import COLUMNS, EntryRow, row_of
from consentgate.storage.prepared import Prepared
from consentgate.storage.tables import entry

_answer = entry.alias("answer")
_OPEN_INTENTS: Final = Prepared(
    select(*COLUMNS)
    .where(
        entry.c.tenant == bindparam("tenant"),
        entry.c.kind == "intent",
        entry.c.ordinal > bindparam("after"),
        ~select(1)
        .where(_answer.c.tenant == entry.c.tenant, _answer.c.re == entry.c.id, _answer.c.kind == "outcome")
        .exists(),
    )
    .order_by(entry.c.ordinal)
    .limit(bindparam("limit"))
)

# An id begins with its time (RFC 9562), and ids have an index.
_BETWEEN: Final = Prepared(
    select(*COLUMNS)
    .where(
        entry.c.tenant == bindparam("tenant"),
        entry.c.id > bindparam("after"),
        entry.c.id <= bindparam("until"),
        entry.c.kind == "intent",
    )
    .order_by(entry.c.id)
    .limit(bindparam("limit"))
)


def open_intents(
    connection: Connection, tenant: str, *, after: int = 0, limit: int = 1000
) -> tuple[EntryRow, ...]:
    """List the intents without a final outcome.

    Args:
        connection: any.
        tenant: whose entries.
        after: only entries with a higher ordinal.
        limit: at most so many.

    Returns:
        The intents in ordinal order.
    """
    values = {"tenant": tenant, "after": after, "limit": limit}
    return tuple(map(row_of, _OPEN_INTENTS.rows(connection, values)))


def intents_between(
    connection: Connection, tenant: str, *, after: UUID, until: UUID, limit: int = 1000
) -> tuple[EntryRow, ...]:
    """List the intents of a time, by their ids.

    Args:
        connection: any.
        tenant: whose entries.
        after: only ids that follow this one.
        until: only ids up to this one.
        limit: at most so many.

    Returns:
        The intents in the order of their ids.
    """
    values = {"tenant": tenant, "after": after.bytes, "until": until.bytes, "limit": limit}
    return tuple(map(row_of, _BETWEEN.rows(connection, values)))
