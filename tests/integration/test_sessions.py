"""What a session of ours sets, keeps and refuses on PostgreSQL."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate.errors import Misconfigured, SchemaMismatch, Unavailable
from consentgate.log.append import Lanes
from consentgate.moment import from_millis, system_clock, system_random
from consentgate.storage import deployment, postgres, schema
from consentgate.storage.arrays import numbers, octets, words
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.patience import Patience
from consentgate.storage.postgres import PostgresSession
from consentgate.storage.prepared import call
from consentgate.testing.clock import FrozenClock
from tests.databases import Raw, engine_of
from tests.functional.log.place import draft
from tests.integration.place import Ledger

pytestmark = pytest.mark.postgres


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


SEEN = (
    "CREATE TABLE seen (setting text)",
    (
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
    ),
    (
        "CREATE CONSTRAINT TRIGGER look AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION look()"
    ),
)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(
    ("weak", "seen"),
    [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")],
)
def test_each_transaction_is_durable_whatever_was_done_to_its_session(
    ledger: Ledger, behind: Raw, single: bool, weak: str, seen: str
) -> None:
    for statement in SEEN:
        behind.execute(statement)

    def undo(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET synchronous_commit = {weak}")

    # Of one process the session that was used last is the next: what a proxy hands on is such a session.
    ledger.database.write(undo)
    ledger.database.write(ledger.append, single=single)
    assert behind.execute("SELECT setting FROM seen").fetchall() == [(seen,)]
    with ledger.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 1


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
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "4s"
    with database.read() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "1min"
    session = PostgresSession(open_engine(url), writes=True, pooler=True)
    assert not session.ended((0, ""), since=10**12)
    assert session.ended((0, ""), since=-(10**12))
    session.close()
    database.close()


@pytest.mark.parametrize("pooler", [True, False])
def test_glance_waits_for_no_lock_for_ever(url: str, behind: Raw, pooler: bool) -> None:
    database = Database(open_engine(url), clock=system_clock, pooler=pooler, patience=Patience(lock=0.05))
    behind.execute("BEGIN")
    # As a change of the schema does.
    behind.execute("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE")
    with pytest.raises(Unavailable, match="lock"), database.glance() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM entry")
    behind.execute("ROLLBACK")
    with database.glance() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 0
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


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_server_that_is_really_set_so_is_refused_with_the_cure(url: str, behind: Raw, name: str) -> None:
    def put(value: str) -> None:
        behind.execute(f"ALTER SYSTEM SET {name} = {value}")
        behind.execute("SELECT pg_reload_conf()")
        for _ in range(100):
            if behind.execute(f"SHOW {name}").fetchone() == (value,):
                return
            time.sleep(0.05)
        pytest.fail("The server did not take the setting.")

    try:
        put("off")
        for writes in (False, True):
            with pytest.raises(Misconfigured, match=f"ALTER SYSTEM SET {name} = on"):
                PostgresSession(open_engine(url), writes=writes)
        PostgresSession(open_engine(url), writes=False, standby=True).close()
    finally:
        put("on")
    PostgresSession(open_engine(url), writes=True).close()


def test_closed_database_takes_no_writes(ledger: Ledger) -> None:
    ledger.database.close()
    with pytest.raises(Unavailable, match="closed"):
        ledger.database.write(ledger.append)


def test_turn_that_does_not_come_is_unavailable(url: str) -> None:
    database = Database(open_engine(url), clock=system_clock, patience=Patience(turn=0.05))
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


def test_many_threads_that_glance_share_a_few_connections(
    ledger: Ledger, behind: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[PostgresSession] = []
    whole = PostgresSession.__init__

    def counted(self: PostgresSession, *given: Any, **named: Any) -> None:
        opened.append(self)
        whole(self, *given, **named)

    monkeypatch.setattr(PostgresSession, "__init__", counted)
    inside, most = set[object](), 0

    def look(_: int) -> None:
        nonlocal most
        with ledger.database.glance() as connection:
            inside.add(connection)
            most = max(most, len(inside))
            connection.exec_driver_sql("SELECT pg_sleep(0.002)")
            inside.discard(connection)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(look, range(320)))
    assert 1 < most <= 8
    # None is closed only to be opened again a moment later.
    assert len(opened) <= 8
    name = behind.execute("SELECT current_database()").fetchone()[0]
    there = behind.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = ?", (name,)).fetchone()[0]
    assert there <= 9


def test_glance_whose_turn_does_not_come_is_unavailable(url: str) -> None:
    database = Database(open_engine(url), clock=system_clock, patience=Patience(turn=0.05))
    looking, go_on = threading.Barrier(9), threading.Event()

    def look(_: int) -> None:
        with database.glance():
            looking.wait(5)
            assert go_on.wait(5)

    with ThreadPoolExecutor(8) as pool:
        held = pool.map(look, range(8))
        looking.wait(5)
        with pytest.raises(Unavailable, match="did not get its turn"), database.glance():
            pass
        # What reads for lists waits for no turn.
        with database.read():
            go_on.set()
        list(held)
    with database.glance():
        database.close()


def test_arrays_are_read_as_they_were_meant(ledger: Ledger) -> None:
    lists = [-(2**63), 0, 2**63 - 1], [b"", b'\x00\\"{},NULL'], ["call", "writer_stop"]
    written = numbers(lists[0]), octets(lists[1]), words(lists[2])
    with ledger.database.read() as connection:
        read = call(connection, "SELECT %s::bigint[], %s::bytea[], %s::text[]", written)
        nothing = call(connection, "SELECT %s::bigint[], %s::bytea[], %s::text[]", ("{}",) * 3)
    assert read == [lists]
    assert nothing == [([], [], [])]


def test_connection_that_was_used_a_moment_ago_is_not_looked_at_and_still_nothing_is_lost(
    ledger: Ledger, behind: Raw
) -> None:
    def append(connection: Connection) -> int:
        return ledger.lanes.append(connection, draft(system_clock())).ordinal

    first = ledger.database.write(append, single=True)
    behind.execute(
        "SELECT pg_terminate_backend(pid, 3000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert ledger.database.write(append, single=True) > first
