"""Rows of `statement`: which entry took in the statement with this issuer and id.

Invariant: one entry per (tenant, key), so that the same token ingested twice is one statement.
"""

from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, insert, select

from consentgate.storage.failures import translated
from consentgate.storage.tables import statement

_INSERT: Final = insert(statement)
_BY_KEY: Final = select(statement.c.entry).where(
    statement.c.tenant == bindparam("tenant"), statement.c.key == bindparam("key")
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
    with translated():
        connection.execute(_INSERT, {"tenant": tenant, "entry": entry.bytes, "key": key})


def entry_of(connection: Connection, tenant: str, key: bytes) -> UUID | None:
    """Find the entry that took in a statement.

    Args:
        connection: any.
        tenant: whose ledger.
        key: as in `insert_statement`.

    Returns:
        The entry's id, or None.
    """
    found = connection.execute(_BY_KEY, {"tenant": tenant, "key": key}).scalar()
    return UUID(bytes=found) if found else None
