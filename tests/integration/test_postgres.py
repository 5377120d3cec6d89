"""What only a real PostgreSQL shows: lost connections, commits in doubt, lanes side by side, a server that stops."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from consentgate.entries.leaf import Leaf, decode
from consentgate.errors import InvalidInput, Misconfigured, SchemaMismatch, Unavailable
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.log.sequencer import Sequencer
from consentgate.moment import from_millis, system_clock, system_random
from consentgate.storage import deployment, locks, looking, schema, sequence, stored
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.failures import Duplicate
from consentgate.storage.postgres import PostgresSession
from consentgate.testing.clock import FrozenClock
from tests.databases import Raw, Server, engine_of, raw, server
from tests.functional.log.place import draft, require_lanes

pytestmark = pytest.mark.postgres


@dataclass
class Ledger:
    url: str
    database: Database
    lanes: Lanes

    def append(self, connection: Connection) -> Any:
        return self.lanes.append(connection, draft(system_clock()))

    def leaves(self) -> list[Leaf]:
        with self.database.read() as connection:
            return [decode(row["leaf"]) for row in stored.entries(connection)]


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    made = postgres.database()
    yield made
    postgres.drop(made)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    database = Database(open_engine(url), clock=system_clock, wait=1.0)
    yield Ledger(url, database, Lanes(database, system_random))
    database.close()


@pytest.fixture
def behind(url: str) -> Iterator[Raw]:
    with raw(url) as connection:
        yield connection


def pid(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def backend_of(connection: Connection) -> int:
    """Like `pid`, without asking the server."""
    raw_connection: Any = connection.connection.dbapi_connection
    return int(raw_connection.info.backend_pid)


def cut_after(monkeypatch: pytest.MonkeyPatch, behind: Raw, method: str) -> None:
    """Let a session's next such statement reach the server, and lose the connection before its answer is heard."""
    whole: Callable[[PostgresSession], None] = getattr(PostgresSession, method)

    def cut(self: PostgresSession) -> None:
        monkeypatch.setattr(PostgresSession, method, whole)
        whole(self)
        end(behind, self.backend[0])
        self.connection.exec_driver_sql("SELECT 1")

    monkeypatch.setattr(PostgresSession, method, cut)


def end(behind: Raw, backend: int) -> None:
    assert behind.execute("SELECT pg_terminate_backend(?, 5000)", (backend,)).fetchone()[0]


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


def test_many_threads_write_whole_lanes_at_once_and_each_ends_on_purpose(ledger: Ledger) -> None:
    barrier = threading.Barrier(4)

    def work(connection: Connection) -> None:
        barrier.wait(5)
        ledger.append(connection)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ledger.database.write, work) for _ in range(12)]:
            done.result()
    append_writer_stop(ledger.database, ledger.lanes, system_random)
    lanes = require_lanes(ledger.leaves()).values()
    assert len(lanes) == 4
    assert {lane[-1].kind for lane in lanes} == {"writer_stop"}


def test_work_that_fails_leaves_nothing_and_its_lane_where_it_was(ledger: Ledger) -> None:
    def fails(connection: Connection) -> None:
        ledger.append(connection)
        raise ZeroDivisionError

    def swallows(connection: Connection) -> None:
        deployment.insert_fact(connection, "colour", "green")
        with pytest.raises(Duplicate):
            deployment.insert_fact(connection, "colour", "red")

    with pytest.raises(ZeroDivisionError):
        ledger.database.write(fails)
    with pytest.raises(Unavailable, match="had failed before its end"):
        ledger.database.write(swallows)
    with pytest.raises(SchemaMismatch):
        ledger.database.write(lambda c: c.execute(text("SELECT * FROM nothing")))
    with pytest.raises(InvalidInput, match="inside another one"):
        ledger.database.write(lambda _: ledger.database.write(ledger.append))
    ledger.database.write(ledger.append)
    (lane,) = require_lanes(ledger.leaves()).values()
    assert len(lane) == 1
    with ledger.database.read() as connection:
        assert deployment.fact(connection, "colour") is None


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


def test_copy_of_a_lane_begins_another_that_names_it(ledger: Ledger) -> None:
    marks: list[object] = []

    def work(connection: Connection) -> None:
        marks.append(ledger.lanes.mark(connection))
        ledger.append(connection)

    def copied(connection: Connection) -> None:
        ledger.lanes.reset(connection, marks[0])
        ledger.append(connection)
        ledger.append(connection)

    ledger.database.write(work)
    ledger.database.write(copied)
    old, new = require_lanes(ledger.leaves()).values()
    assert new[0].after is not None
    assert (new[0].after.w, new[0].after.n, len(new)) == (old[0].w, 0, 2)


