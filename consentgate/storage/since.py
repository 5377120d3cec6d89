"""Rows for verification from a position on, and single rows of what lies before it.

Invariants: values are what the columns hold, as in `consentgate.storage.inbulk`; no query here hands out the rows of
the first positions, but for those that are asked for by key.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    exists,
    func,
    or_,
    select,
)

from consentgate.storage import inbulk, stored
from consentgate.storage.failures import translated
from consentgate.storage.tables import checkpoint, entry, seq, statement, tile, tree_state

# PostgreSQL numbers a row before its commit: so many before the boundary are looked at, too.
_OVERTAKEN: Final = 1000
_LEVELS: Final = 8
_AT_ONCE: Final = 250


def log_size(connection: Connection, log: int) -> int:
    """Say how far a log goes.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.

    Returns:
        The highest position and one; 0 where there is none.
    """
    with translated():
        query = select(seq.c.position).where(seq.c.log == log).order_by(seq.c.position.desc()).limit(1)
        last = connection.execute(query).scalar()
    return last + 1 if isinstance(last, int) else 0


def first_row(connection: Connection, *, log: int, size: int, after: int) -> int:
    """Say from which row on there are entries that are not at the first positions.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        size: how many positions are left out.
        after: the number of the row at the last of these.

    Returns:
        The number of a row.
    """
    joined = and_(entry.c.tenant == seq.c.tenant, entry.c.id == seq.c.entry)
    query = select(func.min(entry.c.ordinal)).select_from(seq.join(entry, joined))
    with translated():
        least = connection.execute(query.where(seq.c.log == log, seq.c.position >= size)).scalar_one()
    low = after + 1 if connection.dialect.name == "sqlite" else after - _OVERTAKEN
    return min(low, least) if isinstance(least, int) else low


def entries(
    connection: Connection, columns: Sequence[str], *, log: int, size: int, low: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Read the entries that are not at the first positions.

    Args:
        connection: of `Database.read` or `read_only`.
        columns: which columns, and in which order.
        log: number of the log.
        size: how many positions are left out.
        low: the first row.

    Yields:
        The rows by ordinal, some hundreds at once.
    """
    covered = exists().where(
        seq.c.log == log, seq.c.tenant == entry.c.tenant, seq.c.entry == entry.c.id, seq.c.position < size
    )
    query = select(*(inbulk.raw(entry.c[name]) for name in columns)).where(entry.c.ordinal >= low, ~covered)
    yield from inbulk.batches(connection, query.order_by(entry.c.ordinal))


def repeated(connection: Connection, *, low: int) -> list[tuple[Any, Any]]:
    """Look for entries of which there are several rows, one of them from a row on.

    Args:
        connection: of `Database.read` or `read_only`.
        low: the row.

    Returns:
        Tenant and id of each.
    """
    other = entry.alias("other")
    twin = exists().where(
        other.c.tenant == entry.c.tenant, other.c.id == entry.c.id, other.c.ordinal != entry.c.ordinal
    )
    query = select(inbulk.raw(entry.c.tenant), inbulk.raw(entry.c.id)).where(entry.c.ordinal >= low, twin)
    with translated():
        return [(row[0], row[1]) for row in connection.execute(query.distinct())]


def positioned_again(connection: Connection, *, log: int, size: int) -> list[tuple[Any, Any]]:
    """Look for positions of entries that are at one of the first positions already.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        size: how many the first positions are.

    Returns:
        Position and id of each.
    """
    before = seq.alias("before")
    same = exists().where(
        before.c.log == log,
        before.c.tenant == seq.c.tenant,
        before.c.entry == seq.c.entry,
        before.c.position < size,
    )
    query = select(seq.c.position, inbulk.raw(seq.c.entry)).where(
        seq.c.log == log, seq.c.position >= size, same
    )
    with translated():
        return [(row[0], row[1]) for row in connection.execute(query.order_by(seq.c.position))]


def positions(connection: Connection, *, log: int, first: int, stop: int) -> list[tuple[Any, ...]]:
    """Read some positions of a log.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        first: the first position.
        stop: the position after the last.

    Returns:
        position, tenant, entry and hash, by position.
    """
    columns = (seq.c.position, seq.c.tenant, seq.c.entry, seq.c.hash)
    query = select(*map(inbulk.raw, columns)).where(
        seq.c.log == log, seq.c.position >= first, seq.c.position < stop
    )
    return [row for batch in inbulk.batches(connection, query.order_by(seq.c.position)) for row in batch]


