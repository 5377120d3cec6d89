"""The one that writes is interrupted, or its commit fails: what happened is looked up, and told to each."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate.errors import Unavailable
from consentgate.storage import deployment
from consentgate.storage.database import Database
from consentgate.storage.sqlite import SqliteSession
from consentgate.storage.writer import _Item
from tests.functional.storage.place import database_at
from tests.functional.storage.writing import Recorder, fact, names

pytestmark = pytest.mark.sqlite_file  # its one writer; PostgreSQL: tests/integration


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
