"""The baseline: the same durable work by the bare driver, in a database as big as the gate's on the same disk.

Durability is the gate's own: SQLite in WAL with synchronous FULL, PostgreSQL with fsync and synchronous_commit.
Statements are prepared: SQLite's driver keeps them, psycopg is told to.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import psycopg


class ByHand(Protocol):
    """Indexed reads and durable commits of so many bytes."""

    def read(self, number: int) -> None:
        """Read one row by its key."""

    def commit(self, size: int) -> None:
        """Insert one row of so many bytes, and return when it is durable."""

    def close(self) -> None:
        """Let go of the connection."""


class SqliteByHand:
    """By the standard library's own driver."""

    def __init__(self, path: Path, sizes: Sequence[int]) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.execute("PRAGMA synchronous = FULL")
        self._raw.execute("CREATE TABLE entry (id BLOB PRIMARY KEY, body BLOB NOT NULL)")
        self._keys = [os.urandom(16) for _ in sizes]
        self._raw.execute("BEGIN")
        self._raw.executemany("INSERT INTO entry VALUES (?, ?)", _rows(self._keys, sizes))
        self._raw.execute("COMMIT")
        mode = self._raw.execute("PRAGMA journal_mode").fetchone()[0]
        level = self._raw.execute("PRAGMA synchronous").fetchone()[0]
        assert (mode, level) == ("wal", 2)

    def read(self, number: int) -> None:
        key = self._keys[number % len(self._keys)]
        assert self._raw.execute("SELECT body FROM entry WHERE id = ?", (key,)).fetchone()

    def commit(self, size: int) -> None:
        self._raw.execute("INSERT INTO entry VALUES (?, ?)", (os.urandom(16), os.urandom(size)))

    def close(self) -> None:
        self._raw.close()


class PostgresByHand:
    """By psycopg, in a database of its own on the gate's server."""

    def __init__(self, url: str, sizes: Sequence[int]) -> None:
        self._raw = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self._raw.execute("CREATE TABLE entry (id bytea PRIMARY KEY, body bytea NOT NULL)")
        self._keys = [os.urandom(16) for _ in sizes]
        with self._raw.transaction(), self._raw.cursor() as cursor:
            cursor.executemany("INSERT INTO entry VALUES (%s, %s)", _rows(self._keys, sizes))
        self._raw.execute("VACUUM ANALYZE entry")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            row = self._raw.execute(f"SHOW {setting}").fetchone()
            assert row == ("on",), setting

    def read(self, number: int) -> None:
        key = self._keys[number % len(self._keys)]
        assert self._raw.execute("SELECT body FROM entry WHERE id = %s", (key,)).fetchone()

    def commit(self, size: int) -> None:
        self._raw.execute("INSERT INTO entry VALUES (%s, %s)", (os.urandom(16), os.urandom(size)))

    def close(self) -> None:
        self._raw.close()


def _rows(keys: Sequence[bytes], sizes: Sequence[int]) -> list[tuple[bytes, bytes]]:
    return [(key, os.urandom(size)) for key, size in zip(keys, sizes, strict=True)]
