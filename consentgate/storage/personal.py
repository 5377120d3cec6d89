"""Entries about people, by kind: what a look through many of them reads, page by page.

Invariant: each question names all columns of the index but the last, so that both databases read in its order and
stop; with fewer, PostgreSQL may read every entry there is.
"""

from typing import Final

from sqlalchemy import Connection, bindparam, select

from consentgate.storage.entries import COLUMNS, EntryRow, row_of
from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.tables import entry

_OF_PEOPLE: Final = (
    entry.c.tenant == bindparam("tenant"),
    entry.c.kind == bindparam("kind"),
    entry.c.about == 1,
)
_PAGE: Final = Prepared(
    select(*COLUMNS)
    .where(*_OF_PEOPLE, entry.c.ordinal > bindparam("after"))
    .order_by(entry.c.ordinal)
    .limit(bindparam("limit"))
)
_LAST: Final = Prepared(select(entry.c.ordinal).where(*_OF_PEOPLE).order_by(entry.c.ordinal.desc()).limit(1))


def page(
    connection: Connection, tenant: str, kind: str, *, after: int = 0, limit: int = 1000
) -> tuple[EntryRow, ...]:
    """List entries of a kind that are about people.

    Args:
        connection: any.
        tenant: whose entries.
        kind: of which kind.
        after: only entries with a higher ordinal.
        limit: at most so many.

    Returns:
        The entries in ordinal order.
    """
    values = {"tenant": tenant, "kind": kind, "after": after, "limit": limit}
    return tuple(map(row_of, _PAGE.rows(connection, values)))


def last_ordinal(connection: Connection, tenant: str, kind: str) -> int:
    """Find the newest entry of a kind that is about people.

    Args:
        connection: any.
        tenant: whose entry.
        kind: of which kind.

    Returns:
        Its ordinal, or 0 where there is none.
    """
    found = first_of(_LAST.rows(connection, {"tenant": tenant, "kind": kind}))
    return int(found[0]) if found else 0
