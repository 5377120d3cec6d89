"""The multiproof: the fewest hashes from which, with the exported leaves, the root of a log follows.

Invariants: what is written is that of docs/formats/package.md; the root is computed on the way, from what is written
and from the leaves' own hashes, for the caller to compare with the checkpoint's. A tile is read once: the walk goes
from left to right, and keeps the last ones.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused
from consentgate.storage import sequence
from consentgate.tlog.merkle import Node, node_hash
from consentgate.tlog.tiles import TILE_WIDTH, node_reader

_KEPT: Final = 64


def multiproof(
    size: int,
    positions: Sequence[int],
    leaf: Callable[[int], bytes],
    node: Node,
    write: Callable[[bytes], object],
) -> bytes:
    """Write the hashes that the exported leaves lack, and compute the root.

    Args:
        size: the tree's size.
        positions: of the exported leaves, in order, each below `size`.
        leaf: gives the leaf hash at one of them; asked in order.
        node: gives hashes of complete subtrees by level and index.
        write: takes each hash that the file has.

    Returns:
        The root that follows.
    """

    def walk(low: int, high: int, first: int, last: int) -> bytes:
        if first == last:
            found = _subtree(low, high, node)
            write(found)
            return found
        if high - low == 1:
            return leaf(low)
        middle = low + _split(high - low)
        cut = bisect_left(positions, middle, first, last)
        return node_hash(walk(low, middle, first, cut), walk(middle, high, cut, last))

    return walk(0, size, 0, len(positions))


def tree_reader(connection: Connection, size: int, *, log: int) -> Node:
    """Give the hashes of a stored tree's complete subtrees, for a walk from left to right.

    Args:
        connection: of one read.
        size: the tree's size.
        log: number of the log.

    Returns:
        A function of level and index. It raises `LogRefused` where a row is missing.
    """
    kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()
    edge: dict[int, bytes] = {}

    def tile(level: int, index: int) -> bytes:
        found = kept.get((level, index))
        if found is None:
            read = sequence.tiles(connection, level=level, first=index, end=index + 1, log=log)
            if not read:
                raise LogRefused(f"Tile {index} of level {level} is missing. Run `consentgate verify`.")
            found = kept[level, index] = read[0].hashes
            if len(kept) > _KEPT:
                kept.popitem(last=False)
        return found

    def leaf(position: int) -> bytes:
        if not edge:
            first = size // TILE_WIDTH * TILE_WIDTH
            edge.update(
                (row.position, row.hash)
                for row in sequence.sequenced(connection, first=first, end=size, log=log)
            )
        if position not in edge:
            raise LogRefused(f"Position {position} of the log is missing. Run `consentgate verify`.")
        return edge[position]

    return node_reader(size, tile=tile, leaf=leaf)


def _subtree(low: int, high: int, node: Node) -> bytes:
    width = high - low
    if width & (width - 1) == 0:
        return node(width.bit_length() - 1, low // width)
    middle = low + _split(width)
    return node_hash(_subtree(low, middle, node), _subtree(middle, high, node))


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)
