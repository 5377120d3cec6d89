"""What no longer counts when a key is compromised: counted before anybody is asked, stopped when it is done.

Invariants: only what a key gives can fall: grants, and statements that two references are one person. A refusal or
withdrawal of the same key stands, because nobody needs leave to say no. Counting writes nothing.
"""

from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.issuers import Registry, key_problems
from consentgate.consent.reference import Reference
from consentgate.ledger import stops, times
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.statements import read_statement
from consentgate.ledger.stops import Told
from consentgate.storage import entries, subjects
from consentgate.values import dataclass

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallen:
    """What falls.

    Attributes:
        statements: entry ids of grants, and of statements that two references are one person.
        people: how many people they are about.
        running: intents that rest on them and are open, or whose task may still run.
    """

    statements: frozenset[UUID] = frozenset()
    people: int = 0
    running: tuple[UUID, ...] = ()
    about: frozenset[UUID] = field(default=frozenset(), repr=False)


def fallen(book: Book, connection: Connection, before: Registry, after: Registry, at: datetime) -> Fallen:
    """Find what counts by one registry and no longer by another.

    Args:
        book: the ledger.
        connection: an open transaction.
        before: the registry in force.
        after: the one that is to follow.
        at: now.

    Returns:
        What falls.

    Raises:
        Malformed: a stored statement cannot be read.
    """
    found: set[UUID] = set()
    people: set[Reference] = set()
    about: set[UUID] = set()
    for entry, first, linked in _falling(book, connection, before, after):
        found.add(entry)
        people.add(first)
        about.update(linked)
    running: dict[UUID, None] = {}
    for some in _chunks(sorted(about)):
        for intent in stops.live_intents(book, connection, at, some):
            if rests_on(stops.decisions_of(book, connection, intent), found):
                running[intent.row.id] = None
    return Fallen(
        statements=frozenset(found), people=len(people), running=tuple(running), about=frozenset(about)
    )


def stop(book: Book, connection: Connection, fell: Fallen, at: datetime, *, cause: UUID) -> tuple[UUID, ...]:
    """Write a stop order for each request that rests on what fell.

    Args:
        book: the ledger.
        connection: the write transaction that puts the new registry in force.
        fell: what fell.
        at: its time.
        cause: id of the registry's entry.

    Returns:
        Ids of the intents that are to be stopped.
    """
    if not fell.running:
        return ()
    ordered: list[UUID] = []
    for some in _chunks(sorted(fell.about)):
        ordered += stops.order_stops_where(
            book, connection, at, some, lambda told: rests_on(told, fell.statements), cause=cause
        )
    return tuple(ordered)


def rests_on(told: Told, statements: frozenset[UUID] | set[UUID]) -> bool:
    """Tell whether a decision named one of some statements as what allows it.

    Args:
        told: the decisions of an intent.
        statements: entry ids.

    Returns:
        Whether it did.
    """
    named = {str(entry) for entry in statements}
    return any(not named.isdisjoint(relied_on(each.get("decision"))) for each in told)


def relied_on(decision: Json) -> set[str]:
    """Name the statements that a stored decision rests on.

    Args:
        decision: what `decision_json` made.

    Returns:
        Entry ids of the grant, and of the statement by which it counts for the speaker; empty after a denial.
    """
    members = decision if isinstance(decision, dict) else {}
    return {entry for name in ("grant", "through") if isinstance(entry := members.get(name), str)}


def _falling(
    book: Book, connection: Connection, before: Registry, after: Registry
) -> Iterator[tuple[UUID, Reference, tuple[UUID, ...]]]:
    last, asked = 0, times.matter(before, after)
    while page := entries.of_kind(connection, book.tenant, "statement", after=last, limit=_PAGE):
        last = page[-1].ordinal
        linked = subjects.subjects_of(connection, book.tenant, [row.id for row in page])
        keys = book.vault.data_keys(connection, [s for each in linked.values() for s in each])
        trusted = times.trusted_times(connection, book.tenant, list(linked)) if asked else {}
        for row in page:
            content = open_parts(row, [keys[s] for s in linked[row.id] if s in keys]).get("statement.0")
            if content is None:
                continue  # Its person was erased: nothing counts by it any more.
            parsed, statement = read_statement(content)
            said = statement.issuer, parsed.kid, row.at, trusted.get(row.id)
            if statement.gives and _counts(before, *said) and not _counts(after, *said):
                yield row.id, statement.references[0], linked[row.id]


def _counts(
    registry: Registry, iss: str, kid: str, received_at: datetime, trusted_at: datetime | None
) -> bool:
    key = registry.key(iss, kid)
    return key is not None and not key_problems(key, received_at=received_at, trusted_at=trusted_at)


def _chunks(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]
