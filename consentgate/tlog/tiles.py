"""C2SP tlog-tiles coordinates: where the hashes of a tree lie, 256 to a tile.

Invariants: the tile (level L, index N) holds the hashes of the complete subtrees of height 8L numbered 256N
to 256N + 255; only a full tile is stored and only a full tile is hashed upwards; what lies right of the full
tiles is computed from the leaf hashes. Everything here is arithmetic on coordinates and bytes.

    >>> tile_path(0, 1234067)
    'tile/0/x001/x234/067'
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Final, TypeAlias

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.merkle import HASH_BYTES, MAX_SIZE, Node

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_LEVEL: Final = 63 // TILE_HEIGHT

ReadTile: TypeAlias = Callable[[int, int], bytes]
"""``tile(level, index)``: the 8192 bytes of a full tile."""

ReadLeaf: TypeAlias = Callable[[int], bytes]
"""``leaf(position)``: the leaf hash at a position right of the full tiles of level 0."""


def is_full(level: int, index: int, size: int) -> bool:
    """Tell whether a tile is full in a tree.

    Args:
        level: the tile's level.
        index: the tile's index.
        size: the tree's size.

    Returns:
        Whether all of its 256 subtrees are complete.
    """
    return (index + 1) << (TILE_HEIGHT * (level + 1)) <= size


def full_tiles(size: int, *, since: int = 0) -> Iterator[tuple[int, int]]:
    """List the tiles that became full while a tree grew.

    Args:
        size: the tree's size.
        since: its earlier size.

    Yields:
        Level and index of each; a level's tiles before those of the level above.

    Raises:
        InvalidInput: the sizes are not in order.
    """
    if not 0 <= since <= size <= MAX_SIZE:
        raise InvalidInput(f"A tree does not grow from {since} to {size}.")
    for level in range(MAX_LEVEL):
        span = TILE_HEIGHT * (level + 1)
        for index in range(since >> span, size >> span):
            yield level, index


def partial_tiles(size: int) -> Iterator[tuple[int, int, int]]:
    """List the tiles at the right edge of a tree that are not full.

    Args:
        size: the tree's size.

    Yields:
        Level, index and width (1 to 255) of each.

    Raises:
        InvalidInput: the size is not one of a tree.
    """
    if not 0 <= size <= MAX_SIZE:
        raise InvalidInput(f"There is no tree of size {size}.")
    for level in range(MAX_LEVEL + 1):
        nodes = size >> (TILE_HEIGHT * level)
        if nodes % TILE_WIDTH:
            yield level, nodes // TILE_WIDTH, nodes % TILE_WIDTH


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Name a tile as tlog-tiles does.

    Args:
        level: the tile's level, 0 to 63.
        index: the tile's index.
        width: how many hashes it holds; below 256 it is a partial tile.

    Returns:
        The relative path.

    Raises:
        InvalidInput: a number is out of range.
    """
    if not (0 <= level <= 63 and 0 <= index <= MAX_SIZE and 1 <= width <= TILE_WIDTH):
        raise InvalidInput("No tile has this level, index and width.")
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def tile_bytes(level: int, index: int, node: Node) -> bytes:
    """Make a full tile.

    Args:
        level: the tile's level.
        index: the tile's index.
        node: gives the hashes of complete subtrees.

    Returns:
        8192 bytes.
    """
    first = index * TILE_WIDTH
    return b"".join(node(TILE_HEIGHT * level, at) for at in range(first, first + TILE_WIDTH))


def subtree_of_tile(tile: bytes, height: int = TILE_HEIGHT, offset: int = 0) -> bytes:
    """Hash a subtree that lies inside a full tile.

    Args:
        tile: the 8192 bytes.
        height: the subtree's height above the tile's hashes, 0 to 8.
        offset: which of the subtrees of this height, from 0.

    Returns:
        Its hash; by default that of the whole tile.

    Raises:
        Malformed: the tile is not 8192 bytes.
        InvalidInput: there is no such subtree.
    """
    if len(tile) != TILE_BYTES:
        raise Malformed("A full tile is 8192 bytes.")
    if not (0 <= height <= TILE_HEIGHT and 0 <= offset < TILE_WIDTH >> height):
        raise InvalidInput("The subtree does not lie inside the tile.")
    start = (offset << height) * HASH_BYTES
    span = HASH_BYTES << height
    return _halved(tile[start : start + span])


def peaks_of_row(row: bytes) -> list[bytes]:
    """Hash a row of neighbouring subtrees into the fewest complete ones.

    Args:
        row: their hashes; what is left of them makes the first a multiple of any power of two that matters.

    Returns:
        The hashes of the complete subtrees, largest first.
    """
    peaks: list[bytes] = []
    start, left = 0, len(row) // HASH_BYTES
    while left:
        span = HASH_BYTES << (left.bit_length() - 1)
        peaks.append(_halved(row[start : start + span]))
        start += span
        left -= span // HASH_BYTES
    return peaks


def node_reader(size: int, *, tile: ReadTile, leaf: ReadLeaf, root: ReadTile | None = None) -> Node:
    """Give the hashes of a tree's complete subtrees out of its full tiles and its last leaf hashes.

    Args:
        size: the tree's size.
        tile: reads a full tile; called for tiles that `full_tiles` lists only.
        leaf: reads a leaf hash; called for positions right of the full tiles only.
        root: gives the hash over a whole full tile, where somebody remembers it; None computes it.

    Returns:
        A function of level and index, as the proofs of `merkle` want it. It raises `InvalidInput` for a
        subtree that is not complete in the tree.
    """

    def node(level: int, index: int) -> bytes:
        if not (0 <= level <= 63 and index >= 0 and (index + 1) << level <= size):
            raise InvalidInput(f"The subtree ({level}, {index}) is not complete in a tree of size {size}.")
        return read(level, index)

    def whole(level: int, index: int) -> bytes:
        return root(level, index) if root else subtree_of_tile(tile(level, index))

    def read(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index, TILE_WIDTH >> height)
        if is_full(tile_level, tile_index, size):
            return subtree_of_tile(tile(tile_level, tile_index), height, offset)
        # The tile is not full, but the subtree is complete: under it are leaves, or full tiles of the level below.
        under = range(index << height, (index + 1) << height)
        return _halved(b"".join([whole(tile_level - 1, at) if tile_level else leaf(at) for at in under]))

    return node


def _halved(row: bytes) -> bytes:
    """Hash 2^n hashes up to one; written out, since verification does nothing more often."""
    while len(row) > HASH_BYTES:
        row = b"".join(
            [
                sha256(b"\x01" + row[at : at + 2 * HASH_BYTES]).digest()
                for at in range(0, len(row), 2 * HASH_BYTES)
            ]
        )
    return row
