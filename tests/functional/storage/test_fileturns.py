"""Several that write to one SQLite file in one process: who came first goes first, and nobody starves."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Connection

from consentgate.errors import Unavailable
from consentgate.moment import system_clock
from consentgate.storage import deployment
from consentgate.storage.database import Database
from consentgate.storage.fileturns import turns_of
from consentgate.storage.patience import Patience
from tests.functional.storage.writing import fact, names

pytestmark = pytest.mark.sqlite_file  # PostgreSQL has no file of ours

WRITERS = 12


@pytest.fixture
def several(database: Database) -> Iterator[list[Database]]:
    """So many databases of their own on the file that the fixture made."""
    with ExitStack() as stack:
        made = [Database(database._engine, clock=system_clock) for _ in range(WRITERS)]
        for each in made:
            stack.callback(each.close)
        yield made


def waiting(database: Database) -> int:
    return len(turns_of(str(database._engine.url.database))._waiting)


def test_writers_of_one_file_go_in_the_order_of_their_coming(
    database: Database, several: list[Database]
) -> None:
    entered, go, order = threading.Event(), threading.Event(), list[int]()

    def hold(_: Connection) -> None:
        entered.set()
        assert go.wait(10)

    def note(number: int) -> None:
        def work(connection: Connection) -> None:
            order.append(number)
            deployment.insert_fact(connection, f"writer-{number}", "1")

        several[number].write(work)

    first = threading.Thread(target=database.write, args=(hold,))
    first.start()
    assert entered.wait(10)
    threads = []
    for number in range(WRITERS):
        threads.append(threading.Thread(target=note, args=(number,)))
        threads[-1].start()
        while waiting(database) < number + 1:
            time.sleep(0.001)
    go.set()
    for thread in (first, *threads):
        thread.join()
    assert order == list(range(WRITERS))
    assert len(names(database)) == WRITERS


def test_who_waits_for_too_long_is_refused_and_the_turn_goes_on(
    database: Database, several: list[Database]
) -> None:
    for each in several:
        each._patience = Patience(busy=0.05)
    entered, go = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        entered.set()
        assert go.wait(10)

    holder = threading.Thread(target=database.write, args=(hold,))
    holder.start()
    assert entered.wait(10)
    with pytest.raises(Unavailable, match="others in this process"):
        fact(several[0], "too-late")
    go.set()
    holder.join()
    fact(several[0], "in-time")
    assert names(database) == {"in-time"}


def test_who_could_not_begin_gives_its_turn_back(database: Database, several: list[Database]) -> None:
    for each in several:
        each._patience = Patience(busy=0.05)
    stranger = sqlite3.connect(str(database._engine.url.database), isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    for each in several[:3]:
        with pytest.raises(Unavailable, match="another process"):
            fact(each, "held-up")
    stranger.close()
    fact(several[3], "free")
    assert names(database) == {"free"}