def some_tiles(
    connection: Connection, *, log: int, level: int, first: int, stop: int
) -> Iterator[RowMapping]:
    """Read some full tiles of a level.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        level: of the tiles.
        first: the first index.
        stop: the index after the last.

    Yields:
        level, index and hashes.
    """
    where = (tile.c.log == log, tile.c.level == level, tile.c.idx >= first, tile.c.idx < stop)
    yield from _rows(connection, stored.TILES.where(*where))


def tiles(connection: Connection, log: int, size: int) -> Iterator[RowMapping]:
    """Read the full tiles that are not full in the tree of the first positions.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        size: of that tree.

    Yields:
        level, index and hashes, those of higher levels first.
    """
    yield from _rows(connection, stored.TILES.where(tile.c.log == log, tile.c.level >= _LEVELS))
    # One level after the other: so each is found by its key.
    for level in reversed(range(_LEVELS)):
        where = (tile.c.log == log, tile.c.level == level, tile.c.idx >= size >> 8 * (level + 1))
        yield from _rows(connection, stored.TILES.where(*where))
    yield from _rows(connection, stored.TILES.where(tile.c.log == log, tile.c.level < 0))


def tree_states(connection: Connection, log: int, size: int) -> Iterator[RowMapping]:
    """Read what the sequencer wrote from a size on.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        size: the smallest size.

    Yields:
        size, frontier, root and at, by size.
    """
    yield from _rows(connection, stored.TREES.where(tree_state.c.log == log, tree_state.c.size >= size))


def checkpoints(connection: Connection, log: int, size: int) -> Iterator[RowMapping]:
    """Read the checkpoints from a size on.

    Args:
        connection: of `Database.read` or `read_only`.
        log: number of the log.
        size: the smallest size.

    Yields:
        size, origin, note and at, by size.
    """
    yield from _rows(connection, stored.CHECKPOINTS.where(checkpoint.c.log == log, checkpoint.c.size >= size))


def in_lanes(connection: Connection, keys: Collection[tuple[str, bytes, int]]) -> Iterator[RowMapping]:
    """Look entries up by their places in their lanes.

    Args:
        connection: of `Database.read` or `read_only`.
        keys: tenant, lane and number of each.

    Yields:
        The rows.
    """
    wanted = sorted(keys)
    query = select(*(inbulk.raw(each) for each in entry.c))
    for at in range(0, len(wanted), _AT_ONCE):
        # Spelled like this each is looked up in the index; as a list of rows SQLite would read the whole table.
        each_of = [
            and_(entry.c.tenant == tenant, entry.c.w == w, entry.c.n == n)
            for tenant, w, n in wanted[at : at + _AT_ONCE]
        ]
        yield from _rows(connection, query.where(or_(*each_of)))


def answering(connection: Connection, keys: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look up what answers entries.

    Args:
        connection: of `Database.read` or `read_only`.
        keys: tenant and id of each entry that may be answered.

    Yields:
        The rows of the answers.
    """
    yield from _of(connection, entry, entry.c.re, keys)


def statements_of(connection: Connection, keys: Collection[tuple[str, bytes]]) -> Iterator[RowMapping]:
    """Look up the index rows of statements.

    Args:
        connection: of `Database.read` or `read_only`.
        keys: tenant and id of each statement's entry.

    Yields:
        The rows.
    """
    yield from _of(connection, statement, statement.c.entry, keys)


def _of(
    connection: Connection, table: Table, column: ColumnElement[Any], keys: Collection[tuple[str, bytes]]
) -> Iterator[RowMapping]:
    query = select(*(inbulk.raw(each) for each in table.c))
    by_tenant: dict[str, list[bytes]] = {}
    for tenant, ident in sorted(keys):
        by_tenant.setdefault(tenant, []).append(ident)
    for tenant, idents in by_tenant.items():
        for at in range(0, len(idents), _AT_ONCE):
            some = column.in_(idents[at : at + _AT_ONCE])
            yield from _rows(connection, query.where(table.c.tenant == tenant, some))


def _rows(connection: Connection, query: Select[Any]) -> Iterator[RowMapping]:
    with translated():
        found = connection.execute(query).mappings()
        yield from found
