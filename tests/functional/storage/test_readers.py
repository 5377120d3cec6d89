"""Reading beside the one that writes, in a child of a fork, and beside a host's own engine."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from consentgate.errors import Unavailable
from consentgate.storage import deployment
from consentgate.storage.database import Database
from tests.functional.storage.place import database_at, engine_at, entry_row
from tests.functional.storage.writing import fact, names

pytestmark = pytest.mark.sqlite_file  # its one writer; PostgreSQL: tests/integration


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
