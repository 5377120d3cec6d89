"""Files of one JSON object a line, read one line at a time.

Invariants: never more than one line of one file is in memory, and a line longer than `LIMIT` not even that; a line
that is not canonical, or not ended by a line feed alone, is none.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import BinaryIO, Final

from consentgate.canonical import Json, decode_canonical
from consentgate.errors import Malformed
from consentgate.verify.package.folder import PackageFolder

LIMIT: Final = 128 << 20
"""More than any line: an entry has at most twelve speakers, and an answer that is kept at most 4 MiB."""


class Lines:
    """The lines of one file, from the first on."""

    def __init__(self, folder: PackageFolder, path: str, *, limit: int = LIMIT) -> None:
        """Begin.

        Args:
            folder: the package.
            path: the file; one that is not there has no lines.
            limit: how many bytes of a line are too many, less one.
        """
        self.path = path
        self.there = path in folder
        self.cut = False
        self._limit = limit
        self._closing = ExitStack()
        self._file: BinaryIO | None = self._closing.enter_context(folder.open(path)) if self.there else None

    def __iter__(self) -> Iterator[bytes]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> bytes | None:
        """Read the next line.

        Returns:
            The line with its line feed, if it has one; None at the end, and behind a line that is too long.
        """
        if self._file is None or self.cut:
            return None
        line = self._file.readline(self._limit + 1)
        self.cut = len(line) > self._limit
        return line or None

    def close(self) -> None:
        """Close the file."""
        self._closing.close()


def object_of(line: bytes) -> Mapping[str, Json]:
    """Read the object of a line.

    Args:
        line: with its line feed.

    Returns:
        The members.

    Raises:
        Malformed: it is no canonical JSON object and a line feed.
    """
    if line[-1:] != b"\n" or len(line) > LIMIT:
        raise Malformed("The line does not end with a line feed, or is too long.")
    value = decode_canonical(line[:-1], limit=LIMIT)
    if not isinstance(value, dict):
        raise Malformed("The line is no object.")
    return value
