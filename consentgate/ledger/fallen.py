"""What no longer counts when a key is compromised: counted before anybody is asked, stopped when it is done.

Invariants: only what a key gives can fall: grants, and statements that two references are one person. A refusal or
withdrawal of the same key stands, because nobody needs leave to say no. Counting writes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from consentgate.ledger.vault import Subject
from consentgate.storage import entries, personal, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A registry, and the one that is to follow.

    Attributes:
        before: the one in force.
        after: the other.
    """

    before: Registry
    after: Registry


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


def fallen(book: Book, connection: Connection, change: Change, at: datetime) -> Fallen:
    """Find what counts by one registry and no longer by another.

    What it takes grows with the statements of the ledger, so nobody holds a lock meanwhile.

    Args:
        book: the ledger.
        connection: a reading one.
        change: both registries.
        at: now.

    Returns:
        What falls.

    Raises:
        Malformed: a stored statement cannot be read.
    """
    found: set[UUID] = set()
    people: set[Reference] = set()
    about: set[UUID] = set()
    for entry, first, linked in _falling(book, connection, change):
        found.add(entry)
        people.add(first)
        about.update(linked)
    named = frozenset(map(str, found))
    running: dict[UUID, None] = {}
    for some in _chunks(sorted(about)):
        for intent in stops.live_intents(book, connection, at, some):
            if _whose(book, connection, intent, lambda on: not named.isdisjoint(on)):
                running[intent.row.id] = None
    return Fallen(statements=frozenset(found), people=len(people), running=tuple(running))


def stop(
    book: Book, connection: Connection, change: Change, fell: Fallen, *, since: int, cause: UUID
) -> tuple[UUID, ...]:
    """Write a stop order for each request that rests on what fell, those of meanwhile included.

    Args:
        book: the ledger.
        connection: the write transaction that put the new registry in force.
        change: both registries.
        fell: what was found to fall.
        since: ordinal of the last intent there was before that was looked for.
        cause: id of the registry's entry.

    Returns:
        Ids of the intents that are to be stopped.
    """
    known = frozenset(map(str, fell.statements))
    ordered: list[UUID] = []
    for intent in _candidates(book, connection, fell, since):
        # Each at its own time: there may be many, and an entry is not written long after its time.
        at = book.now()
        whose = _whose(
            book,
            connection,
            intent,
            lambda on: not known.isdisjoint(on) or _any_falls(book, connection, change, on),
        )
        if whose and stops.is_live(book, connection, at, intent):
            stops.order_stop(book, connection, at, intent, whose, cause=cause)
            ordered.append(intent.row.id)
    return tuple(ordered)


def relied_on(decision: Json) -> set[str]:
    """Name the statements that a stored decision rests on.

    Args:
        decision: what `decision_json` made.

    Returns:
        Entry ids of the grant, and of the statement by which it counts for the speaker; empty after a denial.
    """
    members = decision if isinstance(decision, dict) else {}
    return {entry for name in ("grant", "through") if isinstance(entry := members.get(name), str)}


def _candidates(book: Book, connection: Connection, fell: Fallen, since: int) -> Iterator[LinkedEntry]:
    for some in _chunks(list(fell.running)):
        rows = [row for each in some if (row := entries.by_id(connection, book.tenant, each))]
        yield from _linked(book, connection, rows)
    while rows := list(personal.page(connection, book.tenant, "intent", after=since, limit=_PAGE)):
        since = rows[-1].ordinal
        yield from _linked(book, connection, [row for row in rows if row.id not in fell.running])


def _linked(book: Book, connection: Connection, rows: Sequence[EntryRow]) -> Iterator[LinkedEntry]:
    linked = subjects.subjects_of(connection, book.tenant, [row.id for row in rows])
    for row in rows:
        yield LinkedEntry(row=row, subjects=linked[row.id])


def _whose(
    book: Book, connection: Connection, intent: LinkedEntry, falls: Callable[[set[str]], bool]
) -> Subject | None:
    """The first of the speakers whose decision rests on what falls."""
    for subject, key in book.vault.data_keys(connection, intent.subjects).items():
        told = (told for name, told in open_parts(intent.row, [key]).items() if name.startswith("decision."))
        if falls({entry for each in told for entry in relied_on(each.get("decision"))}):
            return Subject(id=subject, data_key=key)
    return None


def _any_falls(book: Book, connection: Connection, change: Change, named: Iterable[str]) -> bool:
    """Judge statements that came while others were looked through."""
    rows = [row for each in named if (row := entries.by_id(connection, book.tenant, UUID(each)))]
    return any(True for _ in _among(book, connection, change, rows))


def _falling(
    book: Book, connection: Connection, change: Change
) -> Iterator[tuple[UUID, Reference, tuple[UUID, ...]]]:
    last = 0
    while rows := personal.page(connection, book.tenant, "statement", after=last, limit=_PAGE):
        last = rows[-1].ordinal
        yield from _among(book, connection, change, rows)


def _among(
    book: Book, connection: Connection, change: Change, rows: Sequence[EntryRow]
) -> Iterator[tuple[UUID, Reference, tuple[UUID, ...]]]:
    linked = subjects.subjects_of(connection, book.tenant, [row.id for row in rows])
    keys = book.vault.data_keys(connection, [s for each in linked.values() for s in each])
    asked = times.matter(change.before, change.after)
    trusted = times.trusted_times(connection, book.tenant, list(linked)) if asked else {}
    for row in rows:
        content = open_parts(row, [keys[s] for s in linked[row.id] if s in keys]).get("statement.0")
        if content is None:
            continue  # Its person was erased: nothing counts by it any more.
        parsed, statement = read_statement(content)
        said = statement.issuer, parsed.kid, row.at, trusted.get(row.id)
        if statement.gives and _counts(change.before, *said) and not _counts(change.after, *said):
            yield row.id, statement.references[0], linked[row.id]


def _counts(
    registry: Registry, iss: str, kid: str, received_at: datetime, trusted_at: datetime | None
) -> bool:
    key = registry.key(iss, kid)
    return key is not None and not key_problems(key, received_at=received_at, trusted_at=trusted_at)


def _chunks(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]
