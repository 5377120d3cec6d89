"""An entry for each hour in which nothing else was written."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.log.append import Lanes
from consentgate.log.heartbeat import EVERY, Heartbeat
from consentgate.log.service import LogService
from consentgate.moment import system_random
from consentgate.storage import pulse
from tests.functional.log.place import Log, log_at, require_lanes


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


class Clock:
    """Seconds that move by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def kinds(log: Log) -> list[str]:
    return [leaf.kind for leaf in log.leaves()]


def test_hour_without_an_entry_gets_one(log: Log) -> None:
    assert timedelta(hours=1) == EVERY
    heart = Heartbeat(log.database, log.lanes, system_random, every=timedelta(seconds=0.3))
    log.append()
    assert not heart.once()
    time.sleep(0.35)
    assert heart.once()
    assert not heart.once()
    time.sleep(0.35)
    assert heart.once()
    leaves = log.leaves()
    assert [leaf.kind for leaf in leaves] == ["heartbeat"] * 3
    assert not any(leaf.parts for leaf in leaves)
    assert len(require_lanes(leaves)) == 1


def test_what_others_write_puts_it_off(log: Log) -> None:
    heart = Heartbeat(log.database, log.lanes, system_random, every=timedelta(seconds=0.4))
    log.append()
    assert not heart.once()
    time.sleep(0.3)
    log.append()
    time.sleep(0.2)
    assert not heart.once()
    time.sleep(0.3)
    assert heart.once()


def test_nothing_is_asked_before_it_can_be_due(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    heart = Heartbeat(log.database, log.lanes, system_random, monotonic=clock)
    log.append()
    assert not heart.once()
    with monkeypatch.context() as patch:
        patch.setattr(pulse, "newest_at", None)
        clock.now += 3590
        assert not heart.once()
    clock.now += 20
    assert not heart.once(), "the entry is not an hour old, whatever this clock says"


def test_log_does_not_begin_with_a_heartbeat(log: Log) -> None:
    clock = Clock()
    heart = Heartbeat(log.database, log.lanes, system_random, monotonic=clock)
    assert not heart.once()
    clock.now += 3599
    assert not heart.once()
    assert kinds(log) == []
    clock.now += 2
    assert heart.once()
    assert kinds(log) == ["heartbeat"]


def test_of_two_that_look_at_once_one_writes(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    every = timedelta(seconds=0.2)
    heart = Heartbeat(log.database, log.lanes, system_random, every=every)
    other = Heartbeat(log.database, log.lanes, system_random, every=every)
    log.append()
    time.sleep(0.25)
    left = Heartbeat._left
    calls: list[bool] = []

    def late(self: Heartbeat, *arguments: object) -> float:
        found = left(self, *arguments)  # type: ignore[arg-type]  # as it was called
        if self is heart and not calls:
            calls.append(True)
            assert other.once()
        return found

    monkeypatch.setattr(Heartbeat, "_left", late)
    assert not heart.once()
    assert kinds(log) == ["heartbeat"] * 2


def test_turn_of_somebody_else_is_left_to_them(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart = Heartbeat(log.database, log.lanes, system_random, every=timedelta(seconds=0.01))
    log.append()
    time.sleep(0.05)
    monkeypatch.setattr(pulse, "has_turn", lambda *_: False)
    assert not heart.once()
    assert len(kinds(log)) == 1


def test_background_thread_writes_it(log: Log) -> None:
    heart = Heartbeat(log.database, log.lanes, system_random, every=timedelta(seconds=0.2))
    service = LogService(log.database, heartbeat=heart, delay=0.01, idle=0.05)
    log.append()
    end = time.monotonic() + 10
    while len(kinds(log)) < 3:
        assert time.monotonic() < end
        time.sleep(0.02)
    service.stop()
    assert service.failure is None


def test_login_that_owns_the_tables_may_write(log: Log) -> None:
    with log.database.read() as connection:
        assert pulse.may_append(connection)
        assert pulse.newest_at(connection, log.database.tenant) is None
    assert isinstance(log.lanes, Lanes)
