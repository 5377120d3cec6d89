"""Stop orders: what a withdrawal leaves behind for every request that may still be under way."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.entries.leaf import Answer
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.storage import entries, subjects
from consentgate.storage.subjects import LinkedEntry

MAX_CALL: Final = timedelta(hours=24)


def order_stops(
    book: Book,
    connection: Connection,
    at: datetime,
    about: Collection[UUID],
    purposes: frozenset[str],
    *,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Write a stop order for each open intent and each running task of some subjects.

    Args:
        book: the ledger.
        connection: the write transaction that takes the withdrawal in.
        at: its time.
        about: ids of the subjects that the withdrawal reaches.
        purposes: the purposes that it names; empty means all.
        cause: id of the withdrawal's entry.

    Returns:
        Ids of the intents that are to be stopped.
    """
    ordered: list[UUID] = []
    for linked in subjects.entries_of(connection, book.tenant, about, ["intent"]):
        if linked.row.at <= at - MAX_CALL or not _is_live(book, connection, linked.row.id):
            continue
        keys = book.vault.data_keys(connection, linked.subjects)
        named = _purposes(linked, keys.values())
        if purposes and named and not purposes & named:
            continue
        subject = next(s for s in linked.subjects if s in about)
        part = Content(name="decision.0", data_key=keys[subject], members={"cause": str(cause)})
        answer = Answer(id=linked.row.id, h=linked.row.hash)
        book.write(connection, "stop", at, [part], [subject], re=answer)
        ordered.append(linked.row.id)
    return tuple(ordered)


def _is_live(book: Book, connection: Connection, intent: UUID) -> bool:
    """Open, or succeeded and not stopped yet."""
    if entries.stop_orders(connection, book.tenant, intent):
        return False
    outcome = entries.final_outcome(connection, book.tenant, intent)
    return outcome is None or outcome.end == "succeeded"


def _purposes(linked: LinkedEntry, keys: Collection[bytes]) -> frozenset[str]:
    found = (
        content.get("purpose")
        for name, content in open_parts(linked.row, keys).items()
        if name.startswith("decision.")
    )
    return frozenset(p for p in found if isinstance(p, str))
