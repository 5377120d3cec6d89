"""The tree as the database stores it: full tiles, and positions right of them.

Invariant: what is missing in the database is refused, never filled in: a hole means that rows were removed.
"""

from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused
from consentgate.storage import sequence
from consentgate.tlog.merkle import EMPTY_ROOT, Node, fold
from consentgate.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, ReadTile, node_reader, subtree_of_tile

_REMEMBERED: Final = 10_000


class Roots:
    """Hashes over complete subtrees that many proofs need, and that never change.

    A proof needs those above its own tile, and at the right edge; computing one reads a tile, 8 kB, or up to 255
    positions, and hashes as often. Those inside the full tiles of leaves are too many, and are not remembered.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[tuple[int, int, int], bytes] = {}

    def node(self, log: int, level: int, index: int, node: Node) -> bytes:
        """Give a complete subtree's hash.

        Args:
            log: number of the log.
            level: the subtree's level.
            index: its index there.
            node: computes it, where nothing is remembered.

        Returns:
            32 bytes.
        """
        found = self._known.get((log, level, index))
        if found is None:
            found = node(level, index)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[log, level, index] = found
        return found

    def of(self, log: int, level: int, index: int, tile: ReadTile) -> bytes:
        """Give a full tile's hash.

        Args:
            log: number of the log.
            level: the tile's level.
            index: its index there.
            tile: reads it, where nothing is remembered.

        Returns:
            32 bytes.
        """
        above = TILE_HEIGHT * (level + 1)
        return self.node(log, above, index, lambda *_: subtree_of_tile(tile(level, index)))


def stored_nodes(
    connection: Connection, size: int, *, log: int = sequence.FIRST_LOG, roots: Roots | None = None
) -> Node:
    """Give the hashes of a tree's complete subtrees out of the database.

    Args:
        connection: of one read; the function is used while it is open.
        size: the tree's size.
        log: number of the log.
        roots: what is remembered of this database's full tiles; None for nothing.

    Returns:
        A function of level and index. It raises `LogRefused` where a row is missing.
    """
    tiles: dict[tuple[int, int], bytes] = {}
    leaves: dict[int, bytes] = {}

    def tile(level: int, index: int) -> bytes:
        if (level, index) not in tiles:
            found = sequence.tiles(connection, level=level, first=index, end=index + 1, log=log)
            if not found:
                raise LogRefused(f"Tile {index} of level {level} is missing. Run `consentgate verify`.")
            tiles[level, index] = found[0].hashes
        return tiles[level, index]

    def leaf(position: int) -> bytes:
        if not leaves:
            edge = size // TILE_WIDTH * TILE_WIDTH
            rows = sequence.sequenced(connection, first=edge, end=size, log=log)
            leaves.update((row.position, row.hash) for row in rows)
        if position not in leaves:
            raise LogRefused(f"Position {position} of the log is missing. Run `consentgate verify`.")
        return leaves[position]

    remembered = roots or Roots()
    computed = node_reader(
        size, tile=tile, leaf=leaf, root=lambda level, index: remembered.of(log, level, index, tile)
    )

    return _remembering(computed, remembered, size, log)


def _remembering(computed: Node, roots: Roots, size: int, log: int) -> Node:
    """Remember what is above the full tiles of leaves, or right of them; what is not complete is never asked for."""
    edge = size // TILE_WIDTH * TILE_WIDTH

    def node(level: int, index: int) -> bytes:
        end = (index + 1) << level
        if end > size or (level < TILE_HEIGHT and end <= edge):
            return computed(level, index)
        return roots.node(log, level, index, computed)

    return node


def root_at(size: int, node: Node) -> bytes:
    """Compute a tree's root out of its complete subtrees.

    Args:
        size: the tree's size.
        node: gives their hashes.

    Returns:
        32 bytes.
    """
    peaks, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            peaks.append(node(level, start >> level))
            start += 1 << level
    return fold(peaks) if peaks else EMPTY_ROOT
