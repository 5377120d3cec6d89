"""The folder of a package: every file is hashed while it is written, and listed.

Invariants: a path is written once; only what was closed without an error is listed; a file is on disk when its writer
is closed. Times and owners of files are nobody's promise: names and bytes are the package. The list is on disk,
so that memory does not grow with the files.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, cast

from consentgate.canonical import Json
from consentgate.errors import InvalidInput, Unavailable
from consentgate.storage.scratch import DiskMap
from consentgate.values import dataclass

_PATH: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
# What a power cut may lose of these is found by the lists; the lists themselves are on disk.
_SYNCED: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of the package.

    Attributes:
        path: where it is, with ``/``.
        sha256: of its content, in hexadecimal.
        size: how many bytes.
        role: what it is for; None for a file that the manifest does not list.
        media_type: of its content, or None.
        kind: of an artifact, or None.
    """

    path: str
    sha256: str
    size: int
    role: str | None
    media_type: str | None = None
    kind: str | None = None

    def members(self) -> dict[str, Json]:
        """How it stands in the manifest.

        Returns:
            Canonical JSON members.
        """
        members: dict[str, Json] = {
            "path": self.path,
            "role": self.role,
            "sha256": self.sha256,
            "size": self.size,
        }
        members |= {"media_type": self.media_type} if self.media_type is not None else {}
        return members | ({"kind": self.kind} if self.kind is not None else {})


class Bag:
    """A folder that is being written; it is a `Folder` of `consentgate.export.sink`."""

    def __init__(self, root: Path, scratch: Path) -> None:
        """Begin with nothing: what lies there from an earlier attempt is removed.

        Args:
            root: the folder; made.
            scratch: a folder for files that are not part of the package; made.

        Raises:
            Unavailable: they cannot be made.
        """
        self._root = root
        self._scratch = scratch
        self._files = DiskMap()
        self._open: dict[str, BinaryIO] = {}
        try:
            for folder in (root, scratch):
                if folder.exists():
                    shutil.rmtree(folder)
                folder.mkdir(mode=0o700)
        except OSError as error:
            self._files.close()
            raise Unavailable(f"The folder {root.parent} cannot be written to ({error.strerror}).") from error

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    @property
    def scratch(self) -> Path:
        """A folder beside the package, for files that are not part of it."""
        return self._scratch

    def files(self) -> Iterator[File]:
        """Give what is written so far.

        Yields:
            Each file, by path.
        """
        for path, value in self._files.below():
            digest, size, role, media_type, kind = json.loads(value)
            yield File(
                path=path.decode(), sha256=digest, size=size, role=role, media_type=media_type, kind=kind
            )

    @contextmanager
    def open(
        self, path: str, *, role: str | None, media_type: str | None = None, kind: str | None = None
    ) -> Iterator[BinaryIO]:
        """Open a new file for writing.

        Args:
            path: where, in ASCII with ``/``.
            role: what it is for; None for what the manifest does not list.
            media_type: of its content, or None.
            kind: of an artifact, or None.

        Yields:
            A writer.

        Raises:
            InvalidInput: the path is none of a package, or was written already.
            Unavailable: it cannot be written.
        """
        if not _PATH.fullmatch(path) or self.has(path) or path in self._open:
            raise InvalidInput(f"A package has no file {path!r}, or has it already.")
        target = self._root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as raw:
                self._open[path] = raw
                written = _Hashed(raw)
                yield cast("BinaryIO", written)
                raw.flush()
                if written.size > _SYNCED or role is None:
                    os.fsync(raw.fileno())
        except OSError as error:
            raise Unavailable(f"The file {target} cannot be written ({error.strerror}).") from error
        finally:
            self._open.pop(path, None)
        listed = json.dumps([written.digest(), written.size, role, media_type, kind])
        self._files.put(path.encode(), listed.encode())

    def put(
        self,
        path: str,
        data: bytes | bytearray,
        *,
        role: str | None,
        media_type: str | None = None,
        kind: str | None = None,
    ) -> None:
        """Write a whole file.

        Args:
            path: as in `open`.
            data: its content.
            role: as in `open`.
            media_type: as in `open`.
            kind: as in `open`.

        Raises:
            InvalidInput: as in `open`.
            Unavailable: it cannot be written.
        """
        with self.open(path, role=role, media_type=media_type, kind=kind) as file:
            file.write(data)

    def read(self, path: str) -> BinaryIO:
        """Open a finished file for reading.

        Args:
            path: where it is.

        Returns:
            A reader.

        Raises:
            InvalidInput: it is not finished, or not of this package.
        """
        if not self.has(path):
            raise InvalidInput(f"The package has no finished file {path!r}.")
        return (self._root / path).open("rb")

    def has(self, path: str) -> bool:
        """Tell whether a file is finished.

        Args:
            path: where it would be.

        Returns:
            Whether it is.
        """
        return path.encode() in self._files

    def close(self) -> None:
        """Close what is still open, where something went wrong, and forget what is listed."""
        for raw in self._open.values():
            raw.close()
        self._files.close()

    def aside(self, path: str) -> Path:
        """Say where a file is that was taken out of the folder.

        Args:
            path: where it was.

        Returns:
            Where it is now.
        """
        return self._scratch / path

    def take_out(self, path: str) -> None:
        """Move a finished file out of the folder, so that what is left is no package.

        Args:
            path: where it is.

        Raises:
            Unavailable: it cannot be moved.
        """
        _moved(self._root / path, self.aside(path))

    def put_back(self, path: str) -> None:
        """Move a file that was taken out to where it belongs.

        Args:
            path: where that is.

        Raises:
            Unavailable: it cannot be moved.
        """
        _moved(self.aside(path), self._root / path)

    def drop_scratch(self) -> None:
        """Remove what is not part of the package."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def drop(self) -> None:
        """Remove everything, also the package."""
        shutil.rmtree(self._root, ignore_errors=True)
        self.drop_scratch()


def _moved(file: Path, target: Path) -> None:
    try:
        file.rename(target)
    except OSError as error:
        raise Unavailable(f"The file {file.name} cannot be moved ({error.strerror}).") from error


class _Hashed:
    """A writer that hashes what goes through it."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._hash = sha256()
        self.size = 0

    def write(self, data: bytes | bytearray) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._raw.write(data)

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._raw.closed

    def flush(self) -> None:
        self._raw.flush()

    def digest(self) -> str:
        return self._hash.hexdigest()
