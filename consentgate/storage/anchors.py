"""Rows of `anchor`: which checkpoints are kept outside of the database, where, and what was answered there.

Invariant: a row is written after the anchor took the checkpoint, never before. Rows prove nothing by themselves:
verification asks the anchors, and holds cosignatures against keys that the verifier brings.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, bindparam, func, insert, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.failures import translated
from consentgate.storage.prepared import Prepared
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import anchor, checkpoint, seq
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRow:
    """A checkpoint that an anchor keeps.

    Attributes:
        name: the anchor's name, as the settings give it.
        size: the checkpoint's.
        kind: the anchor's kind.
        evidence: what it answered.
        at: when it took the checkpoint.
    """

    name: str
    size: int
    kind: str
    evidence: str
    at: datetime


_LOG: Final = bindparam("log", type_=BigInteger)
_ALL: Final = select(anchor.c.name, anchor.c.size, anchor.c.kind, anchor.c.evidence, anchor.c.at)
_AT: Final = Prepared(
    _ALL.where(anchor.c.log == _LOG, anchor.c.size == bindparam("size")).order_by(anchor.c.name)
)
_NEWEST: Final = (
    _ALL.join(checkpoint, (checkpoint.c.log == anchor.c.log) & (checkpoint.c.size == anchor.c.size))
    .where(anchor.c.log == _LOG, anchor.c.name == bindparam("name"))
    .order_by(anchor.c.size.desc())
    .limit(1)
)
# One statement, so that what is released and anchored meanwhile is not beyond.
_BEYOND: Final = select(func.coalesce(func.max(anchor.c.size), 0)).where(
    anchor.c.log == _LOG,
    anchor.c.name == bindparam("name"),
    anchor.c.size
    > select(func.coalesce(func.max(checkpoint.c.size), 0)).where(checkpoint.c.log == _LOG).scalar_subquery(),
)
_SIZES: Final = (
    select(anchor.c.size)
    .where(anchor.c.log == _LOG, anchor.c.kind == bindparam("kind"), anchor.c.size > bindparam("above"))
    .distinct()
    .order_by(anchor.c.size.desc())
    .limit(bindparam("limit"))
)
_INSERT: Final = insert(anchor)

_LATER: Final = anchor.alias("later")
_FIRST_SIZE: Final = (
    select(func.min(_LATER.c.size))
    .where(_LATER.c.log == seq.c.log, _LATER.c.size > seq.c.position)
    .correlate(seq)
    .scalar_subquery()
)
_FIRST: Final = (
    select(seq.c.entry, func.min(anchor.c.at))
    .select_from(seq)
    .join(anchor, (anchor.c.log == seq.c.log) & (anchor.c.size == _FIRST_SIZE))
    .where(
        seq.c.log == _LOG,
        seq.c.tenant == bindparam("tenant"),
        seq.c.entry.in_(bindparam("entries", expanding=True)),
    )
    .group_by(seq.c.entry)
)


def insert_anchor(connection: Connection, row: AnchorRow, *, log: int = FIRST_LOG) -> None:
    """Write down that an anchor keeps a checkpoint.

    Args:
        connection: of `Database.write`.
        row: what it keeps.
        log: number of the log.

    Raises:
        Duplicate: that was written down before (key ``pk_anchor``).
        Unavailable: the database refused.
    """
    values = {
        "log": log,
        "name": row.name,
        "size": row.size,
        "kind": row.kind,
        "evidence": row.evidence,
        "at": to_millis(row.at),
    }
    with translated():
        connection.execute(_INSERT, values)


def newest_of(connection: Connection, name: str, *, log: int = FIRST_LOG) -> AnchorRow | None:
    """Read what an anchor keeps.

    Args:
        connection: any.
        name: the anchor's.
        log: number of the log.

    Returns:
        The row of the largest checkpoint that is stored, or None. Rows over others say nothing: who may write rows
        could write any.
    """
    with translated():
        found = connection.execute(_NEWEST, {"log": log, "name": name}).first()
    return _row(*found) if found else None


def beyond(connection: Connection, name: str, *, log: int = FIRST_LOG) -> int:
    """Look for a row that says more of an anchor than was ever released.

    Args:
        connection: any.
        name: the anchor's.
        log: number of the log.

    Returns:
        The largest size that a row claims beyond the newest checkpoint, 0 for none.
    """
    with translated():
        return int(connection.execute(_BEYOND, {"log": log, "name": name}).scalar_one())


def anchors_at(connection: Connection, size: int, *, log: int = FIRST_LOG) -> tuple[AnchorRow, ...]:
    """Read which anchors keep one checkpoint.

    Args:
        connection: any.
        size: the checkpoint's.
        log: number of the log.

    Returns:
        The rows, by name.
    """
    return tuple(_row(*row) for row in _AT.rows(connection, {"log": log, "size": size}))


def sizes_of_kind(
    connection: Connection, kind: str, *, above: int = 0, limit: int = 1000, log: int = FIRST_LOG
) -> tuple[int, ...]:
    """List the checkpoints that anchors of a kind keep.

    Args:
        connection: any.
        kind: of the anchors.
        above: only larger sizes.
        limit: at most so many.
        log: number of the log.

    Returns:
        Their sizes, the largest first.
    """
    values = {"log": log, "kind": kind, "above": above, "limit": limit}
    with translated():
        return tuple(connection.execute(_SIZES, values).scalars())


def first_anchored(
    connection: Connection, tenant: str, entries: Collection[UUID], *, log: int = FIRST_LOG
) -> dict[UUID, datetime]:
    """Say when entries were first covered by an anchored checkpoint.

    Args:
        connection: any.
        tenant: whose entries.
        entries: their ids.
        log: number of the log.

    Returns:
        The time at which the smallest anchored checkpoint that covers the entry was taken; nothing for an entry that
        none covers.
    """
    if not entries:
        return {}
    values = {"log": log, "tenant": tenant, "entries": [each.bytes for each in entries]}
    with translated():
        found = connection.execute(_FIRST, values)
        return {UUID(bytes=entry): from_millis(at) for entry, at in found}


def _row(name: str, size: int, kind: str, evidence: str, at: int) -> AnchorRow:
    return AnchorRow(name=name, size=size, kind=kind, evidence=evidence, at=from_millis(at))
