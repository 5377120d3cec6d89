"""Rows of `statement`: which entry took in the statement with this issuer and id.

Invariant: one entry per (tenant, key), so that the same token ingested twice is one statement.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select

from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.tables import statement

_INSERT: Final = Prepared(insert(statement))
_BY_KEY: Final = Prepared(
    select(statement.c.entry).where(
        statement.c.tenant == bindparam("tenant"), statement.c.key == bindparam("key")
    )
)


def insert_statement(connection: Connection, tenant: str, entry: UUID, key: bytes) -> None:
    """Record that an entry took in a statement.

    Args:
        connection: of `Database.write`, in the transaction that inserts the entry.
        tenant: whose ledger.
        entry: the entry's id.
        key: SHA-256 of the canonical JSON list of issuer and statement id.

    Raises:
        Duplicate: the statement was taken in before (key ``uq_statement_key``).
        Unavailable: the database refused.
    """
    _INSERT.run(connection, {"tenant": tenant, "entry": entry.bytes, "key": key})


def entry_of(connection: Connection, tenant: str, key: bytes) -> UUID | None:
    """Find the entry that took in a statement.

    Args:
        connection: any.
        tenant: whose ledger.
        key: as in `insert_statement`.

    Returns:
        The entry's id, or None.
    """
    found = first_of(_BY_KEY.rows(connection, {"tenant": tenant, "key": key}))
    return UUID(bytes=found[0]) if found else None
