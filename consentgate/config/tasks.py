"""Tasks and voice profiles that requests of this deployment started or made, for people to look through."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from consentgate.config.entries import entry_named
from consentgate.config.parts import Parts
from consentgate.errors import InvalidInput
from consentgate.ledger.lifetimes import Lifetime, lifetime_of, made_by_name
from consentgate.ledger.retention import still
from consentgate.storage import entries, listing
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list.

    Attributes:
        items: what is on it.
        next: id of the outcome to go on from, or None where there may be no more.
    """

    items: tuple[Lifetime, ...]
    next: UUID | None


def task_list(parts: Parts, *, after: UUID | None, limit: int, everything: bool) -> Page:
    """List what was started or made.

    Args:
        parts: the deployment.
        after: from the outcome on that follows this one; None for the newest.
        limit: how many outcomes are looked at, at most.
        everything: also that of which the vendor holds nothing any more.

    Returns:
        In the order in which it was started.

    Raises:
        InvalidInput: there is no entry `after`.
        Malformed: something stored cannot be read.
    """
    book, now = parts.book, parts.book.now()
    with parts.database.read() as connection:
        ordinal = _ordinal(parts, connection, after) if after is not None else None
        rows = listing.listed(connection, book.tenant, kinds=("outcome",), after=ordinal, limit=limit)
        found = (_lifetime(parts, connection, each.id) for each in rows if each.end == "succeeded")
        items = tuple(each for each in found if each is not None and (everything or still(each.held, now)))
    return Page(items=items, next=rows[-1].id if len(rows) == limit else None)


def task_shown(parts: Parts, text: str) -> Lifetime:
    """Find one by what a person types.

    Args:
        parts: the deployment.
        text: the vendor's id of the task or profile, or the id of the intent or outcome, or the end of that.

    Returns:
        Its life.

    Raises:
        InvalidInput: there is none, or several entries' ids end like this.
        Malformed: something stored cannot be read.
    """
    with parts.database.read() as connection:
        named = made_by_name(parts.book, connection, text.strip())
        found = _first(parts, connection, (each.row for each in named))
    if found is None:
        entry = entry_named(parts, text)
        with parts.database.read() as connection:
            found = _first(parts, connection, _outcome(parts, connection, entry))
    if found is None:
        raise InvalidInput("This request started nothing that is on record, or nobody can read it any more.")
    return found


def _first(parts: Parts, connection: Connection, rows: Iterable[EntryRow]) -> Lifetime | None:
    found = (lifetime_of(parts.book, connection, row) for row in rows)
    return next((each for each in found if each is not None), None)


def _lifetime(parts: Parts, connection: Connection, outcome: UUID) -> Lifetime | None:
    row = entries.by_id(connection, parts.book.tenant, outcome)
    return lifetime_of(parts.book, connection, row) if row is not None else None


def _outcome(parts: Parts, connection: Connection, entry: UUID) -> tuple[EntryRow, ...]:
    row = entries.by_id(connection, parts.book.tenant, entry)
    if row is not None and row.kind == "intent":
        row = entries.final_outcome(connection, parts.book.tenant, entry)
    return (row,) if row is not None and row.kind == "outcome" else ()


def _ordinal(parts: Parts, connection: Connection, after: UUID) -> int:
    row = entries.by_id(connection, parts.book.tenant, after)
    if row is None:
        raise InvalidInput("There is no such entry to go on from.")
    return row.ordinal
