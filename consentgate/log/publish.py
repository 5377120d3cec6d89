"""The log as files, in the layout of C2SP tlog-tiles: for a web server, a mirror, an auditor.

Invariants: a file appears whole or not at all, and the checkpoint after everything that it covers; a full tile or
bundle that is there is never written again; nothing is published that the checkpoint does not cover, or of which the
hashes do not lead to its root; a folder of another log, or of a later state, is refused and left as it is.
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
from consentgate.tlog.merkle import Node, leaf_hash
from consentgate.tlog.note import parse_note
from consentgate.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, full_tiles, partial_tiles, tile_bytes, tile_path
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
        pieces.tiles(head.size)
        if with_leaves:
            pieces.bundles(head.size)
        pieces.write(CHECKPOINT, newest.note.encode())
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written ({error.strerror}).") from error
    return Published(size=head.size, files=pieces.written)


class _Pieces:
    """Writes what is not there yet."""

    def __init__(self, connection: Connection, folder: Path, log: int, node: Node) -> None:
        self._connection = connection
        self._folder = folder
        self._log = log
        self._node = node
        self.written = 0

    def tiles(self, size: int) -> None:
        for level, index in full_tiles(size):
            if not (self._folder / tile_path(level, index)).exists():
                self.write(tile_path(level, index), tile_bytes(level, index, self._node))
        for level, index, width in partial_tiles(size):
            first = index * TILE_WIDTH
            hashes = b"".join(self._node(TILE_HEIGHT * level, at) for at in range(first, first + width))
            self.write(tile_path(level, index, width), hashes)

    def bundles(self, size: int) -> None:
        for index in range((size + TILE_WIDTH - 1) // TILE_WIDTH):
            first = index * TILE_WIDTH
            end = min(first + TILE_WIDTH, size)
            path = bundle.bundle_path(index, end - first)
            if end - first < TILE_WIDTH or not (self._folder / path).exists():
                self.write(path, bundle.encode(self._leaves(first, end)))

    def _leaves(self, first: int, end: int) -> list[bytes]:
        found = looking.leaves(self._connection, first=first, end=end, log=self._log)
        if [position for position, _ in found] != list(range(first, end)):
            raise LogRefused(f"An entry of the log is missing. {_VERIFY}")
        for position, leaf in found:
            if leaf_hash(leaf) != self._node(0, position):
                raise LogRefused(
                    f"The entry at position {position} is not the one that was logged. {_VERIFY}"
                )
        return [leaf for _, leaf in found]

    def write(self, name: str, data: bytes) -> None:
        """Put a file in its place, on disk, unless it holds the same already."""
        path = self._folder / name
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
