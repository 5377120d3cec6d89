"""Every row as it is stored, for verification: streamed, with nothing taken for granted and nothing mended.

Invariant: values are what the columns hold, numbers as numbers and bytes as bytes. Inside one `Database.read`
all of these see the same state.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, RowMapping, Select, select

from consentgate.storage.failures import translated
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import (
    artifact,
    checkpoint,
    data_key,
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

_ENTRIES: Final = select(entry).order_by(entry.c.ordinal)
_WITHOUT_ORDER: Final = {
    table.name: select(table) for table in (statement, artifact, notice, entry_subject, data_key, subject_ref)
}
_SEQUENCE: Final = select(seq.c.position, seq.c.tenant, seq.c.entry, seq.c.hash).order_by(seq.c.position)
_TILES: Final = select(tile.c.level, tile.c.idx.label("index"), tile.c.hashes)
_TREES: Final = select(tree_state.c.size, tree_state.c.frontier, tree_state.c.root)
_CHECKPOINTS: Final = select(checkpoint.c.size, checkpoint.c.origin, checkpoint.c.note)

Stored: TypeAlias = RowMapping
"""A row: its values by the names of its columns."""


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
        name: statement, artifact, notice, entry_subject, data_key or subject_ref.

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
    yield from _stream(connection, _TILES.where(tile.c.log == log))


def tree_states(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read what the sequencer wrote after each batch.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        size, frontier and root, in any order.
    """
    yield from _stream(connection, _TREES.where(tree_state.c.log == log))


def checkpoints(connection: Connection, *, log: int = FIRST_LOG) -> Iterator[Stored]:
    """Read the checkpoints of a log.

    Args:
        connection: of `Database.read`.
        log: number of the log.

    Yields:
        size, origin and note, in any order.
    """
    yield from _stream(connection, _CHECKPOINTS.where(checkpoint.c.log == log))


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Stored]:
    with translated():
        result = connection.execute(query.execution_options(yield_per=_CHUNK))
        yield from result.mappings()