def test_two_who_make_the_same_row_first_both_succeed(ledger: Ledger) -> None:
    runs: list[str] = []
    barrier = threading.Barrier(2)

    def work(connection: Connection) -> str:
        runs.append("run")
        there = connection.execute(text("SELECT count(*) FROM artifact")).scalar()
        if len(runs) <= 2:
            barrier.wait(5)
        if not there:
            connection.execute(
                text("INSERT INTO artifact VALUES ('default', :digest, 'notice', 'text/plain', '')"),
                {"digest": bytes(32)},
            )
            return "made"
        return "found"

    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(ledger.database.write, work) for _ in range(2)]
    assert sorted(each.result() for each in results) == ["found", "made"]
    assert len(runs) == 3


def test_deadlock_is_told_and_tried_again(ledger: Ledger) -> None:
    runs: list[int] = []
    barrier = threading.Barrier(2)

    def work(first: int, connection: Connection) -> None:
        runs.append(first)
        locks.hold(connection, alone=[first])
        if len(runs) <= 2:
            barrier.wait(5)
        locks.hold(connection, alone=[3 - first])

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(ledger.database.write, lambda c, n=n: work(n, c)) for n in (1, 2)]:
            done.result()
    assert len(runs) == 3


def test_locks_are_shared_or_held_alone(ledger: Ledger, behind: Raw) -> None:
    def held(connection: Connection) -> list[tuple[str, int]]:
        locks.hold(connection, shared=[5, -7, 9], alone=[9, -8])
        mine = (
            "SELECT mode, (classid::bigint << 32) + objid::bigint FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        return [(row[0], row[1]) for row in connection.exec_driver_sql(mine)]

    assert sorted(ledger.database.write(held)) == [
        ("ExclusiveLock", -8),
        ("ExclusiveLock", 9),
        ("ShareLock", -7),
        ("ShareLock", 5),
    ]
    assert behind.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)


def test_lock_that_is_held_for_too_long_is_unavailable(ledger: Ledger, behind: Raw) -> None:
    behind.execute("SELECT pg_advisory_lock(7)")

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20ms'")
        locks.hold(connection, alone=[7])

    with pytest.raises(Unavailable, match="held a lock for too long"):
        ledger.database.write(work)


def test_entry_that_commits_late_gets_a_later_position(ledger: Ledger) -> None:
    sequencer = Sequencer(ledger.database)
    begun, go_on = threading.Event(), threading.Event()

    def late(connection: Connection) -> Any:
        found = ledger.append(connection)
        begun.set()
        assert go_on.wait(5)
        return found

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ledger.database.write, late)
        assert begun.wait(5)
        second = ledger.database.write(ledger.append)
        assert sequencer.once() == 1
        go_on.set()
        first = waiting.result()
    assert first.ordinal < second.ordinal
    assert sequencer.once() == 1
    with ledger.database.read() as connection:
        assert sequence.position_of(connection, "default", first.id) == 1


def test_sequencer_leaves_its_turn_to_another(ledger: Ledger, behind: Raw) -> None:
    ledger.database.write(ledger.append)
    lock = "hashtextextended('consentgate sequencer ' || current_schema(), 0)"
    behind.execute(f"SELECT pg_advisory_lock({lock})")
    assert Sequencer(ledger.database).once() == 0
    behind.execute(f"SELECT pg_advisory_unlock({lock})")
    assert Sequencer(ledger.database).once() == 1


def test_session_is_durable_and_bounded(ledger: Ledger, behind: Raw) -> None:
    behind.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    behind.execute("ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'serializable'")

    def asked(connection: Connection) -> list[Any]:
        names = ("synchronous_commit", "transaction_isolation", "lock_timeout", "statement_timeout")
        return [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]

    try:
        assert ledger.database.write(asked) == ["on", "read committed", "4s", "5s"]
        assert ledger.database.write(asked, single=True) == ["on", "read committed", "4s", "5s"]
    finally:
        behind.execute("ALTER ROLE CURRENT_USER RESET ALL")
    with ledger.database.read() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "repeatable read"
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "on"
    with ledger.database.glance() as connection, pytest.raises(Unavailable, match="takes no writes"):
        deployment.insert_fact(connection, "colour", "green")


def test_append_makes_its_transaction_durable_and_insists_on_read_committed(
    ledger: Ledger, behind: Raw
) -> None:
    behind.execute("SET synchronous_commit = off")
    behind.execute("BEGIN")
    call = "SELECT code FROM consentgate_append('{}','{}','{}','{}','{}','{}','','t',?,'k',consentgate_now(),"
    call += "0::smallint,?,0,'','','',?,'','{}')"
    values = (bytes(16), bytes(16), bytes(32))
    assert behind.execute(call, values).fetchone() == ("done",)
    assert behind.execute("SHOW synchronous_commit").fetchone() == ("on",)
    assert behind.execute("SHOW lock_timeout").fetchone() == ("4s",)
    behind.execute("ROLLBACK")
    behind.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    with pytest.raises(Exception, match="READ COMMITTED only"):
        behind.execute(call, values)
    behind.execute("ROLLBACK")


