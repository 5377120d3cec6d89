import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from consentgate.config.sources import evidence_of
from consentgate.entries.leaf import Draft, LanePosition
from consentgate.entries.parts import seal_part
from consentgate.errors import ClockDisagrees, Unavailable
from consentgate.log.append import append_writer_stop
from consentgate.log.sequencer import Sequencer
from consentgate.moment import system_clock, system_random
from consentgate.storage import deployment, entries
from consentgate.storage.sqlite import SqliteSession
from consentgate.verify.levels import verify
from tests.databases import Kind
from tests.functional.log.place import Log, draft, log_at, require_lanes
from tests.functional.storage.place import SetClock


def append(log: Log, entry: Draft, connection: Connection) -> None:
    log.lanes.append(connection, entry)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def test_entries_chain_in_one_lane(log: Log) -> None:
    appended = log.append(3) + log.append()
    (lane,) = require_lanes(log.leaves()).values()
    assert [leaf.id for leaf in lane] == [each.id for each in appended]
    assert [leaf.hash for leaf in lane] == [each.hash for each in appended]
    assert [each.ordinal for each in appended] == [1, 2, 3, 4]
    assert lane[0].after is None


def test_row_repeats_the_leaf(log: Log) -> None:
    at = system_clock()
    about_nobody, about_ann = draft(at, "assertion"), draft(at, "assertion")
    key = bytes(32)
    drafts = [
        type(about_nobody)(
            id=each.id, kind=each.kind, at=at, parts=(seal_part(each.id, name, b"{}", key, system_random),)
        )
        for each, name in ((about_nobody, "body.0"), (about_ann, "assertion.0"))
    ]

    def work(connection: Connection) -> None:
        for each in drafts:
            log.lanes.append(connection, each)

    log.database.write(work)
    with log.database.read() as connection:
        tenant_wide, personal = entries.of_kind(connection, "default", "assertion")
    assert not tenant_wide.about_people
    assert personal.about_people
    assert personal.parts == drafts[1].parts[0].jwe
    assert (personal.kind, personal.at, personal.n) == ("assertion", at, 1)


def test_failed_work_gives_its_place_back(log: Log) -> None:
    log.append()

    def failing(connection: Connection) -> None:
        log.lanes.append(connection, draft(system_clock()))
        raise KeyError

    with pytest.raises(KeyError):
        log.database.write(failing)
    log.append()
    (lane,) = require_lanes(log.leaves()).values()
    assert [leaf.n for leaf in lane] == [0, 1]


def test_first_place_is_given_back_too(log: Log) -> None:
    def failing(connection: Connection) -> None:
        log.lanes.append(connection, draft(system_clock()))
        raise KeyError

    with pytest.raises(KeyError):
        log.database.write(failing)
    log.append()
    require_lanes(log.leaves())


def test_groups_with_failures_leave_whole_lanes(log: Log, kind: Kind) -> None:
    def run(n: int) -> None:
        def work(connection: Connection) -> None:
            log.lanes.append(connection, draft(system_clock()))
            if n % 3 == 0:
                raise KeyError

        try:
            log.database.write(work)
        except KeyError:
            assert n % 3 == 0

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(300)))
    leaves = log.leaves()
    assert len(leaves) == 200
    # On SQLite one writes for all.
    assert len(require_lanes(leaves)) in (range(1, 2) if kind == "sqlite" else range(1, 9))


@pytest.mark.parametrize("seconds", [-3, 3])
def test_time_off_by_more_than_two_seconds_is_refused(tmp_path: Path, seconds: int) -> None:
    clock = SetClock()
    with log_at(tmp_path, clock=clock) as log:
        for fine in (-2, 0, 2):
            near = draft(clock.now + timedelta(seconds=fine))
            log.database.write(partial(append, log, near))
        late = draft(clock.now + timedelta(seconds=seconds))
        with pytest.raises(ClockDisagrees):
            log.database.write(lambda c: log.lanes.append(c, late))
        assert len(require_lanes(log.leaves())) == 1


def test_clone_begins_a_lane_that_names_the_old_one(log: Log) -> None:
    (first,) = log.append()

    def as_clone(connection: Connection) -> None:
        mark = log.lanes.mark(connection)
        log.lanes.append(connection, draft(system_clock()))
        # What a copy of this process does after the original went on: the same place again.
        log.lanes.reset(connection, mark)
        log.lanes.append(connection, draft(system_clock()))

    log.database.write(as_clone)
    log.append()
    old, new = require_lanes(log.leaves()).values()
    assert [leaf.n for leaf in old] == [0, 1]
    assert new[0].after == LanePosition(w=old[0].w, n=1)
    assert [leaf.n for leaf in new] == [0, 1]
    assert first.hash == old[0].hash


