"""Appending an entry under guard: nothing is inserted unless what was read still stands.

::

    a  locks, in ascending order
    b  in a later statement the version, and whether the entry or a final outcome is there already
    c  the clock
    d  the entry and its links
    e  the stop orders that stand against the entry that this one answers

What is there already, or comes late, is told before anything else that stands in the way. PostgreSQL looks for it
last, and only where nothing was written: the keys of the tables see to it that nothing is written twice.

Invariant: the same on both databases. SQLite does it inside the caller's write transaction, whose lock is all of the
locks; PostgreSQL in one call of `consentgate_append`, which may be a transaction of its own.
"""

from collections.abc import Collection
from dataclasses import field
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.moment import to_millis
from consentgate.storage import entries, locks, subjects, versions
from consentgate.storage.arrays import numbers, octets, words
from consentgate.storage.entries import EntryRow
from consentgate.storage.failures import Duplicate
from consentgate.storage.functions import APPEND_FUNCTION
from consentgate.storage.prepared import call
from consentgate.storage.standing import standing, stop_hashes
from consentgate.values import dataclass

CLOCK_TOLERANCE_MILLIS: Final = 2000
"""How far an entry's time may be from the database's clock."""

Code: TypeAlias = Literal["done", "changed", "clock", "late", "there"]

_APPEND: Final = (
    f"SELECT code, number, stop_ids, stop_hashes FROM {APPEND_FUNCTION}("  # noqa: S608  # our own name
    "%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::text[], %s::bytea[], %s::text, %s::text, %s::bytea,"
    " %s::text, %s::bigint, %s::smallint, %s::bytea, %s::bigint, %s::bytea, %s::text, %s::bytea, %s::bytea, %s::text,"
    " %s::bytea[])"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What must stand while an entry is appended.

    Attributes:
        shared: numbers to lock that others may share.
        alone: numbers to lock that nobody else may hold.
        epochs: live key epochs.
        hmacs: keyed hashes of the references that were looked up.
        kinds: kinds of entries whose links were counted.
        calls: keyed hashes of the call's name, whose own events were counted.
        version: what `versions` gave; "" compares nothing.
    """

    shared: frozenset[int] = frozenset()
    alone: frozenset[int] = frozenset()
    epochs: tuple[int, ...] = ()
    hmacs: tuple[bytes, ...] = field(default=(), repr=False)
    kinds: tuple[str, ...] = ()
    calls: tuple[bytes, ...] = field(default=(), repr=False)
    version: str = ""


UNGUARDED: Final = Guard()
"""Compares nothing and takes no lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of an entry.

    Attributes:
        code: ``done``; or nothing was inserted, because the version ``changed``, the ``clock`` disagrees, the
            outcome is too ``late`` since there is a final one, or the entry is ``there`` already.
        ordinal: the entry's ordinal when it was inserted, else 0.
        stops: ids and leaf hashes of the stop orders that answer what the entry answers, in ordinal order; none
            when the version changed or the clock disagrees.
    """

    code: Code
    ordinal: int = 0
    stops: tuple[tuple[UUID, bytes], ...] = ()


def append(connection: Connection, row: EntryRow, about: Collection[UUID], guard: Guard) -> Written:
    """Append an entry if what was read still stands.

    Args:
        connection: of `Database.write`.
        row: the entry; its ordinal is not used.
        about: subjects that it is linked to.
        guard: what must stand.

    Returns:
        What became of it.

    Raises:
        Duplicate: its place in the lane is taken (key ``uq_entry_lane``).
        Unavailable: a lock was held for too long, or the database refused.
    """
    if connection.dialect.name != "sqlite":
        return _called(connection, row, about, guard)
    # a
    locks.hold(connection, shared=guard.shared, alone=guard.alone)
    # b
    re = row.re.bytes if row.re else b""
    stands = standing(connection, row.tenant, entry_id=row.id.bytes, re=re)
    code: Code = "done"
    if stands.there:
        code = "there"
    elif row.kind == "outcome" and stands.late:
        code = "late"
    elif guard.version and _version(connection, row.tenant, guard) != guard.version:
        return Written(code="changed")
    # c
    elif abs(stands.now - to_millis(row.at)) > CLOCK_TOLERANCE_MILLIS:
        return Written(code="clock")
    # d
    ordinal = _insert(connection, row, about) if code == "done" else 0
    # e
    found = stop_hashes(connection, row.tenant, row.re) if row.re else ()
    return Written(code=code, ordinal=ordinal, stops=found)


def _version(connection: Connection, tenant: str, guard: Guard) -> str:
    return versions.read(
        connection,
        tenant,
        epochs=guard.epochs,
        hmacs=guard.hmacs,
        kinds=guard.kinds,
        calls=guard.calls,
    )


def _insert(connection: Connection, row: EntryRow, about: Collection[UUID]) -> int:
    ordinal = entries.insert_entry(connection, row)
    subjects.link(connection, row.tenant, row.id, row.kind, about)
    return ordinal


def _called(connection: Connection, row: EntryRow, about: Collection[UUID], guard: Guard) -> Written:
    values = (
        numbers(sorted(guard.shared - guard.alone)),
        numbers(sorted(guard.alone)),
        numbers(guard.epochs),
        octets(guard.hmacs),
        words(guard.kinds),
        octets(guard.calls),
        guard.version,
        row.tenant,
        row.id.bytes,
        row.kind,
        to_millis(row.at),
        int(row.about_people),
        row.w,
        row.n,
        row.re.bytes if row.re else b"",
        row.end or "",
        row.leaf,
        row.hash,
        row.parts,
        octets(sorted({subject.bytes for subject in about})),
    )
    code, ordinal, ids, hashes = call(connection, _APPEND, values)[0]
    if code == "lane":
        # Not an error of the database's: that would have ended the caller's transaction.
        raise Duplicate("uq_entry_lane")
    stops = zip(ids or (), hashes or (), strict=True)
    return Written(
        code=code, ordinal=ordinal or 0, stops=tuple((UUID(bytes=id_), bytes(hash_)) for id_, hash_ in stops)
    )
