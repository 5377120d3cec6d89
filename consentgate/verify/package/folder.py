"""The files of a package, as they lie in a folder that anybody may have made.

Invariants: a link is never followed and a device never opened; nothing outside the folder is read; no file is held in
memory but those that are asked for whole, up to a limit.
"""

import hashlib
import os
import stat
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from consentgate.errors import InvalidInput, Malformed, Unavailable

SMALL: Final = 4 << 20
"""So much of a file is read whole, where nothing else is said."""

_CHUNK: Final = 1 << 20
# What Finder, Explorer and copies between their file systems leave in folders: a closed list, as it is spelt.
_LEFT: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_LEFT_BESIDE: Final = "._"
# What the system lacks is not asked for: there the check before the opening is all there is.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class PackageFolder:
    """The files of one package."""

    def __init__(self, root: Path) -> None:
        """List the folder.

        Args:
            root: the package.

        Raises:
            InvalidInput: there is no such folder.
            Unavailable: it cannot be listed.
        """
        if not root.is_dir():
            hint = " Open it first: age -d -i key.txt FILE | tar x" if root.name.endswith(".age") else ""
            raise InvalidInput(f"{root} is no folder.{hint}")
        self._root = root
        self._digests: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.strange: list[str] = []
        self.ignored: tuple[str, ...] = ()
        try:
            self._list()
        except OSError as error:
            raise Unavailable(f"The folder {root} cannot be read ({error.strerror}).") from error

    def __contains__(self, path: str) -> bool:
        return path in self.sizes

    def leave_out(self, listed: Container[str]) -> None:
        """Leave out what a computer put there when somebody looked at the folder: nothing judges it any more.

        Args:
            listed: paths that stay, whatever their name.
        """
        names = ((path, path.rpartition("/")[2]) for path in self.sizes if path not in listed)
        found = (path for path, name in names if name in _LEFT or name.startswith(_LEFT_BESIDE))
        self.ignored = tuple(sorted(found))
        for path in self.ignored:
            del self.sizes[path]

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file of the package.

        Args:
            path: one that is there.

        Yields:
            The file.

        Raises:
            Unavailable: it cannot be read.
        """
        try:
            with os.fdopen(os.open(self._root / path, _FLAGS), "rb") as file:
                yield file
        except OSError as error:
            raise Unavailable(f"The file {shown(path)} cannot be read ({error.strerror}).") from error

    def read(self, path: str, limit: int = SMALL) -> bytes:
        """Read a file whole.

        Args:
            path: one that is there.
            limit: how many bytes are too many, less one.

        Returns:
            The bytes.

        Raises:
            Malformed: it is longer.
            Unavailable: it cannot be read.
        """
        size = self.sizes[path]
        if size > limit:
            raise Malformed(f"The file is longer than {limit} bytes.")
        with self.open(path) as file:
            # No more than there was when the folder was listed: a limit would be set aside whole.
            return file.read(size)

    def sha256(self, path: str) -> bytes:
        """Hash a file, once.

        Args:
            path: one that is there.

        Returns:
            32 bytes.

        Raises:
            Unavailable: it cannot be read.
        """
        known = self._digests.get(path)
        if known is None:
            digest = hashlib.sha256()
            with self.open(path) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            known = self._digests[path] = digest.digest()
        return known

    def below(self, prefix: str) -> tuple[str, ...]:
        """Name the files below a folder of the package.

        Args:
            prefix: the folder with its last slash.

        Returns:
            The paths, sorted.
        """
        return tuple(sorted(each for each in self.sizes if each.startswith(prefix)))

    def _list(self) -> None:
        left = [""]
        while left:
            under = left.pop()
            with os.scandir(self._root / under) as found:
                for each in found:
                    path = under + each.name
                    state = each.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        left.append(f"{path}/")
                    elif stat.S_ISREG(state.st_mode):
                        self.sizes[path] = state.st_size
                    else:
                        self.strange.append(path)
        self.strange.sort()


def shown(path: str) -> str:
    """Write a path so that a terminal shows it and does nothing else.

    Args:
        path: as the folder has it.

    Returns:
        Printable ASCII.
    """
    return "".join(each if " " <= each <= "~" else "?" for each in path)


def list_of(lines: Mapping[str, str]) -> bytes:
    """Write a list of digests as ``sha256sum`` reads it.

    Args:
        lines: digests in hexadecimal by path.

    Returns:
        The file's bytes.
    """
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(lines.items())).encode()
