"""Rows of `checkpoint`: what the signer released.

Invariant: one checkpoint per log and size; the signer's own state, outside the database, says which is right.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, insert, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.failures import translated
from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import checkpoint
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A released checkpoint: the tree's size, the log's origin, the signed note, and when."""

    size: int
    origin: str
    note: str
    at: datetime


_LOG: Final = bindparam("log", type_=BigInteger)
_ALL: Final = select(checkpoint.c.size, checkpoint.c.origin, checkpoint.c.note, checkpoint.c.at)
_CHECKPOINTS: Final = _ALL.where(checkpoint.c.log == _LOG)
_CHECKPOINT: Final = Prepared(_CHECKPOINTS.order_by(checkpoint.c.size.desc()).limit(1))
_CHECKPOINT_AT: Final = _CHECKPOINTS.where(checkpoint.c.size == bindparam("size"))
_CHECKPOINTS_AFTER: Final = (
    _CHECKPOINTS.where(checkpoint.c.size > bindparam("after"))
    .order_by(checkpoint.c.size)
    .limit(bindparam("limit"))
)
_OF_ORIGIN: Final = (
    _ALL.where(checkpoint.c.origin == bindparam("origin")).order_by(checkpoint.c.size.desc()).limit(1)
)
_INSERT_CHECKPOINT: Final = insert(checkpoint)


def insert_checkpoint(connection: Connection, row: CheckpointRow, *, log: int = FIRST_LOG) -> bool:
    """Release a checkpoint, if it is not there.

    Args:
        connection: of `Database.write`.
        row: the checkpoint.
        log: number of the log.

    Returns:
        Whether it was new.

    Raises:
        Duplicate: another process released it in this moment (key ``pk_checkpoint``).
        Unavailable: the database refused.
    """
    if checkpoint_at(connection, row.size, log=log) is not None:
        return False
    values = {"log": log, "size": row.size, "origin": row.origin, "note": row.note, "at": to_millis(row.at)}
    with translated():
        connection.execute(_INSERT_CHECKPOINT, values)
    return True


def latest_checkpoint(connection: Connection, *, log: int = FIRST_LOG) -> CheckpointRow | None:
    """Read the newest checkpoint.

    Args:
        connection: any.
        log: number of the log.

    Returns:
        The one with the greatest size, or None.
    """
    found = first_of(_CHECKPOINT.rows(connection, {"log": log}))
    return _checkpoint_row(*found) if found else None


def checkpoint_at(connection: Connection, size: int, *, log: int = FIRST_LOG) -> CheckpointRow | None:
    """Read the checkpoint of one size.

    Args:
        connection: any.
        size: of the tree.
        log: number of the log.

    Returns:
        The checkpoint, or None.
    """
    found = connection.execute(_CHECKPOINT_AT, {"log": log, "size": size}).first()
    return _checkpoint_row(*found) if found else None


def checkpoints(
    connection: Connection, *, after: int = -1, limit: int = 1000, log: int = FIRST_LOG
) -> tuple[CheckpointRow, ...]:
    """List checkpoints.

    Args:
        connection: any.
        after: only greater sizes.
        limit: at most so many.
        log: number of the log.

    Returns:
        The checkpoints in order of size.
    """
    found = connection.execute(_CHECKPOINTS_AFTER, {"log": log, "after": after, "limit": limit})
    return tuple(_checkpoint_row(*row) for row in found)


def newest_of_origin(connection: Connection, origin: str) -> CheckpointRow | None:
    """Read the newest checkpoint of a key.

    Args:
        connection: any.
        origin: the log's origin, which is its key's name.

    Returns:
        The one with the greatest size, or None.
    """
    found = connection.execute(_OF_ORIGIN, {"origin": origin}).first()
    return _checkpoint_row(*found) if found else None


def _checkpoint_row(size: int, origin: str, note: str, at: int) -> CheckpointRow:
    return CheckpointRow(size=size, origin=origin, note=note, at=from_millis(at))
