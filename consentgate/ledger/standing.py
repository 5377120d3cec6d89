"""What stands now of the statements on which a stored decision rests: asked of the speaker whom it was about.

Invariant: a doubt is an answer that something fell, never that it stands.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.issuers import Registry
from consentgate.consent.reference import Reference
from consentgate.consent.state import State, fold
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger import statements
from consentgate.ledger.book import Book
from consentgate.storage import subjects


def state_for(
    book: Book, connection: Connection, decision: Mapping[str, Json], registry: Registry
) -> State | None:
    """Fold what the speaker of a stored decision has said by now, for the decision's purpose.

    Args:
        book: the ledger.
        connection: an open transaction.
        decision: what an intent's ``decision`` part says.
        registry: the issuers in force.

    Returns:
        What stands, or None where it cannot be told.
    """
    known_as, purpose = _references(decision), decision.get("purpose")
    if not known_as:
        return None
    found = frozenset(book.vault.find(connection, known_as).values())
    said = subjects.entries_of(connection, book.tenant, found, ["statement"])
    keys = book.vault.data_keys(connection, [s for each in said for s in each.subjects])
    try:
        received = statements.received(book, connection, said, keys, registry)
    except Malformed:
        return None
    if len(received) != len(said):
        return None
    return fold(received, references=known_as, purpose=purpose if isinstance(purpose, str) else None)


def is_about(
    book: Book, connection: Connection, decision: Mapping[str, Json], about: Collection[UUID]
) -> bool:
    """Tell whether a stored decision is about one of some people.

    Args:
        book: the ledger.
        connection: an open transaction.
        decision: what an intent's ``decision`` part says.
        about: their subjects.

    Returns:
        Whether it is, or may be.
    """
    known_as = _references(decision)
    return not known_as or not frozenset(book.vault.find(connection, known_as).values()).isdisjoint(about)


def _references(decision: Mapping[str, Json]) -> tuple[Reference, ...]:
    told = decision.get("references")
    try:
        return tuple(
            Reference(kind=str(each.get("kind")), value=str(each.get("value")))
            for each in (told if isinstance(told, list) else [])
            if isinstance(each, Mapping)
        )
    except InvalidInput:
        return ()
