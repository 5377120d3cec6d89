"""Many small things by their keys, on disk: what would grow in memory with the size of a package.

SQLite keeps them in a temporary file of its own, which has no name: a process that ends in whatever way leaves
nothing. What fits into a small cache never reaches the disk.

Invariants: memory is bounded by the cache, however much is put in; keys come back in the order of their bytes.

>>> with DiskMap() as kept:
...     kept.put(b"b", b"2")
...     kept.put(b"a", b"1")
...     list(kept.below())
[(b'a', b'1'), (b'b', b'2')]
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from consentgate.errors import Unavailable

_BEGIN: Final = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -2048;
CREATE TABLE kept (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
BEGIN;
"""
_PUT: Final = "INSERT INTO kept VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class DiskMap:
    """Bytes by bytes, in order."""

    def __init__(self) -> None:
        """Begin with nothing.

        Raises:
            Unavailable: there is no place for it.
        """
        with _translated():
            # No name: a file of its own in the system's folder for such, removed by the system.
            self._raw = sqlite3.connect("", isolation_level=None)
            self._raw.executescript(_BEGIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, key: bytes) -> bool:
        return self.get(key) is not None

    def put(self, key: bytes, value: bytes = b"") -> None:
        """Keep something, in the place of what was there.

        Args:
            key: its key.
            value: what is kept.

        Raises:
            Unavailable: there is no room for it.
        """
        with _translated():
            self._raw.execute(_PUT, (key, value))

    def get(self, key: bytes) -> bytes | None:
        """Give what is kept under a key.

        Args:
            key: the key.

        Returns:
            It, or None where there is nothing.

        Raises:
            Unavailable: it cannot be read.
        """
        with _translated():
            row = self._raw.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def remove(self, key: bytes) -> None:
        """Keep something no longer.

        Args:
            key: its key.

        Raises:
            Unavailable: it cannot be written.
        """
        with _translated():
            self._raw.execute("DELETE FROM kept WHERE key = ?", (key,))

    def below(self, prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Give what is kept, in order; nothing is to be put or removed meanwhile.

        Args:
            prefix: what the keys begin with.

        Yields:
            Key and value.

        Raises:
            Unavailable: it cannot be read.
        """
        with _translated():
            for key, value in self._raw.execute("SELECT * FROM kept WHERE key >= ? ORDER BY key", (prefix,)):
                if not key.startswith(prefix):
                    return
                yield key, value

    def close(self) -> None:
        """Forget everything."""
        self._raw.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(
            f"The system's folder for temporary files cannot be used ({error}): free some space there, or name"
            " another one in TMPDIR."
        ) from error
