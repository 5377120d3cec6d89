"""The sequencer: gives committed entries their positions in the log, and nothing else.

Invariants:

- Insert-only. A batch (positions, the tiles that it completes, the tree afterwards) is one transaction; of
  two sequencers that compete, one inserts and the other finds that the tree has grown.
- Positions are dense from 0 and follow no number of the database's making: an entry that commits late gets a
  later position. Ordinals are drawn before commits, so one that is passed over may still come: it is looked for
  again for over a minute, since no append lives longer than a few seconds. The first pass, and one each hour,
  sweeps over everything. So a pass costs what is new, however long the log is.
- What one lane wrote, and what was said about one person, gets its positions in the order in which it was written.
- One log grows: the last epoch's. It begins with the entry that opens it, then takes every entry of the database.
- The hash at a position is computed from the leaf's bytes, not read from the entry's row.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed
from consentgate.moment import floor
from consentgate.storage import deployment, looking, sequence
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.looking import LookedAt
from consentgate.storage.sequence import Sequenced, TileRow, TreeRow
from consentgate.tlog.merkle import Frontier, leaf_hash
from consentgate.tlog.tiles import TILE_WIDTH, full_tiles, subtree_of_tile

_SETTLED_SECONDS: Final = 60.0
_SWEEP_SECONDS: Final = 3600.0
_BATCH: Final = 1000
# So many rows do not commit while one append lives: what was passed over before them never comes.
_SPAN: Final = 200_000


class Sequencer:
    """Sequences one log of a database; used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        *,
        log: int | None = None,
        batch: int = _BATCH,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            database: where the entries are.
            log: number of the log; None follows the one that grows, from epoch to epoch.
            batch: how many entries a transaction sequences at most.
            monotonic: seconds that never jump.
        """
        self._database = database
        self._fixed = log
        self._log = sequence.FIRST_LOG
        self._batch = batch
        self._monotonic = monotonic
        self._last = 0
        self._swept: float | None = None
        self._missing: dict[int, float] = {}

    def once(self) -> int:
        """Sequence what is committed now.

        Returns:
            How many entries got a position.

        Raises:
            LogRefused: the stored tree is damaged.
            Unavailable: the database is out of reach.
        """
        now = self._monotonic()
        begun = self._follow()
        if begun is None:
            return 0
        self._missing = {each: seen for each, seen in self._missing.items() if now - seen <= _SETTLED_SECONDS}
        sweep = self._swept is None or now - self._swept >= _SWEEP_SECONDS
        total = begun
        after, more = 0 if sweep else self._last, True
        while more:
            count, after, more = self._one_batch(after, now)
            total += count
        if sweep:
            self._swept = now
        return total

    def _follow(self) -> int | None:
        """Turn to the log that grows; gives 1 if its first entry got its position now, None if it has none yet."""
        with self._database.read() as connection:
            log = deployment.current_log(connection) if self._fixed is None else self._fixed
            fresh = log > sequence.FIRST_LOG and sequence.latest_tree(connection, log=log) is None
            first = looking.opening(connection) if fresh else None
        if log != self._log:
            self._log, self._last, self._swept, self._missing = log, 0, None, {}
        if not fresh:
            return 0
        if first is None:
            raise LogRefused("The entry that opens this log is missing. Run `consentgate verify`.")
        return 1 if self._insert([first]) else None

    def _one_batch(self, after: int, now: float) -> tuple[int, int, bool]:
        """Sequence one batch; gives its size, how far it looked, and whether there may be more."""
        passed = [each for each in self._missing if each <= after]
        with self._database.read() as connection:
            # What was passed over and what is new in one state, the older first: a lane writes only after its last
            # commit, so that of its entries none is seen without the one that it follows.
            late = looking.looked_among(connection, passed, log=self._log) if passed else ()
            found = looking.looked_at(connection, after=after, limit=self._batch, log=self._log)
        looked = (*late, *found)
        if not looked or not self._insert(looked):
            # Another sequencer is at work: it, or the next pass, takes what is left.
            return 0, after, False
        for each in late:
            del self._missing[each.ordinal]
        if found:
            last = found[-1].ordinal
            there = {each.ordinal for each in found}
            young = range(max(after + 1, last - _SPAN), last)
            if len(young) >= len(there):
                self._missing.update(dict.fromkeys((each for each in young if each not in there), now))
            self._last = max(self._last, last)
            after = last
        return sum(bool(each.leaf) for each in looked), after, len(found) == self._batch

    def _insert(self, looked: Sequence[LookedAt]) -> bool:
        """Give positions to those that have none; false where another sequencer was at work."""
        found = [each for each in looked if each.leaf]
        if not found:
            return True
        with self._database.read() as connection:
            tree = sequence.latest_tree(connection, log=self._log)
            rows, tiles, grown = self._plan(connection, tree, found)
        before = tree.size if tree else 0

        def insert(connection: Connection) -> bool:
            if not sequence.has_turn(connection, log=self._log):
                return False
            if self._fixed is None and deployment.current_log(connection) != self._log:
                # A log that an epoch ended does not grow any more: its successor says how far it went.
                return False
            now = sequence.latest_tree(connection, log=self._log)
            if (now.size if now else 0) != before:
                return False
            sequence.insert_batch(connection, rows=rows, full_tiles=tiles, tree=grown, log=self._log)
            return True

        try:
            return self._database.write(insert)
        except Duplicate:
            return False

    def _plan(
        self, connection: Connection, tree: TreeRow | None, found: Sequence[LookedAt]
    ) -> tuple[list[Sequenced], list[TileRow], TreeRow]:
        frontier = _frontier(tree)
        first = frontier.size
        rows: list[Sequenced] = []
        for position, each in enumerate(found, start=first):
            hash_ = leaf_hash(each.leaf)
            frontier.push(hash_)
            rows.append(Sequenced(position=position, tenant=each.tenant, entry=each.entry, hash=hash_))
        tiles = self._new_tiles(connection, first, rows)
        after = TreeRow(
            size=frontier.size,
            frontier=frontier.to_bytes(),
            root=frontier.root(),
            at=floor(self._database.clock()),
        )
        return rows, tiles, after

    def _new_tiles(self, connection: Connection, size: int, rows: Sequence[Sequenced]) -> list[TileRow]:
        """Make the tiles that become full; a level's before those of the level above."""
        edge = size // TILE_WIDTH * TILE_WIDTH
        made: dict[tuple[int, int], bytes] = {}
        hashes: list[bytes] | None = None
        for level, index in full_tiles(size + len(rows), since=size):
            if level == 0:
                if hashes is None:
                    old = sequence.sequenced(connection, first=edge, end=size, log=self._log)
                    if len(old) != size - edge:
                        raise LogRefused("Positions of the log are missing. Run `consentgate verify`.")
                    hashes = [row.hash for row in (*old, *rows)]
                start = index * TILE_WIDTH - edge
                made[level, index] = b"".join(hashes[start : start + TILE_WIDTH])
            else:
                made[level, index] = self._upper_tile(connection, level, index, made)
        return [TileRow(level=level, idx=idx, hashes=data) for (level, idx), data in made.items()]

    def _upper_tile(
        self, connection: Connection, level: int, index: int, made: dict[tuple[int, int], bytes]
    ) -> bytes:
        first, end = index * TILE_WIDTH, (index + 1) * TILE_WIDTH
        below = sequence.tiles(connection, level=level - 1, first=first, end=end, log=self._log)
        tiles = {row.idx: row.hashes for row in below}
        tiles |= {idx: data for (at, idx), data in made.items() if at == level - 1 and first <= idx < end}
        if len(tiles) != TILE_WIDTH:
            raise LogRefused(f"Tiles of level {level - 1} are missing. Run `consentgate verify`.")
        return b"".join(subtree_of_tile(tiles[idx]) for idx in range(first, end))


def _frontier(tree: TreeRow | None) -> Frontier:
    if tree is None:
        return Frontier()
    try:
        frontier = Frontier.from_bytes(tree.frontier)
    except Malformed as error:
        raise LogRefused("The stored tree is damaged. Run `consentgate verify`.") from error
    if frontier.size != tree.size or frontier.root() != tree.root:
        raise LogRefused("The stored tree is damaged. Run `consentgate verify`.")
    return frontier
