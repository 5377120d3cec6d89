"""Rows of the log: `seq`, `tile`, `tree_state`.

Invariants: positions are dense from 0 and final; a tile is stored only when it is full; every row of a batch
is inserted in one transaction. Hashes read here are what is stored: verification recomputes them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, bindparam, func, insert, select, text

from consentgate.moment import from_millis, to_millis
from consentgate.storage.failures import translated
from consentgate.storage.prepared import Prepared, first_of, run
from consentgate.storage.tables import seq, tile, tree_state
from consentgate.values import dataclass

FIRST_LOG: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """An entry's place in the log: its position, tenant, id (16 bytes) and leaf hash."""

    position: int
    tenant: str
    entry: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """A full tile: its level, its index there, and its 256 hashes in 8192 bytes."""

    level: int
    idx: int
    hashes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """The tree after a batch: its size, right edge (`Frontier.to_bytes`), root, and when."""

    size: int
    frontier: bytes
    root: bytes
    at: datetime


_LOG: Final = bindparam("log", type_=BigInteger)
_POSITIONS: Final = Prepared(
    select(seq.c.position, seq.c.tenant, seq.c.entry, seq.c.hash)
    .where(seq.c.log == _LOG, seq.c.position >= bindparam("first"), seq.c.position < bindparam("end"))
    .order_by(seq.c.position)
)
_POSITION_OF: Final = Prepared(
    select(seq.c.position).where(
        seq.c.log == _LOG, seq.c.tenant == bindparam("tenant"), seq.c.entry == bindparam("entry")
    )
)
_TILES: Final = Prepared(
    select(tile.c.level, tile.c.idx, tile.c.hashes)
    .where(
        tile.c.log == _LOG,
        tile.c.level == bindparam("level"),
        tile.c.idx >= bindparam("first"),
        tile.c.idx < bindparam("end"),
    )
    .order_by(tile.c.idx)
)
_TREE: Final = Prepared(
    select(tree_state.c.size, tree_state.c.frontier, tree_state.c.root, tree_state.c.at)
    .where(tree_state.c.log == _LOG)
    .order_by(tree_state.c.size.desc())
    .limit(1)
)
# Each schema of a database has logs of its own.
_TURN: Final = text(
    "SELECT pg_try_advisory_xact_lock(hashtextextended('consentgate sequencer ' || current_schema(), :log))"
)
_WAIT: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('consentgate sequencer ' || current_schema(), :log))"
)
_END: Final = Prepared(select(func.coalesce(func.max(seq.c.position) + 1, 0)).where(seq.c.log == _LOG))
_INSERT_SEQ: Final = Prepared(insert(seq))
# One statement for a batch: by rows, the driver costs more than the database.
_INSERT_SEQ_AT_ONCE: Final = (
    "INSERT INTO seq (log, position, tenant, entry, hash)"
    " SELECT %s::bigint, %s::bigint + nth - 1, tenant, entry, hash"
    " FROM unnest(%b::text[], %b::bytea[], %b::bytea[]) WITH ORDINALITY AS new (tenant, entry, hash, nth)"
)
_INSERT_TILE: Final = insert(tile)
_INSERT_TREE: Final = insert(tree_state)


def sequenced(connection: Connection, *, first: int, end: int, log: int = FIRST_LOG) -> tuple[Sequenced, ...]:
    """List positions.

    Args:
        connection: any.
        first: the first position.
        end: the position after the last.
        log: number of the log.

    Returns:
        What stands there, in order of position.
    """
    found = _POSITIONS.rows(connection, {"first": first, "end": end, "log": log})
    return tuple(
        Sequenced(position=position, tenant=tenant, entry=entry_id, hash=hash_)
        for position, tenant, entry_id, hash_ in found
    )


def position_of(connection: Connection, tenant: str, entry_id: UUID, *, log: int = FIRST_LOG) -> int | None:
    """Find an entry's position.

    Args:
        connection: any.
        tenant: whose entry.
        entry_id: the entry.
        log: number of the log.

    Returns:
        The position; None while it is not sequenced.
    """
    values = {"tenant": tenant, "entry": entry_id.bytes, "log": log}
    found = first_of(_POSITION_OF.rows(connection, values))
    return found[0] if found else None


