"""What the sequencer does in a second, beside the bare driver that inserts as many rows of positions.

Both commit a thousand at a time, at the same durability. Besides inserting, the sequencer reads each entry, hashes
its leaf and the tree, and stores tiles and the tree's state.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from benchmarks.bulk import insert_entries
from benchmarks.figures import Figure, rate
from benchmarks.place import Place
from consentgate.config.upkeep import log_database
from consentgate.log.sequencer import Sequencer

ENTRIES = 20_000
BATCH = 1000
TARGET = 30_000

Rows = list[tuple[int, int, str, bytes, bytes]]


def measure_sequencing(place: Place, rounds: int) -> list[Figure]:
    """Measure the sequencer on a database."""
    ours, theirs = [], []
    with log_database(place.settings) as database, _inserter(place) as insert:
        sequencer = Sequencer(database)
        sequencer.once()
        for number in range(rounds):
            insert_entries(place.settings, ENTRIES, small=True)
            ours.append(ENTRIES / _timed(sequencer.once))
            rows = [
                (0, number * ENTRIES + n, "default", os.urandom(16), os.urandom(32)) for n in range(ENTRIES)
            ]

            def inserted(rows: Rows = rows) -> None:
                for start in range(0, ENTRIES, BATCH):
                    insert(rows[start : start + BATCH])

            theirs.append(ENTRIES / _timed(inserted))
    return [rate(f"sequenced entries, {place.name}, beside bare rows", ours, theirs, TARGET)]


@contextmanager
def _inserter(place: Place) -> Iterator[Callable[[Rows], object]]:
    """Give what inserts rows into a copy of the table, each batch in a transaction."""
    if place.name == "SQLite":
        with closing(sqlite3.connect(place.settings.home / "bare-seq.db", isolation_level=None)) as raw:
            yield from _in_a_file(raw, str(place.settings.home / "consentgate.db"))
    else:
        url = place.settings.database.replace("+psycopg", "", 1)
        with psycopg.connect(url, autocommit=True) as connection:
            yield from _on_a_server(connection)


def _in_a_file(raw: sqlite3.Connection, like: str) -> Iterator[Callable[[Rows], object]]:
    with closing(sqlite3.connect(like)) as ours:
        tables = ours.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'seq' AND type <> 'trigger'")
        for (sql,) in [row for row in tables if row[0]]:
            raw.execute(sql)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")

    def insert(rows: Rows) -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("INSERT INTO seq (log, position, tenant, entry, hash) VALUES (?, ?, ?, ?, ?)", rows)
        raw.execute("COMMIT")

    yield insert


def _on_a_server(connection: psycopg.Connection[Any]) -> Iterator[Callable[[Rows], object]]:
    connection.execute("CREATE SCHEMA bare_seq; CREATE TABLE bare_seq.seq (LIKE public.seq INCLUDING ALL)")

    def insert(rows: Rows) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO bare_seq.seq (log, position, tenant, entry, hash) VALUES (%s, %s, %s, %s, %s)",
                rows,
            )

    yield insert


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
