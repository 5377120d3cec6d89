"""The spool: a folder of outcomes that could not be written, one sealed file each, until they are in the ledger.

Invariants: a file of the spool is whole and on disk, or it is not there: it is written beside, synced, renamed,
and the folder synced; what a crash left half written is never read. Folder and files are for their owner alone.
The spool is bounded: a full one refuses, and the request ends as if there were none.
"""

import stat
from pathlib import Path
from typing import Final
from uuid import UUID

from consentgate.errors import Malformed, Misconfigured, Unavailable
from consentgate.keys.envelope import LIMIT
from consentgate.keys.files import read_secret, replace_file
from consentgate.moment import parse_uuid

DEFAULT_LIMIT: Final = 1000

_SUFFIX: Final = ".outcome"
_OTHERS: Final = 0o077


class Spool:
    """One folder; several processes may share it."""

    def __init__(self, folder: Path, *, limit: int = DEFAULT_LIMIT) -> None:
        """Take a folder in hand; nothing is looked at yet.

        Args:
            folder: the folder.
            limit: at most so many outcomes wait in it.
        """
        self.folder = folder
        self._limit = limit
        # Whether something may wait: true at the start, and whenever this process put something in.
        self.due = True
        # What cannot be recorded, whoever tries: it is left for an operator.
        self.left: set[UUID] = set()

    def prepare(self) -> None:
        """Make the folder, or check that it is for its owner alone.

        Raises:
            Misconfigured: others may look into it, or it cannot be made or used.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = stat.S_IMODE(self.folder.stat().st_mode)
        except OSError as error:
            raise Misconfigured(f"The spool {self.folder} cannot be used ({error.strerror}).") from error
        if mode & _OTHERS:
            raise Misconfigured(
                f"Others may look into the spool {self.folder}: run `chmod 700 {self.folder}`."
            )

    def put(self, entry: UUID, record: str) -> None:
        """Keep an outcome; it is on disk when this returns.

        Args:
            entry: id that its entry will have.
            record: the sealed outcome.

        Raises:
            Unavailable: the spool is full, or cannot be written.
            Misconfigured: others may look into it.
        """
        self.prepare()
        if len(self.waiting()) >= self._limit:
            raise Unavailable(f"The spool {self.folder} is full: {self._limit} outcomes wait in it.")
        replace_file(self._path(entry), record.encode())
        self.due = True

    def waiting(self) -> tuple[UUID, ...]:
        """List what waits.

        Returns:
            Ids of entries, the oldest first; files of another name are not ours.

        Raises:
            Unavailable: the folder cannot be read.
        """
        try:
            names = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        except OSError as error:
            raise Unavailable(f"The spool {self.folder} cannot be read ({error.strerror}).") from error
        found = [_entry(name.removesuffix(_SUFFIX)) for name in names if name.endswith(_SUFFIX)]
        return tuple(sorted(each for each in found if each is not None))

    def read(self, entry: UUID) -> str | None:
        """Read an outcome.

        Args:
            entry: id of its entry.

        Returns:
            The sealed outcome, or None when another process took it meanwhile.

        Raises:
            Malformed: it is no text, or longer than an outcome can be.
            Misconfigured: others may read it.
            Unavailable: it cannot be read.
        """
        path = self._path(entry)
        try:
            return read_secret(path, limit=LIMIT).decode("ascii")
        except UnicodeDecodeError as error:
            raise Malformed("A file of the spool is not a sealed outcome.") from error
        except Misconfigured:
            if path.exists():
                raise
            return None

    def drop(self, entry: UUID) -> None:
        """Let go of an outcome that is in the ledger.

        Args:
            entry: id of its entry.

        Raises:
            Unavailable: the file cannot be removed; recording it again changes nothing.
        """
        try:
            self._path(entry).unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable(f"The spool {self.folder} cannot be written ({error.strerror}).") from error

    def _path(self, entry: UUID) -> Path:
        return self.folder / f"{entry}{_SUFFIX}"


def _entry(name: str) -> UUID | None:
    try:
        return parse_uuid(name)
    except Malformed:
        return None
