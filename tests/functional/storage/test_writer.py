"""The one that writes to SQLite: who waits shares its commits, and nobody's failure is another's."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection

from consentgate.errors import InvalidInput, SchemaMismatch, Unavailable
from consentgate.storage import deployment, entries
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.patience import Patience
from consentgate.storage.sqlite import SqliteSession
from tests.functional.storage.place import database_at, entry_row, inserted
from tests.functional.storage.writing import Recorder, fact, names

pytestmark = pytest.mark.sqlite_file  # its one writer; PostgreSQL: tests/integration


def test_waiting_writes_share_a_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    commit = SqliteSession.commit

    def counted(session: SqliteSession) -> None:
        commits.append(1)
        commit(session)

    monkeypatch.setattr(SqliteSession, "commit", counted)
    entered, go = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        entered.set()
        assert go.wait(5)
        deployment.insert_fact(connection, "slow", "1")

    with ThreadPoolExecutor(11) as pool:
        pool.submit(database.write, slow)
        assert entered.wait(5)
        others = [pool.submit(fact, database, f"fast-{n}") for n in range(10)]
        time.sleep(0.2)
        go.set()
        for other in others:
            other.result()
    assert len(names(database)) == 11
    assert len(commits) == 2


def test_failed_work_leaves_its_group_unharmed(database: Database) -> None:
    recorder = Recorder()
    database.join(recorder)
    entered, go = threading.Event(), threading.Event()

    def first(connection: Connection) -> None:
        entered.set()
        assert go.wait(5)

    def insert(name: str, *, fail: bool) -> None:
        def work(connection: Connection) -> None:
            recorder.count += 1
            deployment.insert_fact(connection, name, "1")
            if fail:
                raise KeyError(name)

        database.write(work)

    with ThreadPoolExecutor(4) as pool:
        pool.submit(database.write, first)
        assert entered.wait(5)
        good = [pool.submit(insert, "good-1", fail=False)]
        bad = pool.submit(insert, "bad", fail=True)
        good.append(pool.submit(insert, "good-2", fail=False))
        time.sleep(0.1)
        go.set()
        for each in good:
            each.result()
        with pytest.raises(KeyError):
            bad.result()
    assert names(database) == {"good-1", "good-2"}
    assert recorder.count == 2


def test_write_that_gets_no_turn_is_taken_back(tmp_path: Path) -> None:
    with database_at(tmp_path, wait=0.1) as database:
        entered, go = threading.Event(), threading.Event()

        def block(connection: Connection) -> None:
            entered.set()
            assert go.wait(5)

        with ThreadPoolExecutor(1) as pool:
            blocked = pool.submit(database.write, block)
            assert entered.wait(5)
            with pytest.raises(Unavailable, match="turn"):
                fact(database, "late")
            go.set()
            # It had begun: its caller waited for the result, however long it took.
            blocked.result()
        fact(database, "next")
        assert names(database) == {"next"}


def test_write_inside_a_write_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput):
        database.write(lambda _: fact(database, "inner"))
    assert names(database) == set()


def test_closed_database_refuses_writes(database: Database) -> None:
    fact(database, "before")
    database.close()
    with pytest.raises(Unavailable):
        fact(database, "after")


def test_database_that_was_never_used_closes(database: Database) -> None:
    database.close()


def test_work_that_commits_loses_its_group(database: Database) -> None:
    recorder = Recorder()
    database.join(recorder)

    def work(connection: Connection) -> None:
        recorder.count += 1
        connection.exec_driver_sql("COMMIT")

    with pytest.raises(Unavailable):
        database.write(work)
    fact(database, "next")
    assert recorder.count == 0


def test_full_disk_denies_and_the_next_write_succeeds(database: Database) -> None:
    def grow(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        deployment.insert_fact(connection, "large", "x" * 100_000)

    with pytest.raises(Unavailable, match="full"):
        database.write(grow)
    assert names(database) == set()
    fact(database, "small")
    assert names(database) == {"small"}


def test_lock_of_another_process_denies_for_now(tmp_path: Path, database: Database) -> None:
    database._patience = Patience(busy=0.1)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="lock"):
        fact(database, "locked")
    other.execute("ROLLBACK")
    other.close()
    fact(database, "free")
    assert names(database) == {"free"}


def test_eight_threads_lose_nothing(database: Database) -> None:
    lost = []

    def run(thread: int) -> None:
        for n in range(50):
            try:
                row = entry_row(entry=uuid4(), w=bytes([thread]) * 16, n=n)
                inserted(database, row)
                if n % 10 == 0:
                    with pytest.raises(Duplicate):
                        inserted(database, row)
            except Unavailable as failure:
                lost.append(failure)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    assert lost == []
    with database.read() as connection:
        found = entries.of_kind(connection, "default", "statement")
    assert len({row.id for row in found}) == 400


def test_listener_hears_of_each_commit(database: Database) -> None:
    heard = []
    database.listen(lambda: heard.append(1))
    fact(database, "one")
    with pytest.raises(Duplicate):
        fact(database, "one")
    assert heard


def test_statement_of_work_that_fails_is_translated(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(SchemaMismatch):
        database.write(work)
    with pytest.raises(Unavailable):
        database.write(lambda c: bool(c.exec_driver_sql("DELETE FROM deployment WHERE 1 / 0 OR nonsense(")))


def test_close_finishes_what_waits(tmp_path: Path) -> None:
    with database_at(tmp_path) as database:
        entered, go = threading.Event(), threading.Event()

        def block(connection: Connection) -> None:
            entered.set()
            assert go.wait(5)

        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(database.write, block)
            assert entered.wait(5)
            second = pool.submit(fact, database, "waiting")
            time.sleep(0.05)
            closing = pool.submit(database.close)
            time.sleep(0.05)
            go.set()
            for each in (first, second, closing):
                each.result()
    with database_at(tmp_path) as again:
        assert names(again) == {"waiting"}


def test_writes_of_many_threads_while_some_leave(tmp_path: Path) -> None:
    with database_at(tmp_path, wait=0.05) as database, ThreadPoolExecutor(16) as pool:
        done = [pool.submit(fact, database, f"fact-{n}") for n in range(400)]
        there = {f"fact-{n}" for n, each in enumerate(done) if each.exception(30) is None}
        assert {type(each.exception()) for each in done} <= {type(None), Unavailable}
        assert names(database) == there
