"""Lanes side by side, and locks between them, on PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text

from consentgate.errors import InvalidInput, SchemaMismatch, Unavailable
from consentgate.log.append import append_writer_stop
from consentgate.log.sequencer import Sequencer
from consentgate.moment import system_random
from consentgate.storage import deployment, locks, sequence
from consentgate.storage.failures import Duplicate
from tests.databases import Raw
from tests.functional.log.place import require_lanes
from tests.integration.place import Ledger, end, pid

pytestmark = pytest.mark.postgres


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


def test_lane_whose_connection_is_gone_keeps_no_other_from_its_last_words(
    ledger: Ledger, behind: Raw
) -> None:
    barrier = threading.Barrier(2)

    def work(connection: Connection) -> int:
        barrier.wait(5)
        ledger.append(connection)
        return pid(connection)

    with ThreadPoolExecutor(2) as pool:
        lost, _ = [each.result() for each in [pool.submit(ledger.database.write, work) for _ in range(2)]]
    end(behind, lost)
    with pytest.raises(Unavailable, match="ended the connection"):
        append_writer_stop(ledger.database, ledger.lanes, system_random)
    lanes = require_lanes(ledger.leaves()).values()
    assert sorted(lane[-1].kind for lane in lanes) == ["heartbeat", "writer_stop"]


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
