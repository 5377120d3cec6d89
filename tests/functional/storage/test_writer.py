import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, event, text

from consentgate.errors import InvalidInput, SchemaMismatch, Unavailable
from consentgate.storage import deployment, entries
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.sqlite import SqliteSession
from consentgate.storage.writer import _Item
from tests.functional.storage.place import database_at, engine_at, entry_row, inserted

pytestmark = pytest.mark.sqlite_file


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with database_at(tmp_path) as found:
        yield found


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(deployment.facts(connection))


def fact(database: Database, name: str) -> None:
    database.write(lambda c: deployment.insert_fact(c, name, "1"))


class Recorder:
    """A participant that counts what was inserted, as a lane does."""

    def __init__(self, answer: bool | None = None) -> None:
        self.count = 0
        self.answer = answer

    def mark(self, connection: Connection) -> object:
        assert not connection.closed
        return self.count

    def reset(self, connection: Connection, mark: object) -> None:
        assert isinstance(mark, int)
        assert not connection.closed
        self.count = mark

    def landed(self, connection: Connection, before: object, after: object) -> bool | None:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        return None if before == after else self.answer


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


def test_lock_of_another_process_denies_for_now(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consentgate.storage.sqlite.BUSY_SECONDS", 0.1)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="lock"):
        fact(database, "locked")
    other.execute("ROLLBACK")
    other.close()
    fact(database, "free")
    assert names(database) == {"free"}


def _commit_that_reports_failure(monkeypatch: pytest.MonkeyPatch, *, happens: bool) -> None:
    commit = SqliteSession.commit

    def broken(session: SqliteSession) -> None:
        monkeypatch.setattr(SqliteSession, "commit", commit)
        if happens:
            commit(session)
        raise Unavailable("disk i/o")

    monkeypatch.setattr(SqliteSession, "commit", broken)


@pytest.mark.parametrize("happens", [True, False])
def test_commit_in_doubt_is_looked_up(
    database: Database, monkeypatch: pytest.MonkeyPatch, happens: bool
) -> None:
    recorder = Recorder(answer=happens)
    database.join(recorder)
    fact(database, "first")

    def work(connection: Connection) -> str:
        recorder.count += 1
        deployment.insert_fact(connection, "doubtful", "1")
        return "done"

    _commit_that_reports_failure(monkeypatch, happens=happens)
    if happens:
        assert database.write(work) == "done"
    else:
        with pytest.raises(Unavailable):
            database.write(work)
    assert ("doubtful" in names(database)) is happens
    assert recorder.count == int(happens)


@pytest.mark.parametrize("happens", [True, False])
@pytest.mark.parametrize("away", ["question", "connection"])
def test_nothing_is_written_while_a_commit_is_in_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch, happens: bool, away: str
) -> None:
    recorder = Recorder(answer=happens)
    database.join(recorder)
    fact(database, "first")

    def unreachable(*_: object, **__: object) -> bool:
        raise Unavailable("Out of reach.")

    def work(connection: Connection) -> None:
        recorder.count += 1
        deployment.insert_fact(connection, "doubtful", "1")

    with monkeypatch.context() as patch:
        _commit_that_reports_failure(patch, happens=happens)
        if away == "question":
            patch.setattr(recorder, "landed", unreachable)
        else:
            patch.setattr("consentgate.storage.sqlite_store.SqliteSession", unreachable)
        with pytest.raises(Unavailable, match="is not known"):
            database.write(work)
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"Nothing is written until it is known.* Out of reach\."):
                database.write(work)
    fact(database, "next")
    assert recorder.count == int(happens)
    assert names(database) == {"first", "next"} | ({"doubtful"} if happens else set())


@pytest.mark.parametrize("happens", [True, False])
def test_commit_of_which_nothing_is_remembered_is_said_to_be_unknown(
    database: Database, monkeypatch: pytest.MonkeyPatch, happens: bool
) -> None:
    database.join(Recorder())
    _commit_that_reports_failure(monkeypatch, happens=happens)
    with pytest.raises(Unavailable, match=r"Whether the write was made is not known.* disk i/o"):
        fact(database, "doubtful")
    fact(database, "next")
    assert names(database) == {"next"} | ({"doubtful"} if happens else set())


def test_reader_sees_one_state_and_cannot_write(database: Database) -> None:
    fact(database, "one")
    with database.read() as connection:
        assert set(deployment.facts(connection)) == {"one"}
        fact(database, "two")
        assert set(deployment.facts(connection)) == {"one"}
    assert names(database) == {"one", "two"}
    with pytest.raises(Unavailable), database.read() as connection:
        deployment.insert_fact(connection, "three", "1")
    with pytest.raises(ZeroDivisionError), database.read():
        raise ZeroDivisionError
    assert names(database) == {"one", "two"}


def test_many_readers_at_once(database: Database) -> None:
    fact(database, "one")
    barrier = threading.Barrier(12)

    def read(_: int) -> int:
        with database.read() as connection:
            barrier.wait(5)
            return len(deployment.facts(connection))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(read, range(12))) == [1] * 12


