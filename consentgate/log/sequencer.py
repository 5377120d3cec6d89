"""The sequencer: gives committed entries their positions in the log, and nothing else.

Invariants:

- Insert-only. A batch (positions, the tiles that it completes, the tree afterwards) is one transaction; of
  two sequencers that compete, one inserts and the other finds that the tree has grown.
- Positions are dense from 0 and follow no number of the database's making: an entry that commits late gets a
  later position. So a pass looks again at everything above a watermark, which moves only past rows seen for
  over a minute, since no append lives longer than a few seconds; the first pass, and one each hour, sweeps
  over everything.
- The hash at a position is computed from the leaf's bytes, not read from the entry's row.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed
from consentgate.moment import floor
from consentgate.storage import sequence
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.sequence import Sequenced, TileRow, TreeRow, Unsequenced
from consentgate.tlog.merkle import Frontier, leaf_hash
from consentgate.tlog.tiles import TILE_WIDTH, full_tiles, subtree_of_tile

_SETTLED_SECONDS: Final = 60.0
_SWEEP_SECONDS: Final = 3600.0
_BATCH: Final = 1000


class Sequencer:
    """Sequences one log of a database; used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        *,
        log: int = sequence.FIRST_LOG,
        batch: int = _BATCH,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            database: where the entries are.
            log: number of the log.
            batch: how many entries a transaction sequences at most.
            monotonic: seconds that never jump.
        """
        self._database = database
        self._log = log
        self._batch = batch
        self._monotonic = monotonic
        self._watermark = 0
        self._swept: float | None = None
        self._seen: deque[tuple[float, int]] = deque()

    def once(self) -> int:
        """Sequence what is committed now.

        Returns:
            How many entries got a position.

        Raises:
            LogRefused: the stored tree is damaged.
            Unavailable: the database is out of reach.
        """
        now = self._monotonic()
        while self._seen and now - self._seen[0][0] > _SETTLED_SECONDS:
            self._watermark = max(self._watermark, self._seen.popleft()[1])
        sweep = self._swept is None or now - self._swept >= _SWEEP_SECONDS
        after = 0 if sweep else self._watermark
        with self._database.read() as connection:
            last = sequence.last_ordinal(connection)
        total, more = 0, True
        while more:
            count, after, more = self._one_batch(after)
            total += count
        self._seen.append((now, last))
        if sweep:
            self._swept = now
        return total

    def _one_batch(self, after: int) -> tuple[int, int, bool]:
        """Sequence one batch; gives its size, how far it looked, and whether there may be more."""
        with self._database.read() as connection:
            tree = sequence.latest_tree(connection, log=self._log)
            found = sequence.unsequenced(connection, after=after, limit=self._batch, log=self._log)
            if not found:
                return 0, after, False
            rows, tiles, grown = self._plan(connection, tree, found)
        before = tree.size if tree else 0

        def insert(connection: Connection) -> bool:
            if not sequence.has_turn(connection, log=self._log):
                return False
            now = sequence.latest_tree(connection, log=self._log)
            if (now.size if now else 0) != before:
                return False
            sequence.insert_batch(connection, rows=rows, full_tiles=tiles, tree=grown, log=self._log)
            return True

        try:
            inserted = self._database.write(insert)
        except Duplicate:
            inserted = False
        if not inserted:
            # Another sequencer is at work: it, or the next pass, takes what is left.
            return 0, after, False
        return len(rows), found[-1].ordinal, len(rows) == self._batch

    def _plan(
        self, connection: Connection, tree: TreeRow | None, found: Sequence[Unsequenced]
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
