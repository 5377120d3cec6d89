"""Every row as it is stored, for verification: streamed, with nothing taken for granted and nothing mended.

Invariant: values are what the columns hold, of whatever type that is: no type of a column converts them.
Inside one transaction all of these see the same state.
"""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import Column, Connection, RowMapping, Select, Table, func, inspect, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType

from consentgate.storage.failures import translate, translated
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import (
    anchor,
    artifact,
    checkpoint,
    data_key,
    deployment,
    entry,
    entry_subject,
    notice,
    seq,
    statement,
    subject_ref,
    tile,
    tree_state,
)

_CHUNK: Final = 1000

_DAMAGE_LINES: Final = 100


def _raw(*columns: Column[Any], **renamed: Column[Any]) -> Select[Any]:
    """Select columns as they are: a type of SQLAlchemy's fails on, or converts, what is of another type."""
    named = [(each.name, each) for each in columns] + list(renamed.items())
    coerced = [type_coerce(column, NullType()).label(name) for name, column in named]
    return cast("Select[Any]", select(*coerced))


def _all(table: Table) -> Select[Any]:
    return _raw(*table.c)


_ENTRIES: Final = _all(entry).order_by(entry.c.ordinal)
_WITHOUT_ORDER: Final = {
    table.name: _all(table)
    for table in (deployment, statement, artifact, notice, entry_subject, data_key, subject_ref)
}
_SEQUENCE: Final = _raw(seq.c.position, seq.c.tenant, seq.c.entry, seq.c.hash).order_by(seq.c.position)
TILES: Final = _raw(tile.c.level, tile.c.hashes, index=tile.c.idx).order_by(tile.c.level.desc(), tile.c.idx)
TREES: Final = _raw(tree_state.c.size, tree_state.c.frontier, tree_state.c.root, tree_state.c.at).order_by(
    tree_state.c.size
)
CHECKPOINTS: Final = _raw(
    checkpoint.c.size, checkpoint.c.origin, checkpoint.c.note, checkpoint.c.at
).order_by(checkpoint.c.size)
_ANCHORS: Final = _raw(anchor.c.name, anchor.c.size, anchor.c.kind, anchor.c.evidence, anchor.c.at)
_COUNT: Final = select(func.count()).select_from(entry)
_LOG_TABLES: Final = (seq, tile, tree_state, checkpoint, anchor)

Stored: TypeAlias = RowMapping
"""A row: its values by the names of its columns."""


def damage(connection: Connection, *, quick: bool = False) -> tuple[str, ...]:
    """Ask SQLite what is wrong with its file: pages, indexes that differ from their tables, broken constraints.

    Args:
        connection: of `Database.read`.
        quick: whether to leave out the comparison of indexes with their tables, which takes the longest.

    Returns:
        A line for each thing, a hundred at most; none where the file is sound. PostgreSQL has no such question:
        what differs there shows in the rows.
    """
    if connection.dialect.name != "sqlite":
        return ()
    check = "quick_check" if quick else "integrity_check"
    try:
        rows = connection.exec_driver_sql(f"PRAGMA {check}({_DAMAGE_LINES})").scalars().all()
    except SQLAlchemyError as error:
        return (str(translate(error)),)
    return tuple(str(line).encode(errors="backslashreplace").decode() for line in rows if line != "ok")


def file_of(connection: Connection) -> str | None:
    """Say in which file a database lies.

    Args:
        connection: of `Database.read`.

    Returns:
        The file; None where SQLite has it in memory, and for PostgreSQL.
    """
    if connection.dialect.name != "sqlite":
        return None
    with translated():
        names = connection.exec_driver_sql("PRAGMA database_list").all()
    return next((row[2] for row in names if row[1] == "main" and row[2]), None)


def count(connection: Connection) -> int:
    """Count the entries.

    Args:
        connection: of `Database.read`.

    Returns:
        How many rows there are, whatever their numbers.
    """
    with translated():
        return int(connection.execute(_COUNT).scalar_one())


def strays(connection: Connection, *, logs: Collection[int] = (FIRST_LOG,)) -> dict[str, int]:
    """Count rows of logs that nobody opened.

    Args:
        connection: of `Database.read`.
        logs: numbers of the logs that there are.

    Returns:
        How many there are in each table that has any.
    """
    found = {}
    with translated():
        there = set(inspect(connection).get_table_names())
        for each in _LOG_TABLES:
            if each.name not in there:
                continue
            other = each.c.log.is_(None) | each.c.log.not_in(sorted(logs))
            found[each.name] = int(
                connection.execute(select(func.count()).select_from(each).where(other)).scalar_one()
            )
    return {name: number for name, number in found.items() if number}


def entries(connection: Connection) -> Iterator[Stored]:
    """Read every entry of every tenant.

    Args:
        connection: of `Database.read`.

    Yields:
        The rows, by ordinal.
    """
    yield from _stream(connection, _ENTRIES)


def table(connection: Connection, name: str) -> Iterator[Stored]:
    """Read a table that has no order of its own.

    Args:
        connection: of `Database.read`.
        name: deployment, statement, artifact, notice, entry_subject, data_key or subject_ref.

    Yields:
        The rows, in any order.
    """
    yield from _stream(connection, _WITHOUT_ORDER[name])


def positions(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read the positions of a log.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        position, tenant, entry and hash, by position.
    """
    yield from _stream(connection, _SEQUENCE.where(seq.c.log == log))


def tiles(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read the full tiles of a log.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        level, index and hashes, in any order.
    """
    yield from _stream(connection, TILES.where(tile.c.log == log))


def tree_states(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read what the sequencer wrote after each batch.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        size, frontier, root and at, in any order.
    """
    yield from _stream(connection, TREES.where(tree_state.c.log == log))


def checkpoints(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read the checkpoints of a log.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        size, origin, note and at, in any order.
    """
    yield from _stream(connection, CHECKPOINTS.where(checkpoint.c.log == log))


def has_anchors(connection: Connection) -> bool:
    """Say whether any anchor ever took a checkpoint, as the rows have it.

    Args:
        connection: of `Database.read`.

    Returns:
        Whether there is a row, of whichever log.
    """
    if not inspect(connection).has_table(anchor.name):
        return False
    with translated():
        return connection.execute(select(anchor.c.log).limit(1)).first() is not None


def anchors(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read what anchors answered.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        name, size, kind, evidence and at, by size; none of a database that is older than anchors.
    """
    if inspect(connection).has_table(anchor.name):
        yield from _stream(connection, _ANCHORS.where(anchor.c.log == log).order_by(anchor.c.size))


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Stored]:
    with translated(), closing(connection.execute(query.execution_options(yield_per=_CHUNK))) as result:
        yield from result.mappings()
