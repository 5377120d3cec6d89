"""What appends are measured beside, each as its own authors would use it, at the same durability on the same server.

- ``Rows``: the same rows by the bare driver: nothing is encrypted, hashed, linked or sequenced.
- ``Events``: `eventsourcing` with its cipher, the best known library that keeps what happened.
- ``Chain``: a hash chain under an advisory lock, in one call of one function: the least that chaining costs.
- ``Group``: SQLite's rows by the bare driver in a loop that commits for all who wait.
"""

import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psycopg
from eventsourcing.application import Application
from eventsourcing.cipher import AESCipher
from eventsourcing.domain import Aggregate
from psycopg.conninfo import conninfo_to_dict

Row = Sequence[Any]

# As the ledger's own, with all its indexes and constraints, and none of its triggers; with numbers of their own:
# those that somebody else draws are gaps, for which the ledger's sequencer looks out.
_SAME = """
CREATE SCHEMA bare;
CREATE TABLE bare.entry (LIKE public.entry INCLUDING ALL);
CREATE SEQUENCE bare.numbers;
ALTER TABLE bare.entry ALTER COLUMN ordinal SET DEFAULT nextval('bare.numbers');
CREATE TABLE bare.entry_subject (LIKE public.entry_subject INCLUDING ALL);
"""
_SAME_IN_FILE = (
    "SELECT sql FROM sqlite_master WHERE type <> 'trigger' AND tbl_name IN ('entry', 'entry_subject')"
)
_INSERT = """
WITH link AS (INSERT INTO bare.entry_subject (tenant, entry, subject, kind) VALUES (%s, %s, %s, %s))
INSERT INTO bare.entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_CHAIN = """
CREATE TABLE chain (n bigint PRIMARY KEY, at bigint NOT NULL, body bytea NOT NULL, hash bytea NOT NULL);
INSERT INTO chain VALUES (0, 0, '', '');
CREATE FUNCTION append(given bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE last chain%ROWTYPE; made bytea;
BEGIN
  PERFORM pg_advisory_xact_lock(1);
  SELECT * INTO last FROM chain ORDER BY n DESC LIMIT 1;
  made := sha256(last.hash || given);
  INSERT INTO chain VALUES (last.n + 1, extract(epoch FROM clock_timestamp()) * 1000, given, made);
  RETURN made;
END $$;
"""


class Rival(Protocol):
    """Appends; safe to use from many threads."""

    def append(self) -> object:
        """Append one entry, and return when it is durable."""

    def rest(self) -> None:
        """Let go of connections that the next turn can open again: a server takes about a hundred."""

    def close(self) -> None:
        """Let go of every connection, for good."""


class _Lane:
    """A connection, and the number of its last row."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
        self.name = os.urandom(16)
        self.last = -1


class _Lanes:
    """As many lanes as threads ever used at once; a thread that is done leaves its lane to the next."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: deque[_Lane] = deque()

    def take(self) -> _Lane:
        try:
            return self._idle.pop()
        except IndexError:
            return _Lane(self._url)

    def give(self, lane: _Lane) -> None:
        self._idle.append(lane)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().connection.close()


class Rows:
    """The rows of the ledger's own table, by psycopg."""

    def __init__(self, url: str, row: Row) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_SAME)
        self._lanes = _Lanes(url)
        self._row = tuple(row)

    def append(self) -> None:
        lane = self._lanes.take()
        lane.last += 1
        entry = uuid4().bytes
        tenant, kind, at, about, _, _, re, end, leaf, hash_, parts = self._row[1:]
        lane.connection.execute(
            _INSERT,
            (
                *(tenant, entry, uuid4().bytes, kind),
                *(entry, tenant, kind, at, about, lane.name, lane.last, re, end, leaf, hash_, parts),
            ),
        )
        self._lanes.give(lane)

    def rest(self) -> None:
        self._lanes.close()

    close = rest


class Chain:
    """Each entry's hash covers the one before it."""

    def __init__(self, url: str, size: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_CHAIN)
        self._lanes = _Lanes(url)
        self._size = size

    def append(self) -> None:
        lane = self._lanes.take()
        lane.connection.execute("SELECT append(%s)", (os.urandom(self._size),))
        self._lanes.give(lane)

    def rest(self) -> None:
        self._lanes.close()

    close = rest


class Happened(Aggregate):
    """What `eventsourcing` keeps: as many bytes as the ledger's entry says in clear."""

    def __init__(self, body: str) -> None:
        self.body = body


class Events:
    """An application of `eventsourcing`, its events encrypted with AES."""

    def __init__(self, url: str, size: int, threads: int) -> None:
        told = conninfo_to_dict(url)
        self._body = "x" * size
        self._application: Application[Any] = Application(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": str(told["dbname"]),
                "POSTGRES_HOST": str(told["host"]),
                "POSTGRES_PORT": str(told.get("port", "")),
                "POSTGRES_USER": str(told["user"]),
                "POSTGRES_PASSWORD": str(told.get("password", "")),
                "POSTGRES_POOL_SIZE": str(threads),
                "CIPHER_TOPIC": "eventsourcing.cipher:AESCipher",
                "CIPHER_KEY": AESCipher.create_key(num_bytes=32),
            }
        )

    def append(self) -> None:
        self._application.save(Happened(self._body))

    def rest(self) -> None:
        """Keep its pool."""

    def close(self) -> None:
        self._application.close()


class Group:
    """One thread writes rows for all who wait, in one commit; as bare as it can be."""

    def __init__(self, path: Path, like: Path, row: Row) -> None:
        self._row = tuple(row)
        with closing(sqlite3.connect(like)) as ours:
            self._tables = [sql for (sql,) in ours.execute(_SAME_IN_FILE) if sql]
        self._waiting: queue.SimpleQueue[tuple[bytes, threading.Lock] | None] = queue.SimpleQueue()
        self._path = path
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._write, name="group-commit")
        self._thread.start()
        self._ready.wait()

    def append(self) -> None:
        done = threading.Lock()
        done.acquire()
        self._waiting.put((uuid4().bytes, done))
        done.acquire()

    def rest(self) -> None:
        """Keep its one connection."""

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _write(self) -> None:
        raw = sqlite3.connect(self._path, isolation_level=None)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        for table in self._tables:
            raw.execute(table)
        self._ready.set()
        lane, n = os.urandom(16), 0
        tenant, kind, at, about, _, _, re, end, leaf, hash_, parts = self._row[1:]
        more = True
        while more:
            group = [self._waiting.get()]
            while not self._waiting.empty():
                group.append(self._waiting.get())
            more = None not in group
            found = [each for each in group if each is not None]
            raw.execute("BEGIN IMMEDIATE")
            for entry, _done in found:
                raw.execute(
                    'INSERT INTO entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (entry, tenant, kind, at, about, lane, n, re, end, leaf, hash_, parts),
                )
                raw.execute(
                    "INSERT INTO entry_subject (tenant, entry, subject, kind) VALUES (?, ?, ?, ?)",
                    (tenant, entry, uuid4().bytes, kind),
                )
                n += 1
            raw.execute("COMMIT")
            for _entry, done in found:
                done.release()
        raw.close()
