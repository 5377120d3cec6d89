"""Rows about single persons, for verification: keys, references, and what of the first positions is about them.

Invariants: values are what the columns hold, as in `consentgate.storage.inbulk`; rows are found by their keys, some
hundreds at once, and no query here hands out those of everybody.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    RowMapping,
    Select,
    Table,
    and_,
    exists,
    func,
    select,
)

from consentgate.storage.failures import translated
from consentgate.storage.inbulk import raw
from consentgate.storage.tables import data_key, entry, entry_subject, seq, subject_ref

_AT_ONCE: Final = 250
_STATEMENT: Final = "statement"
_ABOUT: Final = ("assertion", "call", "statement")
_LINKED: Final = entry_subject.join(
    entry, and_(entry.c.tenant == entry_subject.c.tenant, entry.c.id == entry_subject.c.entry)
)


def data_keys_of(connection: Connection, subjects: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look wrapped data keys up.

    Args:
        connection: of `Database.read` or `read_only`.
        subjects: tenant and id of each subject.

    Yields:
        The rows.
    """
    for where in _each(data_key, data_key.c.subject, subjects):
        yield from _rows(connection, select(*map(raw, data_key.c)).where(where))


def references_to(connection: Connection, subjects: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look up what names subjects.

    Args:
        connection: of `Database.read` or `read_only`.
        subjects: tenant and id of each.

    Yields:
        The rows.
    """
    for where in _each(subject_ref, subject_ref.c.subject, subjects):
        yield from _rows(connection, select(*map(raw, subject_ref.c)).where(where))


def references_of(connection: Connection, hashes: Collection[tuple[str, int, bytes]]) -> Iterator[RowMapping]:
    """Look up whom keyed hashes name.

    Args:
        connection: of `Database.read` or `read_only`.
        hashes: tenant, epoch and hash of each.

    Yields:
        The rows.
    """
    by_epoch: dict[int, list[tuple[str, bytes]]] = {}
    for tenant, epoch, value in hashes:
        by_epoch.setdefault(epoch, []).append((tenant, value))
    for epoch, values in sorted(by_epoch.items()):
        for where in _each(subject_ref, subject_ref.c.hmac, values):
            query = select(*map(raw, subject_ref.c)).where(subject_ref.c.key_epoch == epoch, where)
            yield from _rows(connection, query)


def statements_about(
    connection: Connection, subjects: Collection[tuple[str, bytes]], *, log: int, size: int
) -> Iterator[tuple[int, str, bytes]]:
    """Look up the statements at the first positions that are linked to subjects.

    Args:
        connection: of `Database.read` or `read_only`.
        subjects: tenant and id of each.
        log: number of the log.
        size: how many the first positions are.

    Yields:
        Number of the row, tenant and id.
    """
    query = select(entry.c.ordinal, entry.c.tenant, raw(entry.c.id)).select_from(_LINKED).distinct()
    kind = entry_subject.c.kind == _STATEMENT
    for where in _each(entry_subject, entry_subject.c.subject, subjects):
        for row in _rows(connection, query.where(where, kind, _covered(log, size))):
            yield row["ordinal"], row["tenant"], row["id"]


def first_links(
    connection: Connection, subjects: Collection[tuple[str, bytes]], *, log: int, size: int
) -> Iterator[tuple[str, bytes, int]]:
    """Look up since when subjects are known by anything but a statement.

    Args:
        connection: of `Database.read` or `read_only`.
        subjects: tenant and id of each.
        log: number of the log.
        size: how many the first positions are: later entries are left out.

    Yields:
        Tenant, subject, and number of the first row.
    """
    yield from _by_subject(connection, subjects, func.min, entry_subject.c.kind != _STATEMENT, log, size)


def last_about(
    connection: Connection, subjects: Collection[tuple[str, bytes]], *, log: int, size: int
) -> Iterator[tuple[str, bytes, RowMapping]]:
    """Look up what was said last about subjects at the first positions.

    Args:
        connection: of `Database.read` or `read_only`.
        subjects: tenant and id of each.
        log: number of the log.
        size: how many the first positions are.

    Yields:
        Tenant, subject, and the last row of an assertion, call or statement.
    """
    of_kind = entry_subject.c.kind.in_(_ABOUT)
    found = [*_by_subject(connection, subjects, func.max, of_kind, log, size)]
    rows: dict[int, RowMapping] = {}
    numbers = sorted({each[2] for each in found})
    for at in range(0, len(numbers), _AT_ONCE):
        query = select(*map(raw, entry.c)).where(entry.c.ordinal.in_(numbers[at : at + _AT_ONCE]))
        rows |= {row["ordinal"]: row for row in _rows(connection, query)}
    yield from ((tenant, subject, rows[number]) for tenant, subject, number in found)


def in_force(
    connection: Connection, tenant: str, kind: str, *, log: int, size: int, low: int
) -> list[tuple[int, str, bytes]]:
    """Look up the entries of a kind at the first positions that were the newest of it from a row on.

    Args:
        connection: of `Database.read` or `read_only`.
        tenant: whose.
        kind: of which the newest is in force.
        log: number of the log.
        size: how many the first positions are.
        low: the row.

    Returns:
        Number of the row, tenant and id: of the last before that row, and of those after it.
    """
    # With both values of `about` each is found by the index.
    query = select(entry.c.ordinal, entry.c.tenant, raw(entry.c.id)).where(
        entry.c.tenant == tenant,
        entry.c.kind == kind,
        entry.c.about.in_((0, 1)),
        _covered(log, size),
    )
    before = query.where(entry.c.ordinal < low).order_by(entry.c.ordinal.desc()).limit(1)
    after = query.where(entry.c.ordinal >= low).order_by(entry.c.ordinal)
    return [
        (row["ordinal"], row["tenant"], row["id"])
        for each in (before, after)
        for row in _rows(connection, each)
    ]


def _by_subject(
    connection: Connection,
    subjects: Collection[tuple[str, bytes]],
    extreme: Any,
    kinds: ColumnElement[bool],
    log: int,
    size: int,
) -> Iterator[tuple[str, bytes, int]]:
    columns = (entry_subject.c.tenant, entry_subject.c.subject)
    query = select(*map(raw, columns), extreme(entry.c.ordinal).label("ordinal")).select_from(_LINKED)
    for where in _each(entry_subject, entry_subject.c.subject, subjects):
        found = query.where(where, kinds, _covered(log, size)).group_by(*columns)
        for row in _rows(connection, found):
            yield row["tenant"], row["subject"], row["ordinal"]


def _covered(log: int, size: int) -> Exists:
    return exists().where(
        seq.c.log == log, seq.c.tenant == entry.c.tenant, seq.c.entry == entry.c.id, seq.c.position < size
    )


def _each(
    table: Table, column: ColumnElement[Any], keys: Collection[tuple[str, bytes]]
) -> Iterator[ColumnElement[bool]]:
    """Spell conditions that find some hundred keys each."""
    by_tenant: dict[str, list[bytes]] = {}
    for tenant, value in sorted(keys):
        by_tenant.setdefault(tenant, []).append(value)
    for tenant, values in by_tenant.items():
        for at in range(0, len(values), _AT_ONCE):
            yield and_(table.c.tenant == tenant, column.in_(values[at : at + _AT_ONCE]))


def _rows(connection: Connection, query: Select[Any]) -> Iterator[RowMapping]:
    with translated():
        found = connection.execute(query).mappings().all()
    yield from found