def test_same_id_is_not_written_twice_and_the_lane_goes_on(log: Log) -> None:
    again = draft(system_clock())
    codes = [log.database.write(lambda c: log.lanes.append(c, again)).code for _ in range(2)]
    assert codes == ["done", "there"]
    log.append()
    assert len(require_lanes(log.leaves())) == 1


def require_verified(log: Log) -> None:
    """Verify the lanes; nothing is signed here."""
    Sequencer(log.database).once()
    with log.database.read() as connection:
        found = verify(evidence_of(connection, now=system_clock()))
    assert {level.name: level.verdict for level in found.levels}["lanes"] == "holds"


def _break_next_commit(monkeypatch: pytest.MonkeyPatch, *, happens: bool) -> None:
    commit = SqliteSession.commit

    def broken(session: SqliteSession) -> None:
        monkeypatch.setattr(SqliteSession, "commit", commit)
        if happens:
            commit(session)
        raise Unavailable("disk i/o")

    monkeypatch.setattr(SqliteSession, "commit", broken)


@pytest.mark.parametrize("happens", [True, False])
@pytest.mark.sqlite_file  # its commit; PostgreSQL's answers get lost in tests/integration/test_lost_connections.py
def test_lane_follows_a_commit_in_doubt(log: Log, monkeypatch: pytest.MonkeyPatch, happens: bool) -> None:
    log.append()
    _break_next_commit(monkeypatch, happens=happens)
    if happens:
        log.append()
    else:
        with pytest.raises(Unavailable):
            log.append()
    log.append()
    (lane,) = require_lanes(log.leaves()).values()
    assert len(lane) == (3 if happens else 2)


@pytest.mark.parametrize("happens", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.sqlite_file  # as above
def test_lane_goes_on_when_the_doubt_is_answered_later(
    log: Log, monkeypatch: pytest.MonkeyPatch, happens: bool, count: int
) -> None:
    def unreachable(*_: object) -> bytes:
        raise Unavailable

    log.append()
    _break_next_commit(monkeypatch, happens=happens)
    with monkeypatch.context() as patch:
        patch.setattr(entries, "hash_in_lane", unreachable)
        with pytest.raises(Unavailable, match="not known"):
            log.append(count)
        with pytest.raises(Unavailable, match="until it is known"):
            log.append()
    log.append(2)
    (lane,) = require_lanes(log.leaves()).values()
    assert len(lane) == 3 + happens * count
    assert lane[0].after is None
    require_verified(log)


def test_forked_child_appends_on_a_lane_of_its_own(log: Log) -> None:
    log.append()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            log.append(2)
            log.database.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.append()
    mine, childs = require_lanes(log.leaves()).values()
    assert [len(mine), len(childs)] == [2, 2]
    assert childs[0].after is None


@pytest.mark.sqlite_file  # as above
def test_commit_in_doubt_without_entries_leaves_the_lane_alone(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append()
    _break_next_commit(monkeypatch, happens=True)
    with pytest.raises(Unavailable, match="not known"):
        log.database.write(lambda c: deployment.insert_fact(c, "colour", "green"))
    log.append()
    (lane,) = require_lanes(log.leaves()).values()
    assert len(lane) == 2


@pytest.mark.sqlite_file  # as above
def test_child_of_a_process_in_doubt_writes_on_its_own(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> bytes:
        raise Unavailable

    log.append()
    _break_next_commit(monkeypatch, happens=True)
    with monkeypatch.context() as patch:
        patch.setattr(entries, "hash_in_lane", unreachable)
        with pytest.raises(Unavailable, match="not known"):
            log.append(2)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                log.append()
                status = 0 if log.leaves()[-1].after is None else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.append()
    mine, childs = require_lanes(log.leaves()).values()
    assert [len(mine), len(childs)] == [4, 1]
    require_verified(log)


def test_clean_close_is_said_in_the_lane(log: Log) -> None:
    append_writer_stop(log.database, log.lanes, system_random)
    assert log.leaves() == []
    log.append()
    append_writer_stop(log.database, log.lanes, system_random)
    (lane,) = require_lanes(log.leaves()).values()
    assert [leaf.kind for leaf in lane] == ["heartbeat", "writer_stop"]


def test_eight_threads_make_whole_lanes(log: Log, kind: Kind) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: log.append(), range(400)))
    leaves = log.leaves()
    assert len({leaf.id for leaf in leaves}) == 400
    assert len(require_lanes(leaves)) in (range(1, 2) if kind == "sqlite" else range(1, 9))