def tiles(
    connection: Connection, *, level: int, first: int, end: int, log: int = FIRST_LOG
) -> tuple[TileRow, ...]:
    """Read full tiles.

    Args:
        connection: any.
        level: of the tiles.
        first: the first index.
        end: the index after the last.
        log: number of the log.

    Returns:
        Those that are stored, in order of index.
    """
    values = {"level": level, "first": first, "end": end, "log": log}
    return tuple(TileRow(level=lv, idx=idx, hashes=data) for lv, idx, data in _TILES.rows(connection, values))


def latest_tree(connection: Connection, *, log: int = FIRST_LOG) -> TreeRow | None:
    """Read the newest state of the tree.

    Args:
        connection: any.
        log: number of the log.

    Returns:
        The state, or None while nothing is sequenced.
    """
    found = first_of(_TREE.rows(connection, {"log": log}))
    if found is None:
        return None
    return TreeRow(size=found[0], frontier=found[1], root=found[2], at=from_millis(found[3]))


def has_turn(connection: Connection, *, log: int = FIRST_LOG) -> bool:
    """Take the sequencer's turn until the end of the transaction, if nobody has it.

    Args:
        connection: of `Database.write`.
        log: number of the log.

    Returns:
        Whether it was free; always on SQLite, where a write transaction is alone.

    Raises:
        Unavailable: the database refused.
    """
    if connection.dialect.name == "sqlite":
        return True
    with translated():
        return bool(connection.execute(_TURN, {"log": log}).scalar_one())


def wait_turn(connection: Connection, *, log: int) -> None:
    """Take the sequencer's turn until the end of the transaction, once whoever has it is done.

    Args:
        connection: of `Database.write`; on SQLite a write transaction is alone.
        log: number of the log.

    Raises:
        Unavailable: the turn did not come in time, or the database refused.
    """
    if connection.dialect.name != "sqlite":
        with translated():
            connection.execute(_WAIT, {"log": log})


def end_of(connection: Connection, *, log: int = FIRST_LOG) -> int:
    """Read where a log's positions end, whatever its tree says.

    Args:
        connection: any.
        log: number of the log.

    Returns:
        The position after the last one that is stored.
    """
    return int(_END.rows(connection, {"log": log})[0][0])


def insert_batch(
    connection: Connection,
    *,
    rows: Sequence[Sequenced],
    full_tiles: Sequence[TileRow],
    tree: TreeRow,
    log: int = FIRST_LOG,
) -> None:
    """Insert one batch of the sequencer, all or nothing.

    Args:
        connection: of `Database.write`.
        rows: the new positions; at least one.
        full_tiles: the tiles that they complete.
        tree: the tree afterwards.
        log: number of the log.

    Raises:
        Duplicate: another sequencer was first (a key of `seq`, `tile` or `tree_state`).
        Unavailable: the database refused.
    """
    state = {
        "log": log,
        "size": tree.size,
        "frontier": tree.frontier,
        "root": tree.root,
        "at": to_millis(tree.at),
    }
    _insert_positions(connection, rows, log)
    with translated():
        if full_tiles:
            values = [{"log": log, "level": t.level, "idx": t.idx, "hashes": t.hashes} for t in full_tiles]
            connection.execute(_INSERT_TILE, values)
        connection.execute(_INSERT_TREE, state)


def _insert_positions(connection: Connection, rows: Sequence[Sequenced], log: int) -> None:
    if connection.dialect.name == "sqlite":
        _INSERT_SEQ.run_all(
            connection,
            [
                {"log": log, "position": r.position, "tenant": r.tenant, "entry": r.entry, "hash": r.hash}
                for r in rows
            ],
        )
        return
    columns = [[r.tenant for r in rows], [r.entry for r in rows], [r.hash for r in rows]]
    run(connection, _INSERT_SEQ_AT_ONCE, (log, rows[0].position, *columns))