def test_child_of_a_fork_writes_on_its_own(database: Database) -> None:
    fact(database, "parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if names(database) == {"parent"}:
                fact(database, "child")
                database.close()
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    fact(database, "parent again")
    assert names(database) == {"parent", "child", "parent again"}


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


def test_host_engine_keeps_its_own_settings(tmp_path: Path) -> None:
    engine = engine_at(tmp_path)

    @event.listens_for(engine, "connect")
    def quiet(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = OFF")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    with database_at(tmp_path):
        database = Database(engine, clock=lambda: entry_row().at)
        fact(database, "ours")
        with engine.begin() as connection:
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 0
            with pytest.raises(Exception, match="consentgate_now"):
                connection.execute(text("SELECT consentgate_now()"))
        with database.read() as connection:
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert deployment.now(connection) == 1795348800000
        database.close()
    engine.dispose()


def test_listener_hears_of_each_commit(database: Database) -> None:
    heard = []
    database.listen(lambda: heard.append(1))
    fact(database, "one")
    with pytest.raises(Duplicate):
        fact(database, "one")
    assert heard


def test_interrupted_caller_takes_its_write_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with database_at(tmp_path) as database:
        entered, go = threading.Event(), threading.Event()

        def block(connection: Connection) -> None:
            entered.set()
            assert go.wait(5)

        class Interrupted:
            def acquire(self, **_: float) -> bool:
                raise KeyboardInterrupt

            def release(self) -> None:
                raise RuntimeError

        def interrupt(self: _Item[object], work: Any) -> None:
            begin(self, work)
            self.wake = Interrupted()  # type: ignore[assignment]  # a caller who is interrupted while it waits

        begin = _Item.__init__
        with ThreadPoolExecutor(1) as pool:
            blocked = pool.submit(database.write, block)
            assert entered.wait(5)
            with monkeypatch.context() as patch:
                patch.setattr(_Item, "__init__", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    fact(database, "interrupted")
            go.set()
            blocked.result()
        fact(database, "next")
        assert names(database) == {"next"}


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


class Ended(BaseException):
    """What ends a thread from outside, as an interrupt of the keyboard does."""


def test_end_of_a_thread_in_its_own_work_writes_nothing(database: Database) -> None:
    recorder = Recorder()
    database.join(recorder)

    def work(connection: Connection) -> None:
        recorder.count += 1
        deployment.insert_fact(connection, "half", "1")
        raise Ended

    with pytest.raises(Ended):
        database.write(work)
    fact(database, "next")
    assert names(database) == {"next"}
    assert recorder.count == 0


def test_end_of_the_thread_that_writes_reaches_it_and_not_the_others(database: Database) -> None:
    entered, go = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        entered.set()
        assert go.wait(5)
        deployment.insert_fact(connection, "slow", "1")

    def end(connection: Connection) -> None:
        deployment.insert_fact(connection, "half", "1")
        raise Ended

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(database.write, slow)
        assert entered.wait(5)
        others = [pool.submit(database.write, end), pool.submit(fact, database, "third")]
        time.sleep(0.1)
        go.set()
        first.result()
        failures = [type(each.exception(5)) for each in others]
    # One of the two had the turn: it ends where its own work says so, or where it wrote for the other.
    assert failures in ([Ended, type(None)], [Unavailable, Ended])
    assert names(database) == {"slow", "third"}


@pytest.mark.parametrize("happens", [True, False])
@pytest.mark.parametrize("where", ["begin_write", "commit"])
def test_end_of_a_thread_between_works_is_settled(
    database: Database, monkeypatch: pytest.MonkeyPatch, where: str, happens: bool
) -> None:
    committed = where == "commit" and happens
    recorder = Recorder(answer=committed)
    database.join(recorder)
    real = getattr(SqliteSession, where)

    def ending(session: SqliteSession) -> None:
        monkeypatch.setattr(SqliteSession, where, real)
        if happens:
            real(session)
        raise Ended

    def work(connection: Connection) -> None:
        recorder.count += 1
        deployment.insert_fact(connection, "doubtful", "1")

    monkeypatch.setattr(SqliteSession, where, ending)
    with pytest.raises(Ended):
        database.write(work)
    fact(database, "next")
    assert names(database) == {"next"} | ({"doubtful"} if committed else set())
    assert recorder.count == int(committed)


def test_writes_of_many_threads_while_some_leave(tmp_path: Path) -> None:
    with database_at(tmp_path, wait=0.05) as database, ThreadPoolExecutor(16) as pool:
        done = [pool.submit(fact, database, f"fact-{n}") for n in range(400)]
        there = {f"fact-{n}" for n, each in enumerate(done) if each.exception(30) is None}
        assert {type(each.exception()) for each in done} <= {type(None), Unavailable}
        assert names(database) == there
