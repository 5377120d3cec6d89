"""Rows of `entry`, and the questions that are asked about entries.

Invariants: the index columns repeat what the leaf says, but are never proof of it: verification compares
them. Every question names a tenant. Rows come in ordinal order, on SQLite the order of commit.
"""

from collections.abc import Collection, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.prepared import OverLists, Prepared, first_of
from consentgate.storage.tables import entry
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry as it is stored.

    Attributes:
        ordinal: order of insertion; 0 before the row is inserted.
        id: the entry's id.
        tenant: whose entry it is.
        kind: the leaf's kind.
        at: the leaf's time.
        about_people: whether the entry is about people, or tenant-wide.
        w: the lane's id, 16 bytes.
        n: the position in the lane.
        re: id of the entry that it answers, or None.
        end: how an outcome or observation ended, or None.
        leaf: the leaf's exact bytes.
        hash: the leaf hash, as stored.
        parts: the sealed parts in their stored form.
    """

    ordinal: int = 0
    id: UUID
    tenant: str
    kind: str
    at: datetime
    about_people: bool
    w: bytes
    n: int
    re: UUID | None = None
    end: str | None = None
    leaf: bytes
    hash: bytes
    parts: str = field(repr=False)


COLUMNS: Final = tuple(entry.columns)

_INSERT: Final = Prepared(
    insert(entry)
    .values({c: bindparam(c.name) for c in COLUMNS if c is not entry.c.ordinal})
    .returning(entry.c.ordinal)
)
_ALL: Final = select(*COLUMNS).where(entry.c.tenant == bindparam("tenant"))
_BY_ID: Final = Prepared(_ALL.where(entry.c.id == bindparam("id")))
_OF_KIND: Final = Prepared(
    _ALL.where(entry.c.kind == bindparam("kind"), entry.c.ordinal > bindparam("after"))
    .order_by(entry.c.ordinal)
    .limit(bindparam("limit"))
)
# With all of an index's columns but the last, both databases read in its order and stop; with fewer, PostgreSQL may
# read every entry there is.
_WIDE: Final = _ALL.where(entry.c.kind == bindparam("kind"), entry.c.about == 0)
_TENANT_WIDE: Final = Prepared(
    _WIDE.where(entry.c.ordinal > bindparam("after")).order_by(entry.c.ordinal).limit(bindparam("limit"))
)
_LATEST: Final = Prepared(_WIDE.order_by(entry.c.ordinal.desc()).limit(1))
_COUNTS: Final = OverLists(
    lambda within: (
        select(entry.c.kind, func.count())
        .where(entry.c.tenant == bindparam("tenant"), within(entry.c.kind, "kinds"), entry.c.about == 0)
        .group_by(entry.c.kind)
    )
)
_ANSWERS: Final = OverLists(
    lambda within: _ALL.where(entry.c.re == bindparam("re"), within(entry.c.kind, "kinds")).order_by(
        entry.c.ordinal
    )
)
_IN_LANE: Final = Prepared(
    select(entry.c.hash).where(
        entry.c.tenant == bindparam("tenant"), entry.c.w == bindparam("w"), entry.c.n == bindparam("n")
    )
)


def insert_entry(connection: Connection, row: EntryRow) -> int:
    """Insert an entry.

    Args:
        connection: of `Database.write`.
        row: the entry; its ordinal is not used.

    Returns:
        The ordinal it got.

    Raises:
        Duplicate: key ``uq_entry_id``, ``uq_entry_lane`` or ``uq_entry_outcome`` is taken.
        Unavailable: the database refused.
    """
    values = {
        "id": row.id.bytes,
        "tenant": row.tenant,
        "kind": row.kind,
        "at": to_millis(row.at),
        "about": int(row.about_people),
        "w": row.w,
        "n": row.n,
        "re": row.re.bytes if row.re else b"",
        "end": row.end or "",
        "leaf": row.leaf,
        "hash": row.hash,
        "parts": row.parts,
    }
    return int(_INSERT.rows(connection, values)[0][0])


def by_id(connection: Connection, tenant: str, entry_id: UUID) -> EntryRow | None:
    """Find an entry by its id.

    Args:
        connection: any.
        tenant: whose entry.
        entry_id: its id.

    Returns:
        The entry, or None.
    """
    found = first_of(_BY_ID.rows(connection, {"tenant": tenant, "id": entry_id.bytes}))
    return row_of(found) if found else None


def of_kind(
    connection: Connection, tenant: str, kind: str, *, after: int = 0, limit: int = 1000
) -> tuple[EntryRow, ...]:
    """List entries of a kind.

    Args:
        connection: any.
        tenant: whose entries.
        kind: of which kind.
        after: only entries with a higher ordinal.
        limit: at most so many.

    Returns:
        The entries in ordinal order.
    """
    values = {"tenant": tenant, "kind": kind, "after": after, "limit": limit}
    return tuple(map(row_of, _OF_KIND.rows(connection, values)))


def tenant_wide(
    connection: Connection, tenant: str, kind: str, *, after: int = 0, limit: int = 1000
) -> tuple[EntryRow, ...]:
    """List entries of a kind that are about nobody; what it costs does not grow with the ledger.

    Args:
        connection: any.
        tenant: whose entries.
        kind: of which kind.
        after: only entries with a higher ordinal.
        limit: at most so many.

    Returns:
        The entries in ordinal order.
    """
    values = {"tenant": tenant, "kind": kind, "after": after, "limit": limit}
    return tuple(map(row_of, _TENANT_WIDE.rows(connection, values)))


def latest(connection: Connection, tenant: str, kind: str) -> EntryRow | None:
    """Find the newest entry of a kind that is about nobody.

    Args:
        connection: any.
        tenant: whose entry.
        kind: of which kind.

    Returns:
        The entry with the highest ordinal, or None.
    """
    found = first_of(_LATEST.rows(connection, {"tenant": tenant, "kind": kind}))
    return row_of(found) if found else None


def counts_by_kind(connection: Connection, tenant: str, kinds: Collection[str]) -> dict[str, int]:
    """Count the tenant-wide entries of some kinds: rows are only added, so a count is a version.

    Args:
        connection: any.
        tenant: whose entries.
        kinds: which kinds.

    Returns:
        A count for each of the kinds, 0 included.
    """
    counts = dict.fromkeys(kinds, 0)
    for kind, count in _COUNTS.rows(connection, {"tenant": tenant}, kinds=sorted(kinds)):
        counts[kind] = count
    return counts


def final_outcome(connection: Connection, tenant: str, intent: UUID) -> EntryRow | None:
    """Find the final outcome of an intent.

    Args:
        connection: any.
        tenant: whose entries.
        intent: the intent's id.

    Returns:
        The outcome, or None.
    """
    return next(iter(answers(connection, tenant, intent, kinds=("outcome",))), None)


def stop_orders(connection: Connection, tenant: str, intent: UUID) -> tuple[EntryRow, ...]:
    """List the stop orders that stand against an intent.

    Args:
        connection: any.
        tenant: whose entries.
        intent: the intent's id.

    Returns:
        The ``stop`` entries that name it, in ordinal order.
    """
    return answers(connection, tenant, intent, kinds=("stop",))


def answers(
    connection: Connection, tenant: str, entry_id: UUID, *, kinds: Sequence[str]
) -> tuple[EntryRow, ...]:
    """List the entries that answer an entry.

    Args:
        connection: any.
        tenant: whose entries.
        entry_id: the entry that is answered.
        kinds: only answers of these kinds.

    Returns:
        The entries whose ``re`` names it, in ordinal order.
    """
    values = {"tenant": tenant, "re": entry_id.bytes}
    return tuple(map(row_of, _ANSWERS.rows(connection, values, kinds=kinds)))


def hash_in_lane(connection: Connection, tenant: str, w: bytes, n: int) -> bytes | None:
    """Look up what a lane wrote at a position: how an in-doubt commit is settled.

    Args:
        connection: a new one.
        tenant: whose lane.
        w: the lane's id.
        n: the position in it.

    Returns:
        The leaf hash there, or None.
    """
    values = {"tenant": tenant, "w": w, "n": n}
    found = first_of(_IN_LANE.rows(connection, values))
    return found[0] if found else None


def row_of(row: Sequence[Any]) -> EntryRow:
    """Make the value of a database row.

    Args:
        row: with `COLUMNS` first, in their order.

    Returns:
        The entry.
    """
    ordinal, id_, tenant, kind, at, about, w, n, re, end, leaf, hash_, parts = row[:13]
    return EntryRow(
        ordinal=ordinal,
        id=UUID(bytes=id_),
        tenant=tenant,
        kind=kind,
        at=from_millis(at),
        about_people=bool(about),
        w=w,
        n=n,
        re=UUID(bytes=re) if re else None,
        end=end or None,
        leaf=leaf,
        hash=hash_,
        parts=parts,
    )
