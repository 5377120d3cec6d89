"""Threads, forks, aborts, lost pools and commits in doubt at once: lanes stay whole, and nothing raises an alarm."""

import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from psycopg import OperationalError
from sqlalchemy import Connection, Engine, create_engine

from consentgate.config.parts import database_of
from consentgate.config.settings import Settings
from consentgate.entries.leaf import Draft
from consentgate.errors import Unavailable
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.moment import system_clock, system_random
from consentgate.storage.postgres import PostgresSession
from consentgate.storage.sqlite import SqliteSession
from tests.databases import raw
from tests.functional.crash.child import IN_DOUBT, new_id
from tests.functional.crash.judge import bare, require_whole
from tests.functional.crash.judgement import require_holds

THREADS: Final = 6
ACTS: Final = 60
_HANG_UP: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Abort(Exception):
    """What work raises that wants nothing written."""


class Crowd:
    """Threads that write, each in its own way, and a count of what came of it."""

    def __init__(self, settings: Settings, host: Engine) -> None:
        self.settings = settings
        self.host = host
        self.database = database_of(settings, engine=host)
        self.lanes = Lanes(self.database, system_random)
        self.durable: set[UUID] = set()
        self.absent: set[UUID] = set()
        self.doubted: set[UUID] = set()
        self.doubts: list[bool] = []
        self._why = ""
        self._places = threading.Semaphore(THREADS)
        self._alone = threading.Lock()

    def act(self, seed: int) -> None:
        dice = Random(seed)
        acts: tuple[tuple[Callable[[Random], object], int], ...] = (
            (self.write, 8),
            (self.abort, 3),
            (self.fail, 2),
            (self.doubt, 3),
            (self.reset, 1),
            (self.fork, 1),
        )
        for _ in range(ACTS):
            (chosen,) = dice.choices([each for each, _ in acts], [weight for _, weight in acts])
            if chosen == self.fork:
                self.fork(dice)
                continue
            with self._places:
                chosen(dice)

    def write(self, dice: Random) -> None:
        count = dice.choice((1, 1, 3))
        self._tell([new_id() for _ in range(count)], single=count == 1 and dice.random() < 0.5)

    def abort(self, dice: Random) -> None:
        ids = [new_id() for _ in range(dice.choice((1, 2)))]

        def work(connection: Connection) -> None:
            self._append(connection, ids)
            raise Abort

        self.absent.update(ids)
        with suppress(Abort, Unavailable):
            self.database.write(work)

    def fail(self, _: Random) -> None:
        """Let the database itself refuse in the middle."""
        ids = [new_id()]

        def work(connection: Connection) -> None:
            self._append(connection, ids)
            connection.exec_driver_sql("INSERT INTO deployment (name) VALUES (NULL)")

        self.absent.update(ids)
        with suppress(Unavailable):
            self.database.write(work)

    def doubt(self, dice: Random) -> None:
        """Let the answer to a commit be lost: it happened, or it did not."""
        self.doubts.append(dice.random() < 0.5)
        self._tell([new_id(), new_id()])

    def reset(self, _: Random) -> None:
        """Let the host throw its pool away, and the server hang up."""
        self.host.dispose()
        if self.host.dialect.name != "sqlite":
            # Another thread that does the same may hang up on this one.
            with suppress(OperationalError), raw(self.settings.database) as behind:
                behind.execute(_HANG_UP)

    def fork(self, dice: Random) -> None:
        """Let a child write too, while no thread is inside a driver, whose locks a child could never take."""
        with self._alone:
            for _ in range(THREADS):
                self._places.acquire()
            ids, killed = [new_id(), new_id()], dice.random() < 0.5
            child = os.fork()
            if child == 0:
                self._be_child(ids, killed=killed)
            self._places.release(THREADS)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == (-signal.SIGKILL if killed else 0)
        self.durable.update(ids)

    def _be_child(self, ids: list[UUID], *, killed: bool) -> None:
        status = 1
        try:
            self.doubts.clear()
            # A reset of the parent's may strike here too, and other processes hold the file's lock.
            until = time.monotonic() + 20
            while not self._attempt(ids):
                assert time.monotonic() < until, self._why
                time.sleep(0.01)
            if killed:
                os.kill(os.getpid(), signal.SIGKILL)
            with suppress(Unavailable):
                append_writer_stop(self.database, self.lanes, system_random)
            self.database.close()
            status = 0
        except Exception:  # noqa: BLE001  # a child tells and ends, whatever it was
            traceback.print_exc()
        finally:
            os._exit(status)

    def _attempt(self, ids: list[UUID]) -> bool:
        try:
            self.database.write(lambda connection: self._append(connection, ids))
        except Unavailable as failure:
            self._why = str(failure)
            return False
        return True

    def _tell(self, ids: list[UUID], *, single: bool = False) -> None:
        try:
            self.database.write(lambda connection: self._append(connection, ids), single=single)
        except Unavailable as failure:
            known = not any(each in str(failure) for each in IN_DOUBT)
            (self.absent if known else self.doubted).update(ids)
        else:
            self.durable.update(ids)

    def _append(self, connection: Connection, ids: list[UUID]) -> None:
        for each in ids:
            self.lanes.append(connection, Draft(id=each, kind="heartbeat", at=system_clock()))


@contextmanager
def doubtful(crowd: Crowd, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lose the answers to commits, where the crowd wants it."""
    for session in (SqliteSession, PostgresSession):
        patch.setattr(session, "commit", losing(session.commit, crowd.doubts))
    yield


def losing(commit: Callable[[Any], None], doubts: list[bool]) -> Callable[[Any], None]:
    def lost(session: Any) -> None:
        # Reading ends by a commit too, of which nobody is in doubt.
        if not session.in_transaction or not getattr(session, "_writes", True):
            commit(session)
            return
        try:
            happens = doubts.pop()
        except IndexError:
            commit(session)
            return
        if happens:
            commit(session)
        if isinstance(session, PostgresSession):
            session._raw.close()
        raise Unavailable("The connection was lost.")

    return lost


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # connections that were taken away while they were made
@pytest.mark.parametrize("seed", [1, 2])
def test_lanes_stay_whole_whatever_happens_to_their_connections(
    home: Settings, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    crowd = Crowd(home, create_engine(home.database))
    crowd.write(Random(seed))
    with doubtful(crowd, monkeypatch), ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(crowd.act, 100 * seed + n) for n in range(THREADS)]:
            done.result()
        crowd.doubts.clear()
    crowd._tell([new_id()])
    with suppress(Unavailable):
        append_writer_stop(crowd.database, crowd.lanes, system_random)
    crowd.database.close()
    gc.collect()
    require_holds(home)
    rows = bare(home.database)
    require_whole(rows, home.log_vkey.read_text().strip())
    there = {UUID(each.id) for each in rows.entries.values() if each.kind == "heartbeat"}
    assert crowd.durable <= there
    assert crowd.absent & there == set()
    assert there - crowd.durable <= crowd.doubted
