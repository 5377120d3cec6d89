"""Appending: each entry gets its place in the lane of the connection that writes it.

Invariants:

- A lane is the sequence of leaves that one writing connection made: w is random, n counts from 0, prev is
  the leaf hash of n - 1. It moves only with the database: what was rolled back gives its n back.
- A commit whose fate is unknown is looked up before anything else is written: the lane goes on after it or
  without it.
- When a clone of this process wrote the same n, a new lane begins whose first leaf names the old lane and
  that n. A forked or restarted process begins a lane that names none.
- An entry whose time is more than two seconds off the database's clock is refused: the decision was slow, or
  one of the clocks is wrong.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.entries.kinds import about_people
from consentgate.entries.leaf import Draft, LanePosition, Leaf, encode, leaf_of
from consentgate.entries.parts import join_parts
from consentgate.errors import ClockDisagrees
from consentgate.moment import Random, floor, from_millis, uuid7
from consentgate.storage import deployment, entries, guarded
from consentgate.storage.database import Database
from consentgate.storage.entries import EntryRow
from consentgate.storage.failures import Duplicate
from consentgate.storage.guarded import UNGUARDED, Code, Guard
from consentgate.tlog.merkle import leaf_hash
from consentgate.values import dataclass

_LANE_BYTES: Final = 16
_INFO: Final = "consentgate.lane"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of an entry; durable when the transaction commits.

    Attributes:
        id: the entry's id.
        hash: its leaf hash, 32 bytes.
        code: ``done``; or nothing was inserted, because the version ``changed``, the outcome is too ``late`` since
            there is a final one, or the entry is ``there`` already.
        ordinal: its place in the order of insertion, 0 when it was not inserted.
        stops: ids and leaf hashes of the stop orders that answer what the entry answers, in ordinal order.
    """

    id: UUID
    hash: bytes
    code: Code
    ordinal: int
    stops: tuple[tuple[UUID, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the next entry of a lane goes."""

    w: bytes
    n: int = 0
    prev: bytes | None = None
    after: LanePosition | None = None


class Lanes:
    """Gives entries their places; joins its `Database` and follows that database's commits and rollbacks."""

    def __init__(self, database: Database, random: Random) -> None:
        """Make the lanes of a database's tenant in this process.

        Args:
            database: where they write.
            random: names new lanes.
        """
        self._tenant = database.tenant
        self._random = random
        database.join(self)

    def append(
        self, connection: Connection, draft: Draft, about: Collection[UUID] = (), guard: Guard = UNGUARDED
    ) -> Appended:
        """Append an entry inside the caller's write transaction, if what was read still stands.

        Args:
            connection: of `Database.write`.
            draft: the entry without its place.
            about: subjects that it is linked to.
            guard: what must stand.

        Returns:
            What became of it; durable when the transaction commits.

        Raises:
            ClockDisagrees: the draft's time is more than two seconds off the database's clock.
            InvalidInput: the draft is no entry of its kind.
            Unavailable: the database refused.
        """
        place = self._place(connection)
        try:
            return self._append(connection, draft, place, about, guard)
        except Duplicate as failure:
            if failure.key != "uq_entry_lane":
                raise
        # Somebody has this place in this lane: a copy of this process, made while it ran, writes there too.
        moved = self._new_place(after=LanePosition(w=place.w, n=place.n))
        return self._append(connection, draft, moved, about, guard)

    def mark(self, connection: Connection) -> object:
        """Remember where the lane is.

        Args:
            connection: the one that writes.

        Returns:
            The place of its next entry.
        """
        return self._place(connection)

    def reset(self, connection: Connection, mark: object) -> None:
        """Go back to a place, or carry a lane to a new connection.

        Args:
            connection: the one that writes from now on.
            mark: the place.
        """
        connection.info[_INFO] = mark

    def landed(self, connection: Connection, before: object, after: object) -> bool | None:
        """Look up whether the entries of a commit in doubt are there.

        Args:
            connection: a new one.
            before: the place before the transaction.
            after: the place at its commit.

        Returns:
            Whether the last of them is; None when there were none.
        """
        if before == after or not isinstance(after, _Place):
            return None
        return entries.hash_in_lane(connection, self._tenant, after.w, after.n - 1) == after.prev

    def _place(self, connection: Connection) -> _Place:
        place = connection.info.get(_INFO)
        if not isinstance(place, _Place):
            place = self._new_place()
            connection.info[_INFO] = place
        return place

    def _new_place(self, *, after: LanePosition | None = None) -> _Place:
        return _Place(w=self._random(_LANE_BYTES), after=after)

    def _append(
        self, connection: Connection, draft: Draft, place: _Place, about: Collection[UUID], guard: Guard
    ) -> Appended:
        leaf = leaf_of(draft, w=place.w, n=place.n, prev=place.prev, after=place.after)
        row = entry_row(self._tenant, leaf, encode(leaf), draft)
        # Before the statement: when its answer is lost, the lane shows what the database is to be asked for.
        connection.info[_INFO] = _Place(w=place.w, n=place.n + 1, prev=row.hash)
        written = guarded.append(connection, row, about, guard)
        if written.code != "done":
            connection.info[_INFO] = place
        if written.code == "clock":
            raise ClockDisagrees
        return Appended(
            id=leaf.id, hash=row.hash, code=written.code, ordinal=written.ordinal, stops=written.stops
        )


def entry_row(tenant: str, leaf: Leaf, data: bytes, draft: Draft) -> EntryRow:
    """Make the row that repeats what a leaf says.

    Args:
        tenant: whose entry.
        leaf: the leaf.
        data: the leaf's bytes.
        draft: the entry's sealed parts.

    Returns:
        The row, without an ordinal.
    """
    tokens = {part.name: part.jwe for part in draft.parts}
    return EntryRow(
        id=leaf.id,
        tenant=tenant,
        kind=leaf.kind,
        at=leaf.at,
        about_people=about_people(part.p for part in leaf.parts),
        w=leaf.w,
        n=leaf.n,
        re=leaf.re.id if leaf.re else None,
        end=leaf.end,
        leaf=data,
        hash=leaf_hash(data),
        parts=join_parts(tuple(tokens[part.p] for part in leaf.parts)),
    )


def append_writer_stop(database: Database, lanes: Lanes, random: Random) -> None:
    """Say at the end of a lane that it ended on purpose, if it ever began.

    Args:
        database: the database, before it is closed.
        lanes: its lanes.
        random: gives the entry's id.

    Raises:
        Unavailable: the database is out of reach; the lane then ends as in a crash.
    """

    def stop(connection: Connection) -> None:
        place = lanes.mark(connection)
        if isinstance(place, _Place) and place.n:
            at = floor(from_millis(deployment.now(connection)))
            lanes.append(connection, Draft(id=uuid7(at, random), kind="writer_stop", at=at))

    database.write_each(stop)
