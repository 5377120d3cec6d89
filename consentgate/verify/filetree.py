"""The tree of a published log, recomputed from its files, from the first position or from a checkpoint on.

Invariants: every hash is recomputed from the level below it, down to the entries where those are published; memory
does not grow with the log. From a checkpoint on, no more is read of what it covers than the tiles at its right edge;
these lead to its root, and with what follows to the root of the log, so that the one tree continues the other.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from consentgate.errors import Malformed
from consentgate.tlog import bundle
from consentgate.tlog.checkpoint import AnyCheckpoint
from consentgate.tlog.merkle import EMPTY_ROOT, HASH_BYTES, fold, leaf_hash
from consentgate.tlog.tiles import (
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    peaks_of_row,
    subtree_of_tile,
    tile_path,
)
from consentgate.verify.known import altered, missing
from consentgate.verify.result import Finding

Read: TypeAlias = Callable[[str], bytes | None]
"""``read(path)``: a file's bytes by its relative path; None where there is no such file."""

CURE: Final = "Fetch the file again; if it stays so, ask whoever publishes the log, and keep what you have."
_FORKED: Final = (
    "Keep both checkpoints and all files: whoever signed the two told two stories. Ask them, and tell others."
)


class FileTree:
    """One pass over the files, to the last position.

    Attributes:
        bytes: what is wrong with the entries.
        tree: what is wrong with the tiles, and with the root.
        has_entries: whether any of the entries that were to be read is published.
    """

    def __init__(self, read: Read, head: AnyCheckpoint, step: Callable[[int], None]) -> None:
        """Begin before the first position.

        Args:
            read: gives the files.
            head: what the log's checkpoint says.
            step: told the number of entries that were covered, again and again.
        """
        self._read = read
        self._head = head
        self._step = step
        # Of each level, the hashes of the tile that is being filled, and how many tiles are full.
        self._rows: list[bytearray] = []
        self._done: list[int] = []
        # First and last of the bundles in a row that are not there.
        self._absent: list[list[int]] = []
        self.bytes: list[Finding] = []
        self.tree: list[Finding] = []
        self.has_entries = False

    def run(self, since: AnyCheckpoint | None) -> None:
        """Recompute the tree.

        Args:
            since: the checkpoint that the log has to continue; None for everything.
        """
        size, covered = self._head.size, since.size if since is not None else 0
        if since is not None and not self._continues(since):
            return
        for index in range(covered // TILE_WIDTH, (size + TILE_WIDTH - 1) // TILE_WIDTH):
            width = min(size - index * TILE_WIDTH, TILE_WIDTH)
            first = max(covered - index * TILE_WIDTH, 0)
            if first == width:
                # Nothing came after what the checkpoint covers.
                continue
            hashes = self._tile(0, index, width)
            if hashes is None:
                # Without these hashes nothing above them can be recomputed.
                break
            self.bytes += self._bundle(index, first, width, hashes)
            self._push(hashes[first * HASH_BYTES :], 0)
            self._step(width - first)
        else:
            self._edge()
            self._reach()
        if self.has_entries:
            self.bytes += self._lacking()

    def _continues(self, since: AnyCheckpoint) -> bool:
        """Take the right edge of what a checkpoint covers, and hold it against its root."""
        where = f"tree of the first {since.size} entries"
        if since.size > self._head.size:
            found = f"a checkpoint of {self._head.size}"
            self.tree.append(
                wrong_file("truncated", "tree", f"at least {since.size} entries", found, _FORKED)
            )
            return False
        level = 0
        while nodes := since.size >> TILE_HEIGHT * level:
            index, width = divmod(nodes, TILE_WIDTH)
            there = min((self._head.size >> TILE_HEIGHT * level) - index * TILE_WIDTH, TILE_WIDTH)
            hashes = self._tile(level, index, there) if width else b""
            if hashes is None:
                return False
            self._rows.append(bytearray(hashes[: width * HASH_BYTES]))
            self._done.append(index)
            level += 1
        if self._root() != since.root:
            self.tree.append(altered(where, "the root that is pinned", "another root", _FORKED))
            return False
        return True

    def _reach(self) -> None:
        if self._root() != self._head.root:
            where = f"tree under the checkpoint of size {self._head.size}"
            self.tree.append(altered(where, "the root that was signed", "another root", CURE))

    def _push(self, hashes: bytes, level: int) -> None:
        while level >= len(self._rows):
            self._rows.append(bytearray())
            self._done.append(0)
        row = self._rows[level]
        row += hashes
        if len(row) < TILE_BYTES:
            return
        tile = bytes(row)
        row.clear()
        if level:
            self._compare(level, self._done[level], tile)
        self._done[level] += 1
        self._push(subtree_of_tile(tile), level + 1)

    def _edge(self) -> None:
        """Compare the tiles above the first level that are not full."""
        for level, row in enumerate(self._rows):
            if level and row:
                self._compare(level, self._done[level], bytes(row))

    def _compare(self, level: int, index: int, computed: bytes) -> None:
        stored = self._tile(level, index, len(computed) // HASH_BYTES)
        if stored is not None and stored != computed:
            where = tile_path(level, index, len(computed) // HASH_BYTES)
            self.tree.append(altered(where, "the hashes of the tiles below", "other hashes", CURE))

    def _root(self) -> bytes:
        peaks = [peak for row in reversed(self._rows) for peak in peaks_of_row(bytes(row))]
        return fold(peaks) if peaks else EMPTY_ROOT

    def _tile(self, level: int, index: int, width: int) -> bytes | None:
        where = tile_path(level, index, width)
        found = self._find(lambda i, w: tile_path(level, i, w), index, width)
        if found is None:
            self.tree.append(missing(where, f"a tile of {width} hashes"))
            return None
        data, wide = found
        if len(data) != wide * HASH_BYTES:
            self.tree.append(
                wrong_file("malformed", where, f"{wide * HASH_BYTES} bytes", f"{len(data)} bytes")
            )
            return None
        return data[: width * HASH_BYTES]

    def _find(self, path: Callable[[int, int], str], index: int, width: int) -> tuple[bytes, int] | None:
        """Read a file, and say how many it is to hold.

        A log that has grown since may have only the full one left in place of a partial one.
        """
        for each in (width, TILE_WIDTH) if width < TILE_WIDTH else (width,):
            data = self._read(path(index, each))
            if data is not None:
                return data, each
        return None

    def _bundle(self, index: int, first: int, width: int, hashes: bytes) -> Iterator[Finding]:
        where = bundle.bundle_path(index, width)
        found = self._find(bundle.bundle_path, index, width)
        if found is None:
            # Whether entries are published at all, the last file may be the first to tell.
            if self._absent and self._absent[-1][1] == index - 1:
                self._absent[-1][1] = index
            else:
                self._absent.append([index, index])
            return
        self.has_entries = True
        data, wide = found
        try:
            entries = bundle.decode(data)
        except Malformed as problem:
            yield wrong_file("malformed", where, "an entry bundle", str(problem))
            return
        if len(entries) != wide:
            kind = "truncated" if len(entries) < wide else "extra"
            yield wrong_file(kind, where, f"{wide} entries", f"{len(entries)} entries")
        for number, entry in enumerate(entries[first:width], first):
            if leaf_hash(entry) != hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]:
                position = index * TILE_WIDTH + number
                yield altered(f"entry at position {position}", "the entry that was logged", "another", CURE)

    def _lacking(self) -> Iterator[Finding]:
        for first, last in self._absent:
            for index in range(first, last + 1):
                width = min(self._head.size - index * TILE_WIDTH, TILE_WIDTH)
                yield missing(bundle.bundle_path(index, width), f"{width} entries")


def wrong_file(kind: str, where: str, expected: str, found: str, cure: str = CURE) -> Finding:
    """Say what is wrong with a published file.

    Args:
        kind: what is wrong.
        where: the file, or the tree.
        expected: what should be there.
        found: what is.
        cure: what to do.

    Returns:
        The finding.
    """
    return Finding(kind=kind, where=where, expected=expected, found=found, cure=cure)
