"""An anchor that is a folder: on another machine's disk, or on one that can be written only once.

``<last word of the origin>/<size in 20 digits>-<root in hexadecimal>``, each file a signed checkpoint.

Invariants: a file appears whole or not at all, is on disk when `put` returns, and is never written over; a folder
that holds another checkpoint of the same size refuses. Where the file system knows no second names (exFAT), a file
that appears between the last look and the renaming is written over; another of us would have put the same there.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from consentgate.errors import LogRefused, Misconfigured, Unavailable
from consentgate.keys.files import NO_LINKS
from consentgate.log.anchoring import Submission
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.note import NOTE_LIMIT
from consentgate.values import dataclass

KIND: Final = "directory"

_NEW: Final = ".new"


def file_of(head: Checkpoint) -> str:
    """Name the file, or object, that keeps a checkpoint.

    Args:
        head: what the checkpoint claims.

    Returns:
        A relative path; in one log the names are in the order of sizes.
    """
    return f"{folder_of(head.origin)}/{head.size:020d}-{head.root.hex()}"


def folder_of(origin: str) -> str:
    """Name the folder of a log's checkpoints.

    Args:
        origin: the log's origin.

    Returns:
        Its last word, which no two logs share.
    """
    return origin.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryAnchor:
    """A folder that keeps checkpoints.

    Attributes:
        name: what the settings call it.
        path: the folder; it must be there, so that a disk which is not mounted is not mistaken for an empty one.
    """

    name: str
    path: Path

    @property
    def kind(self) -> str:
        """``directory``."""
        return KIND

    def put(self, submitted: Submission) -> str:
        """Keep a checkpoint.

        Args:
            submitted: the checkpoint.

        Returns:
            The file's name under the folder.

        Raises:
            LogRefused: another checkpoint of this size is there.
            Misconfigured: the folder is not there.
            Unavailable: it cannot be written.
        """
        if not self.path.is_dir():
            raise Misconfigured(
                f"The folder {self.path} of anchor {self.name} is not there: make it, or mount it."
            )
        evidence = file_of(submitted.head)
        path = self.path / evidence
        data = submitted.note.encode()
        try:
            path.parent.mkdir(exist_ok=True)
            same = path.parent.glob(f"{submitted.head.size:020d}-*")
            others = [each for each in same if each != path and each.suffix != _NEW]
            if others or not _placed(path, data):
                raise LogRefused(
                    f"The anchor {self.name} keeps another checkpoint of {submitted.head.size} entries."
                    " Run `consentgate verify`."
                )
        except OSError as error:
            raise Unavailable(f"The anchor {self.name} cannot be written ({error.strerror}).") from error
        return evidence

    def kept(self, heads: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        """Say which of some checkpoints the folder keeps.

        Args:
            heads: the checkpoints.

        Returns:
            Those of them.

        Raises:
            Unavailable: the folder cannot be read.
        """
        try:
            return [head for head in heads if (self.path / file_of(head)).exists()]
        except OSError as error:
            raise Unavailable(f"The anchor {self.name} cannot be read ({error.strerror}).") from error

    def held(self, origin: str) -> Iterator[tuple[str, bytes, datetime]]:
        """Read what the folder keeps of a log.

        Args:
            origin: the log's origin.

        Yields:
            Name under the folder, content, and when it was written, in order of names.

        Raises:
            Unavailable: the folder is not there, or cannot be read.
        """
        if not self.path.is_dir():
            raise Unavailable(f"The folder {self.path} of anchor {self.name} is not there: mount it.")
        folder = folder_of(origin)
        try:
            for path in sorted((self.path / folder).glob("[0-9]*-*")):
                if path.suffix == _NEW:
                    continue  # Half of a file, of somebody who was killed: it was never kept.
                with path.open("rb") as file:
                    data = file.read(NOTE_LIMIT + 1)
                    written = os.fstat(file.fileno()).st_mtime
                yield f"{folder}/{path.name}", data, datetime.fromtimestamp(written, tz=UTC)
        except OSError as error:
            raise Unavailable(f"The anchor {self.name} cannot be read ({error.strerror}).") from error


def _placed(path: Path, data: bytes) -> bool:
    """Put a file in its place, on disk; false where another one is there."""
    new = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{_NEW}")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    try:
        _name(path, new)
    except FileExistsError:
        return path.read_bytes() == data
    finally:
        new.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True


def _name(path: Path, new: Path) -> None:
    """Give a whole file its name; it takes no other file's place."""
    try:
        # Unlike a renaming, a link never takes the place of what is there.
        path.hardlink_to(new)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(path) from error
        # Not written in its place: half a file would be another checkpoint for ever.
        new.rename(path)