def test_functions_look_in_their_own_schema_only(ledger: Ledger, behind: Raw) -> None:
    behind.execute("CREATE TEMP TABLE entry (tenant text, kind text, about int)")
    behind.execute("INSERT INTO entry VALUES ('default', 'packs', 0)")
    version = "SELECT consentgate_version('default', '{}', '{}', '{}', '{}')"
    assert behind.execute(version).fetchone() == ("||assertion=0,packs=0,registry=0",)


def test_behind_a_pooling_proxy_nothing_is_kept_in_the_session(url: str) -> None:
    database = Database(open_engine(url), clock=system_clock, pooler=True)
    lanes = Lanes(database, system_random)

    def work(connection: Connection) -> list[Any]:
        lanes.append(connection, draft(system_clock()))
        asked = ("SHOW statement_timeout", "SELECT count(*) FROM pg_prepared_statements")
        return [connection.exec_driver_sql(sql).scalar() for sql in asked]

    assert database.write(work) == ["5s", 0]
    with database.glance() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "0"
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
    session = PostgresSession(open_engine(url), writes=True, pooler=True)
    assert not session.ended((0, ""), since=10**12)
    assert session.ended((0, ""), since=-(10**12))
    session.close()
    database.close()


def test_statements_are_prepared_where_no_proxy_is_in_the_way(ledger: Ledger) -> None:
    def prepared(connection: Connection) -> int:
        ledger.append(connection)
        found = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT code,%%'"
        )
        return int(found.scalar_one())

    assert ledger.database.write(prepared) == 1


def test_test_clock_rules_a_marked_database_and_no_other(url: str, ledger: Ledger) -> None:
    clock = FrozenClock(datetime(2031, 5, 6, tzinfo=UTC))
    database = Database(open_engine(url), clock=clock, test_clock=True)
    database.check()
    clock.advance(timedelta(hours=3))
    for opened in (database.read, database.glance):
        with opened() as connection:
            assert from_millis(deployment.now(connection)) == clock()
            assert deployment.is_test_database(connection)
    lanes = Lanes(database, system_random)
    for single in (True, False):
        clock.advance(60)
        database.write(lambda c: lanes.append(c, draft(clock())), single=single)
    database.close()
    # Who has no test clock goes by the server's.
    with ledger.database.read() as connection:
        assert abs(from_millis(deployment.now(connection)) - system_clock()) < timedelta(minutes=1)
    with engine_of(url) as engine:
        assert schema.upgrade(engine).repaired == ()


def test_test_clock_in_a_database_that_is_not_marked_is_refused(url: str, behind: Raw) -> None:
    from consentgate.storage.functions import TEST_CLOCK

    behind.execute(TEST_CLOCK)
    with engine_of(url) as engine, pytest.raises(SchemaMismatch, match="consentgate_now"):
        schema.check(engine)


def test_server_that_can_lose_what_it_confirmed_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from consentgate.storage import postgres

    for name, fake, match in (
        ("fsync", "'off'", "fsync = off"),
        ("full_page_writes", "'off'", "full_page_writes = off"),
    ):
        monkeypatch.setattr(postgres, "_LOOK", postgres._LOOK.replace(f"current_setting('{name}')", fake))
        with pytest.raises(Misconfigured, match=match):
            PostgresSession(open_engine(url), writes=False)
        monkeypatch.undo()
    monkeypatch.setattr(postgres, "OLDEST", 990000)
    with pytest.raises(Misconfigured, match="oldest supported"):
        PostgresSession(open_engine(url), writes=False)
    monkeypatch.setattr(postgres, "OLDEST", 0)
    monkeypatch.setattr(postgres, "_LOOK", postgres._LOOK.replace("pg_is_in_recovery()", "true"))
    with pytest.raises(Misconfigured, match="standby"):
        PostgresSession(open_engine(url), writes=False)
    PostgresSession(open_engine(url), writes=False, standby=True).close()


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


def test_closed_database_takes_no_writes(ledger: Ledger) -> None:
    ledger.database.close()
    with pytest.raises(Unavailable, match="closed"):
        ledger.database.write(ledger.append)


def test_turn_that_does_not_come_is_unavailable(url: str) -> None:
    database = Database(open_engine(url), clock=system_clock, wait=0.05)
    go_on = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        barrier = threading.Barrier(9)

        def work(_: Connection) -> None:
            barrier.wait(5)
            assert go_on.wait(5)

        busy = [pool.submit(database.write, work) for _ in range(8)]
        barrier.wait(5)
        with pytest.raises(Unavailable, match="too busy"):
            database.write(lambda _: None)
        go_on.set()
        for each in busy:
            each.result()
    database.close()
