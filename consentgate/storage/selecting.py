"""Entries for an export: chosen by links, kinds and times, and read again in the order of the log.

Invariants: every question names a tenant; ids and positions are asked for in batches, so that what an export costs in
memory does not grow with what an entry holds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    LargeBinary,
    Select,
    Text,
    bindparam,
    func,
    select,
)

from consentgate.moment import to_millis
from consentgate.storage.entries import COLUMNS, EntryRow, row_of
from consentgate.storage.failures import translated
from consentgate.storage.tables import entry, entry_subject, seq

T = TypeVar("T")

AT_ONCE: Final = 500
"""How many ids a question has: SQLite takes 32766 values in a statement, older ones 999."""

_IDS: Final = bindparam("ids", expanding=True, type_=LargeBinary)
_TENANT: Final[BindParameter[str]] = bindparam("tenant")
_LOG: Final = bindparam("log", type_=BigInteger)
_LINKED: Final = select(entry_subject.c.entry).where(
    entry_subject.c.tenant == _TENANT, entry_subject.c.subject.in_(_IDS)
)
_ANSWERS: Final = select(entry.c.id).where(entry.c.tenant == _TENANT, entry.c.re.in_(_IDS))
_ANSWERED: Final = select(entry.c.re).where(
    entry.c.tenant == _TENANT, entry.c.id.in_(_IDS), func.length(entry.c.re) > 0
)
_OF_KINDS: Final = select(entry.c.id).where(
    entry.c.tenant == _TENANT,
    entry.c.id.in_(_IDS),
    entry.c.kind.in_(bindparam("kinds", expanding=True, type_=Text)),
)
_ROWS: Final = (
    select(*COLUMNS).where(entry.c.tenant == _TENANT, entry.c.id.in_(_IDS)).order_by(entry.c.ordinal)
)
_PLACES: Final = select(seq.c.entry, seq.c.position).where(
    seq.c.log == _LOG, seq.c.tenant == _TENANT, seq.c.entry.in_(_IDS)
)
_PLACED: Final = (
    select(*COLUMNS, seq.c.position)
    .join(seq, (seq.c.tenant == entry.c.tenant) & (seq.c.entry == entry.c.id))
    .where(
        entry.c.tenant == _TENANT,
        seq.c.log == _LOG,
        seq.c.position.in_(bindparam("positions", expanding=True, type_=BigInteger)),
    )
    .order_by(seq.c.position)
)


def linked_to(connection: Connection, tenant: str, subjects: Collection[UUID]) -> set[bytes]:
    """Find the entries that are linked to subjects.

    Args:
        connection: any.
        tenant: whose subjects.
        subjects: which ones.

    Returns:
        Ids of the entries, 16 bytes each.
    """
    return _ids(connection, _LINKED, tenant, (each.bytes for each in subjects))


def answers_to(connection: Connection, tenant: str, entries: Collection[bytes]) -> set[bytes]:
    """Find the entries that answer others.

    Args:
        connection: any.
        tenant: whose entries.
        entries: ids of those that are answered.

    Returns:
        Ids of those that answer one of them.
    """
    return _ids(connection, _ANSWERS, tenant, entries)


def answered_by(connection: Connection, tenant: str, entries: Collection[bytes]) -> set[bytes]:
    """Find the entries that others answer.

    Args:
        connection: any.
        tenant: whose entries.
        entries: ids of those that answer.

    Returns:
        Ids of those that one of them answers.
    """
    return _ids(connection, _ANSWERED, tenant, entries)


def of_kinds(
    connection: Connection, tenant: str, entries: Collection[bytes], kinds: Collection[str]
) -> set[bytes]:
    """Tell which of some entries are of some kinds.

    Args:
        connection: any.
        tenant: whose entries.
        entries: their ids.
        kinds: the kinds.

    Returns:
        The ids of those that are.
    """
    found: set[bytes] = set()
    for some in batches(entries):
        values: dict[str, object] = {"tenant": tenant, "ids": some, "kinds": sorted(kinds)}
        found.update(bytes(row[0]) for row in _run(connection, _OF_KINDS, values))
    return found


def rows(connection: Connection, tenant: str, entries: Collection[bytes]) -> Iterator[tuple[EntryRow, ...]]:
    """Read entries by their ids.

    Args:
        connection: any.
        tenant: whose entries.
        entries: their ids.

    Yields:
        Some hundreds of them at once, in ordinal order among themselves.
    """
    for some in batches(sorted(entries)):
        found = _run(connection, _ROWS, {"tenant": tenant, "ids": some})
        yield tuple(map(row_of, found))


def scan(
    connection: Connection,
    tenant: str,
    *,
    kinds: Collection[str] = (),
    ends: Collection[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[tuple[EntryRow, ...]]:
    """Read all entries that are of some kinds, ended in some way and lie between two times.

    Args:
        connection: any.
        tenant: whose entries.
        kinds: only of these; none means all.
        ends: only what ended so; none means all.
        since: at this time or later.
        until: before this time.

    Yields:
        Some hundreds of them at once, in ordinal order.
    """
    query = select(*COLUMNS).where(entry.c.tenant == _TENANT, entry.c.ordinal > bindparam("after"))
    if kinds:
        query = query.where(entry.c.kind.in_(sorted(kinds)))
    if ends:
        query = query.where(entry.c.end.in_(sorted(ends)))
    if since is not None:
        query = query.where(entry.c.at >= to_millis(since))
    if until is not None:
        query = query.where(entry.c.at < to_millis(until))
    query = query.order_by(entry.c.ordinal).limit(AT_ONCE)
    after = 0
    while found := _run(connection, query, {"tenant": tenant, "after": after}):
        yield tuple(map(row_of, found))
        after = found[-1][0]


def places(
    connection: Connection, tenant: str, entries: Collection[bytes], *, log: int
) -> Iterator[tuple[bytes, int]]:
    """Find where entries are in a log.

    Args:
        connection: any.
        tenant: whose entries.
        entries: their ids.
        log: number of the log.

    Yields:
        Id and position of each that has one, in no order.
    """
    for some in batches(entries):
        for ident, position in _run(connection, _PLACES, {"tenant": tenant, "ids": some, "log": log}):
            yield bytes(ident), position


def placed(
    connection: Connection, tenant: str, positions: Sequence[int], *, log: int
) -> Iterator[tuple[tuple[int, EntryRow], ...]]:
    """Read entries by their positions in a log.

    Args:
        connection: any.
        tenant: whose entries.
        positions: in order.
        log: number of the log.

    Yields:
        Some hundreds at once, each with its position, in order.
    """
    for some in batches(positions):
        found = _run(connection, _PLACED, {"tenant": tenant, "positions": some, "log": log})
        yield tuple((row[-1], row_of(row)) for row in found)


def _ids(connection: Connection, query: Select[Any], tenant: str, given: Iterable[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for some in batches(given):
        found.update(bytes(row[0]) for row in _run(connection, query, {"tenant": tenant, "ids": some}))
    return found


def _run(connection: Connection, query: Select[Any], values: dict[str, object]) -> Sequence[Sequence[Any]]:
    with translated():
        return connection.execute(query, values).all()


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Cut something long into what one question takes.

    Args:
        items: ids or positions.

    Yields:
        Some hundreds of them at once.
    """
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some
