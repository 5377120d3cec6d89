"""Entries beside their positions: which have none yet, and the leaves in the order of the log.

Invariant: what is asked about costs what it holds, however long the log is.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, bindparam, case, func, literal_column, select

from consentgate.storage.prepared import OverLists, Prepared
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import entry, seq
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """A committed entry: its ordinal, tenant, id (16 bytes), and its exact leaf bytes, b"" once it has a position."""

    ordinal: int
    tenant: str
    entry: bytes
    leaf: bytes


_LOG: Final = bindparam("log", type_=BigInteger)
# A scalar question is asked row by row, over the index. As a join, or as EXISTS, PostgreSQL may read all of `seq`.
_PLACE_OF: Final = select(seq.c.position).where(
    seq.c.log == _LOG, seq.c.tenant == entry.c.tenant, seq.c.entry == entry.c.id
)
_LOOKED: Final = select(
    entry.c.ordinal,
    entry.c.tenant,
    entry.c.id,
    case((_PLACE_OF.scalar_subquery().is_(None), entry.c.leaf)),
)
_AFTER: Final = Prepared(
    _LOOKED.where(entry.c.ordinal > bindparam("after")).order_by(entry.c.ordinal).limit(bindparam("limit"))
)
_AMONG: Final = OverLists(
    lambda within: _LOOKED.where(within(entry.c.ordinal, "ordinals")).order_by(entry.c.ordinal)
)
_OPENING: Final = Prepared(
    select(entry.c.ordinal, entry.c.tenant, entry.c.id, entry.c.leaf)
    .where(entry.c.kind == literal_column("'epoch'"))
    .order_by(entry.c.ordinal.desc())
    .limit(literal_column("1"))
)
_UNSEQUENCED: Final = Prepared(
    select(
        select(func.count()).select_from(entry).scalar_subquery()
        - select(func.count()).select_from(seq).where(seq.c.log == _LOG).scalar_subquery()
    )
)

_LEAVES: Final = Prepared(
    select(seq.c.position, entry.c.leaf)
    .select_from(seq.join(entry, (entry.c.tenant == seq.c.tenant) & (entry.c.id == seq.c.entry)))
    .where(seq.c.log == _LOG, seq.c.position >= bindparam("first"), seq.c.position < bindparam("end"))
    .order_by(seq.c.position)
)


def looked_at(
    connection: Connection, *, after: int, limit: int, log: int = FIRST_LOG
) -> tuple[LookedAt, ...]:
    """Look at entries of every tenant, and whether they have a position.

    Args:
        connection: any.
        after: only entries with a higher ordinal.
        limit: at most so many.
        log: number of the log.

    Returns:
        The entries in ordinal order.
    """
    return _looked(_AFTER.rows(connection, {"after": after, "limit": limit, "log": log}))


def looked_among(
    connection: Connection, ordinals: Collection[int], *, log: int = FIRST_LOG
) -> tuple[LookedAt, ...]:
    """Look at entries by their ordinals.

    Args:
        connection: any.
        ordinals: which.
        log: number of the log.

    Returns:
        Those that are there, in ordinal order.
    """
    return _looked(_AMONG.rows(connection, {"log": log}, ordinals=ordinals))


def opening(connection: Connection) -> LookedAt | None:
    """Look at the entry that opens the last epoch.

    Args:
        connection: any.

    Returns:
        The entry with its leaf, or None where there never was an epoch.
    """
    found = _looked(_OPENING.rows(connection, {}))
    return found[0] if found else None


def unsequenced(connection: Connection, *, log: int = FIRST_LOG) -> int:
    """Count the entries of every tenant that have no position yet.

    Args:
        connection: any.
        log: number of the log.

    Returns:
        How many.
    """
    return int(_UNSEQUENCED.rows(connection, {"log": log})[0][0])


def leaves(
    connection: Connection, *, first: int, end: int, log: int = FIRST_LOG
) -> tuple[tuple[int, bytes], ...]:
    """Read leaves in the order of the log.

    Args:
        connection: any.
        first: the first position.
        end: the position after the last.
        log: number of the log.

    Returns:
        Position and exact bytes of each leaf that is there.
    """
    rows = _LEAVES.rows(connection, {"first": first, "end": end, "log": log})
    return tuple((position, leaf) for position, leaf in rows)


def _looked(rows: Sequence[Sequence[Any]]) -> tuple[LookedAt, ...]:
    return tuple(
        LookedAt(ordinal=ordinal, tenant=tenant, entry=entry_id, leaf=leaf or b"")
        for ordinal, tenant, entry_id, leaf in rows
    )
