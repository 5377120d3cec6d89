"""The files of a package, as they lie in a folder that anybody may have made.

Invariants: a link is never followed and a device never opened; nothing outside the folder is read; no file is held in
memory but those that are asked for whole, up to a limit, and no list of them.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.storage.scratch import DiskMap

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

    def __init__(self, root: Path, elsewhere: Mapping[str, Path] = MappingProxyType({})) -> None:
        """List the folder.

        Args:
            root: the package.
            elsewhere: where files of the package are that are not in the folder, by their paths in it.

        Raises:
            InvalidInput: there is no such folder.
            Unavailable: it cannot be listed.
        """
        if not root.is_dir():
            hint = " Open it first: age -d -i key.txt FILE | tar x" if root.name.endswith(".age") else ""
            raise InvalidInput(f"{root} is no folder.{hint}")
        self._root = root
        self._elsewhere = elsewhere
        self._sizes = DiskMap()
        self.strange: list[str] = []
        self.ignored: tuple[str, ...] = ()
        with ExitStack() as broken:
            broken.callback(self.close)
            try:
                self._list()
                for path, file in elsewhere.items():
                    self._put(path, file.stat().st_size)
            except OSError as error:
                raise Unavailable(f"The folder {root} cannot be read ({error.strerror}).") from error
            broken.pop_all()

    def __contains__(self, path: str) -> bool:
        return key_of(path) in self._sizes

    def __iter__(self) -> Iterator[str]:
        return self.below("")

    def size(self, path: str) -> int | None:
        """Tell how long a file is.

        Args:
            path: where it would be.

        Returns:
            How many bytes it had when the folder was listed; None where there is none.
        """
        found = self._sizes.get(key_of(path))
        return None if found is None else int(found)

    def close(self) -> None:
        """Forget the list."""
        self._sizes.close()

    def leave_out(self, stays: Callable[[str], bool]) -> None:
        """Leave out what a computer put there when somebody looked at the folder: nothing judges it any more.

        Args:
            stays: tells of a path whether its file stays, whatever its name.
        """
        names = ((path, path.rpartition("/")[2]) for path in self)
        found = (path for path, name in names if name in _LEFT or name.startswith(_LEFT_BESIDE))
        self.ignored = tuple(path for path in found if not stays(path))
        for path in self.ignored:
            self._sizes.remove(key_of(path))

    @contextmanager
    def open(self, path: str, limit: int | None = None) -> Iterator[BinaryIO]:
        """Open a file of the package.

        Args:
            path: one that is there.
            limit: how many bytes are too many, less one; None for any number.

        Yields:
            The file.

        Raises:
            Malformed: it is longer.
            Unavailable: it cannot be read.
        """
        if limit is not None and (self.size(path) or 0) > limit:
            raise Malformed(f"The file is longer than {limit} bytes.")
        try:
            with os.fdopen(os.open(self._elsewhere.get(path, self._root / path), _FLAGS), "rb") as file:
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
        with self.open(path, limit) as file:
            # No more than there was when the folder was listed: a limit would be set aside whole.
            return file.read(self.size(path) or 0)

    def holds(self, path: str, pieces: Iterable[bytes]) -> bool:
        """Compare a file with what it should be; nothing longer than that is read.

        Args:
            path: one that is there.
            pieces: its bytes as they should be.

        Returns:
            Whether it is that, and nothing more.

        Raises:
            Unavailable: it cannot be read.
        """
        with self.open(path) as file:
            return all(file.read(len(piece)) == piece for piece in pieces) and not file.read(1)

    def sha256(self, path: str) -> bytes:
        """Hash a file.

        Args:
            path: one that is there.

        Returns:
            32 bytes.

        Raises:
            Unavailable: it cannot be read.
        """
        digest = hashlib.sha256()
        with self.open(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.digest()

    def below(self, prefix: str) -> Iterator[str]:
        """Name the files below a folder of the package.

        Args:
            prefix: the folder with its last slash.

        Yields:
            The paths, sorted.
        """
        return (_path_of(key) for key, _ in self._sizes.below(key_of(prefix)))

    def _put(self, path: str, size: int) -> None:
        self._sizes.put(key_of(path), str(size).encode())

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
                        self._put(path, state.st_size)
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


def key_of(path: str) -> bytes:
    """Write a path as bytes that sort as it does, also one that is no text of Unicode.

    Args:
        path: as the system names it.

    Returns:
        The bytes.
    """
    return path.encode("utf-8", "surrogatepass")


def _path_of(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
