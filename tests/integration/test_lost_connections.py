"""PostgreSQL goes away: lost connections, commits in doubt, a server that stops."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine

from consentgate.entries.leaf import decode
from consentgate.errors import Unavailable
from consentgate.log.append import Lanes
from consentgate.moment import system_clock, system_random
from consentgate.storage import deployment, looking, stored
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.postgres import PostgresSession
from tests.databases import Raw, server
from tests.functional.log.place import draft, require_lanes
from tests.integration.place import Ledger, backend_of, cut_after, end, pid

pytestmark = pytest.mark.postgres


def test_connection_lost_before_the_commit_is_written_again(ledger: Ledger, behind: Raw) -> None:
    runs: list[int] = []

    def work(connection: Connection) -> object:
        runs.append(pid(connection))
        if len(runs) == 1:
            end(behind, runs[0])
        return ledger.append(connection)

    ledger.database.write(ledger.append)
    ledger.database.write(work)
    ledger.database.write(ledger.append)
    assert len(set(runs)) == 2
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 3


def test_commit_whose_answer_was_lost_is_looked_up_and_stands(
    ledger: Ledger, behind: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_after(monkeypatch, behind, "commit")
    first = ledger.database.write(ledger.append)
    ledger.database.write(ledger.append)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert lane[0].id == first.id
    assert len(lane) == 2


def test_commit_that_never_arrived_is_written_again(
    ledger: Ledger, behind: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = PostgresSession.commit

    def cut(self: PostgresSession) -> None:
        monkeypatch.setattr(PostgresSession, "commit", whole)
        end(behind, self.backend[0])
        whole(self)

    monkeypatch.setattr(PostgresSession, "commit", cut)
    ledger.database.write(ledger.append)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_single_statement_whose_answer_was_lost(ledger: Ledger, behind: Raw, arrived: bool) -> None:
    runs: list[int] = []

    def work(connection: Connection) -> object:
        runs.append(backend_of(connection))
        if len(runs) == 1 and not arrived:
            end(behind, runs[0])
        found = ledger.append(connection)
        if len(runs) == 1:
            end(behind, runs[0])
            connection.exec_driver_sql("SELECT 1")
        return found

    if arrived:
        with pytest.raises(Unavailable, match="was made, but the database's answer was lost"):
            ledger.database.write(work, single=True)
    else:
        ledger.database.write(work, single=True)
    ledger.database.write(ledger.append, single=True)
    assert len(runs) == (1 if arrived else 2)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 2


def test_lane_in_doubt_waits_and_others_go_on(
    ledger: Ledger, behind: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.database.write(ledger.append)
    cut_after(monkeypatch, behind, "commit")
    with monkeypatch.context() as patch:
        patch.setattr(PostgresSession, "ended", lambda *_, **__: False)
        patch.setattr(Lanes, "landed", lambda *_: False)
        with pytest.raises(Unavailable, match="not known"):
            ledger.database.write(ledger.append)
        ledger.database.write(ledger.append)
    assert len(require_lanes(ledger.leaves())) == 2
    # The next session that opens asks again, and takes the lane over.
    barrier = threading.Barrier(2)

    def both(connection: Connection) -> None:
        barrier.wait(5)
        ledger.append(connection)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(ledger.database.write, both) for _ in range(2)]:
            done.result()
    assert sorted(len(lane) for lane in require_lanes(ledger.leaves()).values()) == [2, 3]


def test_doubt_about_what_no_lane_was_part_of_is_told(
    ledger: Ledger, behind: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_after(monkeypatch, behind, "commit")
    with pytest.raises(Unavailable, match="not known"):
        ledger.database.write(lambda c: deployment.insert_fact(c, "colour", "green"))
    with ledger.database.read() as connection:
        assert deployment.fact(connection, "colour") == "green"


def test_idle_connections_that_the_server_ended_are_opened_anew(ledger: Ledger, behind: Raw) -> None:
    ledger.database.write(ledger.append)
    with ledger.database.read() as connection:
        pid(connection)
    behind.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with ledger.database.glance() as connection:
        assert looking.unsequenced(connection) == 1
    ledger.database.write(ledger.append)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 2


def test_interrupt_loses_nothing_of_the_lane(ledger: Ledger) -> None:
    def interrupted(connection: Connection) -> None:
        ledger.append(connection)
        raise KeyboardInterrupt

    ledger.database.write(ledger.append)
    with pytest.raises(KeyboardInterrupt):
        ledger.database.write(interrupted)
    ledger.database.write(ledger.append)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 2


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"database": "nowhere"}, "no database of this name"),
        ({"username": "nobody"}, "user or password"),
        ({"query": {"host": "/nowhere"}}, "out of reach"),
    ],
)
def test_database_out_of_reach_is_unavailable(url: str, wrong: dict[str, Any], match: str) -> None:
    engine = open_engine(url)
    database = Database(create_engine(engine.url.set(**wrong)), clock=system_clock)
    with pytest.raises(Unavailable, match=match), database.read():
        pass
    with pytest.raises(Unavailable, match=match):
        database.write(lambda _: None)
    database.close()


def test_writes_end_with_the_server_and_begin_with_it_again() -> None:
    """Its own server, since it is stopped."""
    with server() as running:
        database = Database(open_engine(running.database()), clock=system_clock)
        lanes = Lanes(database, system_random)
        database.write(lambda c: lanes.append(c, draft(system_clock())))
        running.stop()
        for single in (True, False):
            with pytest.raises(Unavailable):
                database.write(lambda c: lanes.append(c, draft(system_clock())), single=single)
        with pytest.raises(Unavailable), database.read():
            pass
        running.start()
        database.write(lambda c: lanes.append(c, draft(system_clock())))
        with database.read() as connection:
            (lane,) = require_lanes([decode(r["leaf"]) for r in stored.entries(connection)]).values()
        assert len(lane) == 2
        database.close()
