"""The tree as the database stores it: full tiles, and positions right of them.

Invariant: what is missing in the database is refused, never filled in: a hole means that rows were removed.
"""

from sqlalchemy import Connection

from consentgate.errors import LogRefused
from consentgate.storage import sequence
from consentgate.tlog.merkle import EMPTY_ROOT, Node, fold
from consentgate.tlog.tiles import TILE_WIDTH, node_reader


def stored_nodes(connection: Connection, size: int, *, log: int = sequence.FIRST_LOG) -> Node:
    """Give the hashes of a tree's complete subtrees out of the database.

    Args:
        connection: of one read; the function is used while it is open.
        size: the tree's size.
        log: number of the log.

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

    return node_reader(size, tile=tile, leaf=leaf)


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
