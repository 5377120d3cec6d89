"""The stored full tiles beside those that are recomputed, without all of them at once.

Invariant: each stored tile is compared once; what is missing is found where it should be, what is beyond the tree at
the end.
"""

from collections.abc import Iterable, Iterator

from consentgate.verify.known import altered, extra, missing
from consentgate.verify.result import Finding
from consentgate.verify.rows import TileRow


class StoredTiles:
    """Takes recomputed tiles, each level's in the order of its indexes."""

    def __init__(self, stored: Iterable[TileRow]) -> None:
        """Begin before the first.

        Args:
            stored: the rows, those of higher levels before lower ones, each level's in the order of its indexes.
        """
        self._stored = iter(stored)
        self._others: dict[tuple[int, int], bytes] = {}
        self._found: list[Finding] = []
        self._beyond: list[tuple[int, int]] = []
        self._next = next(self._stored, None)
        while self._next is not None and self._next.level != 0:
            self._others[self._next.level, self._next.index] = self._next.hashes
            self._next = next(self._stored, None)

    def compare(self, level: int, index: int, hashes: bytes) -> None:
        """Compare a tile with the stored one.

        Args:
            level: the tile's level.
            index: its index.
            hashes: as recomputed.
        """
        where = f"tile {level}/{index}"
        stored = self._others.pop((level, index), None) if level else self._of_leaves(index)
        if stored is None:
            self._found.append(missing(where, "a full tile"))
        elif stored != hashes:
            self._found.append(altered(where, "the hashes of its entries", "other hashes"))

    def findings(self) -> Iterator[Finding]:
        """Give what was found, once the tree is whole.

        Yields:
            The findings.
        """
        yield from self._found
        left = [*self._others, *self._beyond]
        while self._next is not None:
            left.append((self._next.level, self._next.index))
            self._next = next(self._stored, None)
        for level, index in sorted(left):
            yield extra(f"tile {level}/{index}", "a tile beyond the tree")

    def _of_leaves(self, index: int) -> bytes | None:
        while self._next is not None and self._next.level == 0 and self._next.index <= index:
            row, self._next = self._next, next(self._stored, None)
            if row.index == index:
                return row.hashes
            self._beyond.append((row.level, row.index))
        return None
