"""The log as files, in the layout of C2SP tlog-tiles: for a web server, a mirror, an auditor.

Invariants: a file appears whole or not at all, and the checkpoint after all that it covers is on disk, the names of
files too; a file that is there is held against the tree each time, and written again where it differs; nothing is
published that the checkpoint does not cover, or of which the hashes do not lead to its root; a folder of another log,
or of a later state, is refused and left as it is.
"""

import os
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from consentgate.errors import LogRefused, Malformed, Unavailable
from consentgate.log.cosigned import Witnesses, newest_cosigned
from consentgate.log.tree import root_at, stored_nodes
from consentgate.storage import looking, sequence
from consentgate.tlog import bundle, checkpoint
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.merkle import HASH_BYTES, Node, leaf_hash
from consentgate.tlog.note import parse_note
from consentgate.tlog.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    full_tiles,
    partial_tiles,
    subtree_of_tile,
    tile_bytes,
    tile_path,
)
from consentgate.values import dataclass

CHECKPOINT: Final = "checkpoint"

_VERIFY: Final = "Run `consentgate verify`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What was published.

    Attributes:
        size: how many entries the published checkpoint covers.
        files: how many files were written.
    """

    size: int
    files: int


def publish(
    connection: Connection,
    folder: Path,
    *,
    with_leaves: bool = False,
    witnesses: Witnesses | None = None,
    log: int = sequence.FIRST_LOG,
) -> Published:
    """Bring a folder up to the newest checkpoint.

    Args:
        connection: of `Database.read`.
        folder: where to; made if it is not there.
        with_leaves: whether the leaves are published too, as entry bundles.
        witnesses: whose cosignatures go with the checkpoint, and how many have to; None for none.
        log: number of the log.

    Returns:
        What was published.

    Raises:
        LogRefused: the stored tree is not what was signed, or the folder holds something else than this log's past.
        Unavailable: nothing is signed yet, too few witnesses cosigned, or a file cannot be written.
    """
    newest = newest_cosigned(connection, witnesses or Witnesses(), log=log)
    if newest is None:
        raise Unavailable("Nothing is signed yet. Run `consentgate log sign --once`.")
    head = _head(newest.note)
    node = stored_nodes(connection, head.size, log=log)
    try:
        if root_at(head.size, node) != head.root:
            raise LogRefused(f"The log's tree is not what was signed. {_VERIFY}")
        _require_past(connection, folder, head, log)
        pieces = _Pieces(connection, folder, log, node)
        pieces.tree(head.size, with_leaves=with_leaves)
        # A power cut keeps no name that its folder did not keep: tiles have theirs before the checkpoint has its own.
        pieces.keep_names()
        pieces.write(CHECKPOINT, newest.note.encode())
        _sync(folder)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written ({error.strerror}).") from error
    return Published(size=head.size, files=pieces.written)


class _Pieces:
    """Writes what is not there yet, or not as it should be."""

    def __init__(self, connection: Connection, folder: Path, log: int, node: Node) -> None:
        self._connection = connection
        self._folder = folder
        self._log = log
        self._node = node
        self._folders = {each.parent for each in (folder, *folder.parents) if not each.exists()}
        self.written = 0

    def tree(self, size: int, *, with_leaves: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for level, index, width in partial_tiles(size):
            first = index * TILE_WIDTH
            hashes = b"".join(self._node(TILE_HEIGHT * level, at) for at in range(first, first + width))
            self._piece(level, index, hashes, with_leaves=with_leaves)
        # From the root downwards: each tile is held against one that leads there.
        for level, index in reversed([*full_tiles(size)]):
            self._piece(level, index, self._full(level, index), with_leaves=with_leaves)

    def _full(self, level: int, index: int) -> bytes:
        hashes = tile_bytes(level, index, self._node)
        if subtree_of_tile(hashes) != self._node(TILE_HEIGHT * (level + 1), index):
            raise LogRefused(f"Tile {index} of level {level} does not lead to what was signed. {_VERIFY}")
        return hashes

    def _piece(self, level: int, index: int, hashes: bytes, *, with_leaves: bool) -> None:
        width = len(hashes) // HASH_BYTES
        self.write(tile_path(level, index, width), hashes)
        if with_leaves and level == 0:
            path = bundle.bundle_path(index, width)
            self._folders.add((self._folder / path).parent)
            if not _bundles(self._folder / path, hashes):
                self.write(path, bundle.encode(self._leaves(index * TILE_WIDTH, hashes)))

    def _leaves(self, first: int, hashes: bytes) -> list[bytes]:
        end = first + len(hashes) // HASH_BYTES
        found = looking.leaves(self._connection, first=first, end=end, log=self._log)
        if [position for position, _ in found] != list(range(first, end)):
            raise LogRefused(f"An entry of the log is missing. {_VERIFY}")
        for at, (position, leaf) in enumerate(found):
            if leaf_hash(leaf) != hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]:
                raise LogRefused(
                    f"The entry at position {position} is not the one that was logged. {_VERIFY}"
                )
        return [leaf for _, leaf in found]

    def write(self, name: str, data: bytes) -> None:
        """Put a file in its place, unless it holds the same already; its name stays once `keep_names` is done."""
        path = self._folder / name
        self._folders.add(path.parent)
        if path.exists() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        self.written += 1

    def keep_names(self) -> None:
        """Put the names of all files on disk, of those too that are not written now.

        An earlier run may have been killed between naming a file and this.
        """
        inside = {each for each in self._folders if each.is_relative_to(self._folder)}
        above = {each for path in inside for each in path.parents if each.is_relative_to(self._folder)}
        for each in sorted(self._folders | above):
            _sync(each)


def _bundles(path: Path, hashes: bytes) -> bool:
    """Tell whether a file holds exactly the leaves of these hashes."""
    try:
        leaves = bundle.decode(path.read_bytes())
    except (FileNotFoundError, Malformed):
        return False
    return b"".join(map(leaf_hash, leaves)) == hashes


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_past(connection: Connection, folder: Path, head: Checkpoint, log: int) -> None:
    path = folder / CHECKPOINT
    if not path.exists():
        return
    there = _head(path.read_bytes())
    if there.origin != head.origin:
        raise LogRefused(f"{folder} holds another log, {there.origin}: choose another folder.")
    if there.size > head.size:
        raise LogRefused(
            f"{folder} holds a checkpoint of {there.size} entries, the database one of {head.size}. {_VERIFY}"
        )
    if root_at(there.size, stored_nodes(connection, there.size, log=log)) != there.root:
        raise LogRefused(f"The log does not continue what {folder} holds. {_VERIFY}")


def _head(note: str | bytes) -> Checkpoint:
    try:
        return checkpoint.decode(parse_note(note).text)
    except Malformed as error:
        raise LogRefused(f"A checkpoint cannot be read. {_VERIFY}") from error
