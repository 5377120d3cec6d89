"""Putting an export on record: its Bates numbers are taken in the transaction that appends its entry.

Invariants: a number is given out once per tenant and prefix, whoever exports at the same time, and never again, even
if the package was never finished; the entry is durable before anything is written outside of the ledger.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.export import exported
from consentgate.export.exported import Exported
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.vault import BODY
from consentgate.storage import entries, locks
from consentgate.storage.entries import EntryRow

KIND: Final = "export"
_PART: Final = "body.0"


def put_on_record(
    book: Book, connection: Connection, prefix: str, make: Callable[[int], Exported]
) -> Exported:
    """Append an export's entry, unless it is there.

    Args:
        book: the ledger.
        connection: an open write transaction that holds no lock yet.
        prefix: of the Bates numbers.
        make: makes the export out of its first number; asked at most once.

    Returns:
        The export as it stands on record.

    Raises:
        Unavailable: somebody else took numbers for too long.
        Malformed: an earlier export cannot be read, so that nobody knows which numbers are free.
    """
    locks.hold(connection, alone=book.vault.lock_numbers((), bates=prefix))
    made = make(_next_number(book, connection, prefix))
    key = book.vault.ensure_key(connection, BODY)
    content = Content(name=_PART, data_key=key.data_key, members=made.members())
    appended = book.write(connection, KIND, made.at, [content], entry=made.entry)
    if appended.code == "there":
        return found(book, connection, made.entry)
    if appended.code != "done":
        raise Unavailable("The export could not be put on record: try again.")
    return made


def found(book: Book, connection: Connection, entry: UUID) -> Exported:
    """Read an export that is on record.

    Args:
        book: the ledger.
        connection: an open transaction.
        entry: id of its entry.

    Returns:
        The export.

    Raises:
        InvalidInput: there is no such export.
        Malformed: it cannot be read.
    """
    row = entries.by_id(connection, book.tenant, entry)
    if row is None or row.kind != KIND:
        raise InvalidInput(
            "There is no export of this id: `consentgate entries list --kind export` shows them."
        )
    return _read(row, book.vault.find_key(connection, BODY))


def is_on_record(book: Book, connection: Connection, entry: UUID) -> bool:
    """Tell whether an export's entry is there.

    Args:
        book: the ledger.
        connection: an open transaction.
        entry: its id.

    Returns:
        Whether it is.
    """
    return entries.by_id(connection, book.tenant, entry) is not None


def _next_number(book: Book, connection: Connection, prefix: str) -> int:
    """Go through all exports there are: they are few, and no row that can be deleted says which numbers are taken."""
    key = book.vault.find_key(connection, BODY)
    last, after = 0, 0
    while rows := entries.tenant_wide(connection, book.tenant, KIND, after=after):
        for row in rows:
            earlier = _read(row, key)
            if earlier.asked.prefix == prefix:
                last = max(last, earlier.last)
        after = rows[-1].ordinal
    return last + 1


def _read(row: EntryRow, key: bytes | None) -> Exported:
    opened = open_parts(row, [key] if key is not None else [])
    if _PART not in opened:
        raise Malformed("The tenant's key does not open an export's entry. Run `consentgate verify`.")
    return exported.read(row.id, opened[_PART])
