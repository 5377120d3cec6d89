"""A fork carries no open SQLite file: what a child was told is durable stays when its parent lets go of the file."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection

from consentgate.errors import Unavailable
from consentgate.storage import forks
from consentgate.storage.database import Database
from consentgate.storage.patience import Patience
from tests.functional.storage.place import database_at
from tests.functional.storage.writing import Recorder, fact, names

pytestmark = pytest.mark.sqlite_file  # its locks; a server's sessions stay with the process that opened them


class Child:
    """A forked process that does one thing, and tells what came of it once it may."""

    def __init__(self, work: Callable[[], object], after: Callable[[], object] = lambda: None) -> None:
        begun, self._go = os.pipe()
        self._ready, ready = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            status = 1
            try:
                os.close(self._go)
                told = self._told(work)
                os.write(ready, told)
                os.read(begun, 1)
                after()
                status = 0
            finally:
                os._exit(status)
        os.close(begun)
        os.close(ready)
        # What it came to, as soon as it is done.
        self.told = os.read(self._ready, 1000).decode()

    def go_on(self) -> None:
        os.close(self._go)
        assert os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1]) == 0
        os.close(self._ready)

    @staticmethod
    def _told(work: Callable[[], object]) -> bytes:
        try:
            work()
        except Unavailable as failure:
            return str(failure).encode()
        return b"done"


def test_what_a_child_wrote_stands_when_its_parent_lets_go_of_the_file(tmp_path: Path) -> None:
    with database_at(tmp_path) as database:
        fact(database, "parent")
        child = Child(lambda: fact(database, "first"), lambda: fact(database, "second"))
        # The last connection of which the system knows, unless the child has locks of its own.
        database.close()
        with database_at(tmp_path) as another:
            assert names(another) == {"parent", "first"}
        child.go_on()
        with database_at(tmp_path) as another:
            assert names(another) == {"parent", "first", "second"}


def test_parent_goes_on_where_it_was(database: Database) -> None:
    recorder = Recorder()
    database.join(recorder)
    fact(database, "before")
    recorder.count = 5
    Child(lambda: None).go_on()
    recorder.count = 0
    fact(database, "after")
    # What follows a connection was put back when the next one was opened.
    assert recorder.count == 5
    assert names(database) == {"before", "after"}


def test_child_of_a_fork_in_the_middle_of_a_read_says_so(database: Database) -> None:
    fact(database, "parent")
    with database.read():
        child = Child(lambda: fact(database, "child"))
    assert "forked while its parent" in child.told
    child.go_on()
    fact(database, "next")
    # The next fork finds nothing open.
    clean = Child(lambda: fact(database, "clean"))
    clean.go_on()
    assert names(database) == {"parent", "next", "clean"}


def test_grandchild_of_such_a_fork_says_so_too(database: Database) -> None:
    def again() -> None:
        inner = Child(lambda: fact(database, "grandchild"))
        inner.go_on()
        raise Unavailable(inner.told)

    with database.read():
        child = Child(again)
    assert "forked while its parent" in child.told
    child.go_on()


def test_fork_in_the_middle_of_a_write_is_told_to_the_child(database: Database) -> None:
    children: list[Child] = []

    def work(connection: Connection) -> None:
        children.append(Child(lambda: names(database)))

    database.write(work)
    assert "forked while its parent" in children[0].told
    children[0].go_on()


def test_fork_waits_for_what_others_read_and_they_for_it(database: Database) -> None:
    fact(database, "parent")
    reading, go = threading.Event(), threading.Event()

    def read() -> None:
        with database.read():
            reading.set()
            assert go.wait(5)
            # Inside of one reading another begins, although a fork waits.
            assert names(database) == {"parent"}

    children: list[Child] = []

    def fork() -> None:
        children.append(Child(lambda: fact(database, "child")))

    # Not of a pool: while a process is forked, the interpreter starts no work in pools.
    threads = [threading.Thread(target=each) for each in (read, fork, lambda: fact(database, "later"))]
    threads[0].start()
    assert reading.wait(5)
    threads[1].start()
    while not forks._forks.under_way:
        time.sleep(0.001)
    threads[2].start()
    time.sleep(0.05)
    assert children == []
    assert threads[2].is_alive()
    go.set()
    for thread in threads:
        thread.join(10)
    assert children[0].told == "done"
    children[0].go_on()
    assert names(database) == {"parent", "child", "later"}


def test_fork_does_not_wait_for_ever(database: Database, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    database._patience = Patience(fork=0.05)
    reading, go = threading.Event(), threading.Event()

    def read() -> None:
        with database.read():
            reading.set()
            assert go.wait(5)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(read)
        assert reading.wait(5)
        # One that reads nothing now, and would be waited for longer.
        with database_at(elsewhere) as other:
            names(other)
            child = Child(lambda: names(database))
        go.set()
        slow.result()
    assert "forked while its parent" in child.told
    child.go_on()
