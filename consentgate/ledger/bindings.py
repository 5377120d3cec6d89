"""References that are one person, in the ledger: who hears of whom, and what stops when that changes.

Invariants: a statement is linked to every subject under which it is heard, when it is taken in and again when two
references are bound, so that reading by a speaker's own references finds all of it. Whoever adds a statement holds
the locks of everybody who hears it. Links are only added: parting two references takes back none of what was heard,
and what is said later under one of them is linked to the other no more.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.issuers import Registry
from consentgate.consent.reference import Reference
from consentgate.consent.sameness import MAX_BOUND, heard_under
from consentgate.consent.shapes import read
from consentgate.consent.state import Received, bonds_of, fold
from consentgate.consent.statement import Statement
from consentgate.errors import Malformed, StatementRefused
from consentgate.ledger import statements
from consentgate.ledger.book import Book
from consentgate.ledger.stops import Told, order_stops_where
from consentgate.storage import subjects


def hold(
    book: Book, connection: Connection, statement: Statement, registry: Registry
) -> frozenset[Reference]:
    """Take the locks of everybody who hears a statement.

    Args:
        book: the ledger.
        connection: an open write transaction.
        statement: what is to be taken in.
        registry: the issuers in force.

    Returns:
        The references under which it is heard, its own among them.

    Raises:
        Unavailable: somebody else held a lock for too long.
    """
    found: list[frozenset[Reference]] = []

    def wanted() -> frozenset[Reference]:
        found.append(_heard(book, connection, statement, registry) | {*statement.references})
        return found[-1]

    # Whoever binds one of them holds its lock: once nobody is added under the locks, nobody will be.
    book.hold_settled(connection, wanted)
    return found[-1]


def check_size(statement: Statement, heard: Collection[Reference]) -> None:
    """Refuse to make too many references one person: it is an error, or an attempt to make everybody hear a no.

    Args:
        statement: what is to be taken in.
        heard: the references under which it is heard.

    Raises:
        StatementRefused: they are too many.
    """
    if statement.state == "SameSubject" and len(heard) > MAX_BOUND:
        raise StatementRefused(
            f"More than {MAX_BOUND} references would be one person. End a wrong one: sign a NotSameSubject statement."
        )


def subjects_of(book: Book, connection: Connection, heard: Iterable[Reference]) -> set[UUID]:
    """Find the subjects that references name.

    Args:
        book: the ledger.
        connection: an open transaction.
        heard: the references.

    Returns:
        Ids of those that there are.
    """
    return set(book.vault.find(connection, heard).values())


def settle(
    book: Book,
    connection: Connection,
    at: datetime,
    statement: Statement,
    about: Collection[UUID],
    registry: Registry,
    *,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Link what was said to everybody who hears it now, and stop what no longer has its grant.

    Args:
        book: the ledger.
        connection: the write transaction that takes the statement in.
        at: its time.
        statement: a statement about two references.
        about: everybody who hears it.
        registry: the issuers in force.
        cause: id of the statement's entry.

    Returns:
        Ids of the intents that are to be stopped.
    """
    if statement.gives:
        for linked in subjects.entries_of(connection, book.tenant, about, ["statement"]):
            more = {*about}.difference(linked.subjects)
            subjects.link(connection, book.tenant, linked.row.id, "statement", more)

    def falls(told: Told) -> bool:
        return any(not _stands(book, connection, registry, each) for each in told)

    return order_stops_where(book, connection, at, about, falls, cause=cause)


def _heard(
    book: Book, connection: Connection, statement: Statement, registry: Registry
) -> frozenset[Reference]:
    """Who hears it: of a grant those bound to its first reference, of all else those bound to any."""
    own = statement.references[:1] if statement.grants else statement.references
    said = _said(book, connection, own, registry)
    return heard_under(bonds_of(said), own, len(said))


def _said(
    book: Book, connection: Connection, references: Iterable[Reference], registry: Registry
) -> tuple[Received, ...]:
    about = subjects_of(book, connection, references)
    found = subjects.entries_of(connection, book.tenant, about, ["statement"])
    keys = book.vault.data_keys(connection, [s for linked in found for s in linked.subjects])
    return statements.received(book, connection, found, keys, registry)


def _stands(book: Book, connection: Connection, registry: Registry, told: Mapping[str, Json]) -> bool:
    """Tell whether the grant that a decision rests on still stands for its speaker."""
    decision, purpose, listed = (told.get(name) for name in ("decision", "purpose", "references"))
    grant = decision.get("grant") if isinstance(decision, dict) else None
    if not isinstance(listed, list):
        raise Malformed("A stored decision does not say whom it is about.")
    references = tuple(read(Reference, each, closed=True) for each in listed)
    said = _said(book, connection, references, registry)
    state = fold(said, references=references, purpose=purpose if isinstance(purpose, str) else None)
    return any(each.entry == grant for each in state.standing)
