"""A tree as its leaf hashes come in: its full tiles, and its frontier wherever somebody asks for it.

Invariants: each inner node is hashed once, and a node of a tile in which somebody asked twice; no more is kept than
the tiles that are not full.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from consentgate.tlog.merkle import Frontier
from consentgate.tlog.tiles import TILE_WIDTH, peaks_of_row, subtree_of_tile

OnTile: TypeAlias = Callable[[int, int, bytes], None]
"""``tile(level, index, hashes)``: told of each tile as it becomes full."""


class Growth:
    """A tree that grows."""

    def __init__(self, on_tile: OnTile, *, size: int = 0, rows: Sequence[Sequence[bytes]] = ()) -> None:
        """Begin.

        Args:
            on_tile: told of each tile as it becomes full.
            size: of the tree so far.
            rows: of each level the hashes that its last tile has so far, where that is not full.
        """
        self._on_tile = on_tile
        self.size = size
        self._rows = [list(row) for row in rows]
        peaks = [peak for row in reversed(self._rows) for peak in peaks_of_row(b"".join(row))]
        self._edge = Frontier(size, peaks)
        self._fresh: list[bytes] = []

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append leaf hashes.

        Args:
            hashes: 32 bytes each.
        """
        at = 0
        while at < len(hashes):
            some = hashes[at : at + TILE_WIDTH - self.size % TILE_WIDTH]
            at += len(some)
            self.size += len(some)
            self._fresh += some
            self._push(0, some)

    def frontier(self) -> Frontier:
        """Give the tree's right edge.

        Returns:
            The frontier, which changes as the tree grows.
        """
        for each in self._fresh:
            self._edge.push(each)
        self._fresh.clear()
        return self._edge

    def _push(self, level: int, hashes: Sequence[bytes]) -> None:
        while level >= len(self._rows):
            self._rows.append([])
        row = self._rows[level]
        row += hashes
        if len(row) < TILE_WIDTH:
            return
        whole = b"".join(row)
        row.clear()
        self._on_tile(level, (self.size >> 8 * (level + 1)) - 1, whole)
        subtree = subtree_of_tile(whole)
        if len(self._fresh) == TILE_WIDTH:
            # Nobody asked inside this tile: its nodes need not be hashed once more.
            self._settle(subtree)
        elif level == 0:
            self.frontier()
        self._push(level + 1, [subtree])

    def _settle(self, subtree: bytes) -> None:
        """Take a whole tile of leaf hashes into the frontier."""
        tiles = self._edge.size // TILE_WIDTH
        edge = Frontier.from_bytes(tiles.to_bytes(8, "big") + self._edge.to_bytes()[8:])
        edge.push(subtree)
        self._edge = Frontier.from_bytes(self.size.to_bytes(8, "big") + edge.to_bytes()[8:])
        self._fresh.clear()
