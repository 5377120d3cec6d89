"""The anchorer: what it puts where, what it writes down, and that nobody waits for it."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.errors import ConsentGateError, LogRefused, Unavailable
from consentgate.log.anchoring import Anchor, Anchorer, Submission
from consentgate.log.directory import DirectoryAnchor
from consentgate.log.lag import Expected, lags
from consentgate.log.late import LateAlarm
from consentgate.log.service import LogService
from consentgate.storage import anchors, checkpoints, stored
from consentgate.storage.anchors import AnchorRow
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.proof import verify_consistency
from tests.databases import raw
from tests.functional.log.place import Log, log_at, sequence_once, signer_at
from tests.functional.storage.place import engine_at


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


@dataclass
class Scripted:
    """An anchor that does what a test says."""

    name: str = "scripted"
    kind: str = "directory"
    got: list[Submission] = field(default_factory=list)
    failure: ConsentGateError | None = None
    fault: Exception | None = None
    unnoted: set[int] = field(default_factory=set)
    gate: threading.Event | None = None

    def kept(self, heads: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        return [head for head in heads if head.size in self.unnoted]

    def put(self, submitted: Submission) -> str:
        self.got.append(submitted)
        if self.gate is not None:
            assert self.gate.wait(20)
        if (error := self.failure or self.fault) is not None:
            raise error
        return str(submitted.head.size)


def grown(tmp_path: Path, log: Log, count: int = 1) -> CheckpointRow:
    log.append(count)
    sequence_once(log.database)
    made = signer_at(tmp_path, log.database).once()
    assert made is not None
    return made


def anchorer(tmp_path: Path, log: Log, *places: Anchor, every: float = 60, within: float = 30) -> Anchorer:
    signer_at(tmp_path, log.database)
    key = NoteKey.from_vkey((tmp_path / "log.vkey").read_text().strip())
    return Anchorer(
        log.database, places, key_of=lambda _: key, every=every, within=within, ends_within=within
    )


def rows(log: Log) -> list[tuple[str, int, str]]:
    with log.database.read() as connection:
        found = [(each["name"], each["size"], each["evidence"]) for each in stored.anchors(connection)]
    return sorted(found)


def settled(log: Log, count: int) -> None:
    end = time.monotonic() + 10
    while len(rows(log)) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_newest_checkpoint_is_put_once_and_written_down(tmp_path: Path, log: Log) -> None:
    place = Scripted()
    work = anchorer(tmp_path, log, place)
    work.once()
    assert (place.got, rows(log)) == ([], [])
    first = grown(tmp_path, log, 3)
    work.once()
    work.once()
    assert [each.note for each in place.got] == [first.note]
    assert rows(log) == [("scripted", 3, "3")]
    with log.database.read() as connection:
        (row,) = anchors.anchors_at(connection, 3)
    assert (row.kind, abs(log.database.clock() - row.at) < timedelta(minutes=1)) == ("directory", True)
    second = grown(tmp_path, log, 2)
    work.once()
    (_, put) = place.got
    assert (put.note, put.before) == (second.note, 3)
    proof = put.consistency(3)
    verify_consistency(3, 5, place.got[0].head.root, put.head.root, proof)
    assert not work.failures


def test_an_anchor_is_asked_once_a_minute_by_all_processes_together(tmp_path: Path, log: Log) -> None:
    place = Scripted()
    grown(tmp_path, log)
    one, other = (anchorer(tmp_path, log, place) for _ in range(2))
    one.begin()
    settled(log, 1)
    grown(tmp_path, log)
    one.begin()
    other.begin()
    other._lines[os.getpid()]["scripted"].thread.join()  # type: ignore[union-attr]  # it was started just now
    assert len(place.got) == 1
    hurried = anchorer(tmp_path, log, place, every=0)
    hurried.begin()
    settled(log, 2)
    assert [each.head.size for each in place.got] == [1, 2]


def test_slow_anchor_keeps_neither_others_nor_its_caller(tmp_path: Path, log: Log) -> None:
    gate = threading.Event()
    slow, quick = Scripted(name="slow", gate=gate), Scripted(name="quick")
    work = anchorer(tmp_path, log, slow, quick, every=0, within=0.05)
    grown(tmp_path, log)
    began = time.monotonic()
    work.begin()
    assert time.monotonic() - began < 1
    settled(log, 1)
    assert rows(log) == [("quick", 1, "1")]
    # The slow one is not asked again while it is at it.
    work.begin()
    work.once()
    assert len(slow.got) == 1
    gate.set()
    settled(log, 2)


def test_what_is_under_way_is_waited_for_and_nothing_more_begins(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    slow = Scripted(gate=gate, failure=Unavailable("The database was closed."))
    work = anchorer(tmp_path, log, slow, every=0, within=0.05)
    grown(tmp_path, log)
    work.begin()
    while not slow.got:
        time.sleep(0.01)
    work.stop()
    gate.set()
    work._lines[os.getpid()]["scripted"].thread.join()  # type: ignore[union-attr]  # it was started
    assert work.failures
    work.begin()
    work.stop()
    assert (len(slow.got), caplog.records) == (1, [])


def test_a_system_without_threads_is_asked_again(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    place = Scripted()
    work = anchorer(tmp_path, log, place)
    grown(tmp_path, log)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none)
        work.once()
    assert place.got == []
    work.once()
    assert len(place.got) == 1


def test_service_anchors_in_the_background(tmp_path: Path, log: Log) -> None:
    place = Scripted()
    work = anchorer(tmp_path, log, place, every=0)
    signer = signer_at(tmp_path, log.database)
    service = LogService(log.database, signer=signer, anchorer=work, delay=0.01, sign_every=0.02, idle=0.05)
    log.append(2)
    settled(log, 1)
    service.stop()
    assert rows(log)[-1] == ("scripted", 2, "2")


def test_dead_anchor_is_said_once_and_until_it_is_back(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    dead, alive = Scripted(name="dead", failure=Unavailable("No route.")), Scripted(name="alive")
    work = anchorer(tmp_path, log, dead, alive)
    grown(tmp_path, log)
    with caplog.at_level(logging.INFO, logger="consentgate"):
        work.once()
        work.once()
        assert {name: str(each) for name, each in work.failures.items()} == {"dead": "No route."}
        assert [each.getMessage() for each in caplog.records] == [
            "The anchor dead takes no checkpoints: No route."
        ]
        dead.failure = None
        work.once()
    assert not work.failures
    assert caplog.records[-1].getMessage() == "The anchor dead takes checkpoints again."
    assert rows(log) == [("alive", 1, "1"), ("dead", 1, "1")]


def test_two_that_anchor_at_once_write_one_row(tmp_path: Path, log: Log) -> None:
    gate = threading.Event()
    place = Scripted(gate=gate)
    grown(tmp_path, log)
    pair = [anchorer(tmp_path, log, place) for _ in range(2)]
    threads = [threading.Thread(target=each.once) for each in pair]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10
    while len(place.got) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    gate.set()
    for thread in threads:
        thread.join()
    assert rows(log) == [("scripted", 1, "1")]
    assert [dict(each.failures) for each in pair] == [{}, {}]


def test_what_was_put_and_not_written_down_is_put_again(tmp_path: Path, log: Log) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    place = DirectoryAnchor(name="second-site", path=folder)
    work = anchorer(tmp_path, log, place)
    grown(tmp_path, log)
    work.once()
    before = rows(log)
    with raw(str(engine_at(tmp_path).url.render_as_string(hide_password=False))) as connection:
        connection.unguarded("DELETE FROM anchor")
    assert rows(log) == []
    anchorer(tmp_path, log, place).once()
    assert rows(log) == before


def test_what_was_put_and_not_written_down_before_the_log_grew_is_written_down(
    tmp_path: Path, log: Log
) -> None:
    first, second, third = (grown(tmp_path, log).size for _ in range(3))
    place = Scripted(unnoted={second})
    anchorer(tmp_path, log, place).once()
    # The first was never put there, and is not now.
    assert [each.head.size for each in place.got] == [second, third]
    assert first < second
    assert rows(log) == [("scripted", second, str(second)), ("scripted", third, str(third))]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("UPDATE checkpoint SET note = 'no note'", "not of the log's key"),
        ("UPDATE seq SET hash = ?", "not what was signed"),
    ],
)
def test_what_the_log_did_not_sign_leaves_for_no_anchor(
    tmp_path: Path, log: Log, damage: str, says: str
) -> None:
    place = Scripted()
    grown(tmp_path, log, 3)
    with raw(str(engine_at(tmp_path).url.render_as_string(hide_password=False))) as connection:
        connection.unguarded(damage, (bytes(32),) if "?" in damage else ())
    work = anchorer(tmp_path, log, place)
    work.once()
    failure = work.failures["scripted"]
    assert isinstance(failure, LogRefused)
    assert says in str(failure)
    assert (place.got, rows(log)) == ([], [])


def forge(log: Log, size: int, *, note: str | None = None) -> None:
    """A row that says that the anchor took a checkpoint; with a note, such a checkpoint too."""
    at = log.database.clock()
    row = AnchorRow(
        name="scripted", size=size, kind="directory", evidence=str(size), at=at - timedelta(hours=1)
    )
    log.database.write(lambda connection: anchors.insert_anchor(connection, row))
    if note is not None:
        made = CheckpointRow(size=size, origin="forged", note=note, at=at)
        log.database.write(lambda connection: checkpoints.insert_checkpoint(connection, made))


def test_a_row_beyond_every_checkpoint_stops_no_anchor_and_is_said(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    place = Scripted()
    work = anchorer(tmp_path, log, place)
    grown(tmp_path, log, 3)
    work.once()
    assert not work.failures
    forge(log, 900_000_000)
    for _ in range(2):
        grown(tmp_path, log, 2)
        work.once()
        failure = work.failures["scripted"]
        assert isinstance(failure, LogRefused)
        assert "900000000 entries" in str(failure)
        assert "consentgate verify" in str(failure)
    assert [each.head.size for each in place.got] == [3, 5, 7]
    assert [(each.levelname, "cannot be" in each.getMessage()) for each in caplog.records] == [
        ("WARNING", True)
    ]


def test_a_row_beyond_every_checkpoint_is_no_lead(tmp_path: Path, log: Log) -> None:
    expected = [Expected(name="scripted", kind="directory")]
    forge(log, 900_000_000)
    grown(tmp_path, log, 3)
    forge(log, 2)
    with log.database.read() as connection:
        (lag,) = lags(connection, expected, log.database.clock() + timedelta(minutes=16), log=0)
    assert (lag.size, lag.behind, lag.late, lag.beyond) == (0, 3, True, 900_000_000)


def test_a_forged_checkpoint_with_its_row_is_refused(tmp_path: Path, log: Log) -> None:
    place = Scripted()
    work = anchorer(tmp_path, log, place)
    own = grown(tmp_path, log, 3)
    forge(log, 900_000_000, note=own.note)
    work.once()
    assert "not of the log's key" in str(work.failures["scripted"])
    assert place.got == []


def test_a_forged_checkpoint_before_the_newest_stops_no_anchor(tmp_path: Path, log: Log) -> None:
    place = Scripted(unnoted={2})
    work = anchorer(tmp_path, log, place)
    grown(tmp_path, log, 3)
    made = CheckpointRow(size=2, origin="forged", note="x", at=log.database.clock())
    log.database.write(lambda connection: checkpoints.insert_checkpoint(connection, made))
    work.once()
    assert [each.head.size for each in place.got] == [3]
    assert not work.failures


def test_a_fault_that_nobody_foresaw_is_the_anchor_s_failure(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = Scripted(name="broken", fault=KeyError("secret words")), Scripted(name="other")
    work = anchorer(tmp_path, log, broken, other)
    grown(tmp_path, log)
    work.once()
    failure = work.failures["broken"]
    assert isinstance(failure, Unavailable)
    assert (str(failure), failure.__cause__) == ("The anchor broken failed (KeyError).", broken.fault)
    assert caplog.messages == ["The anchor broken takes no checkpoints: The anchor broken failed (KeyError)."]
    assert rows(log) == [("other", 1, "1")]


def test_a_fork_has_threads_and_failures_of_its_own(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Scripted(failure=Unavailable("No route."))
    work = anchorer(tmp_path, log, place)
    grown(tmp_path, log)
    work.once()
    assert work.failures
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        assert not work.failures


def test_anchor_that_hangs_is_warned_of_once_it_is_late(
    tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    grown(tmp_path, log)
    hanging = Scripted(gate=threading.Event())
    work = anchorer(tmp_path, log, hanging)
    clock = [0.0]
    expected = (Expected(name="scripted", kind="directory", late_after=timedelta(seconds=-1)),)
    alarm = LateAlarm(log.database, expected, monotonic=lambda: clock[0])
    caplog.set_level(logging.INFO, "consentgate")
    work.begin()
    assert alarm.once()
    (said,) = caplog.messages
    assert said.startswith("The anchor scripted is late: 1 signed entries since 20")
    # Neither is it said again, nor looked for again before a minute is over.
    hanging.gate.set()  # type: ignore[union-attr]  # it was set above
    settled(log, 1)
    assert not alarm.once()
    clock[0] = 61.0
    assert alarm.once()
    assert caplog.messages[1:] == ["The anchor scripted has caught up."]
    clock[0] = 122.0
    assert not alarm.once()
    work.stop()


def test_service_looks_for_late_anchors(tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    grown(tmp_path, log)
    expected = (Expected(name="nobody", kind="directory", late_after=timedelta(seconds=-1)),)
    service = LogService(log.database, alarm=LateAlarm(log.database, expected), delay=0)
    service.notify()
    until = time.monotonic() + 10
    while not caplog.messages and time.monotonic() < until:
        time.sleep(0.01)
    service.stop()
    assert "The anchor nobody is late" in caplog.text


def test_lag_says_since_when_something_waits(tmp_path: Path, log: Log) -> None:
    place = Scripted()
    expected = [Expected(name="scripted", kind="directory", late_after=timedelta(minutes=15))]
    now = log.database.clock()

    def found(later: timedelta = timedelta(0)) -> tuple[int, int, bool, bool]:
        with log.database.read() as connection:
            (lag,) = lags(connection, expected, now + later, log=0)
        return lag.size, lag.behind, lag.since is not None, lag.late

    signer_at(tmp_path, log.database)
    assert found() == (0, 0, False, False)
    grown(tmp_path, log, 2)
    assert found() == (0, 2, True, False)
    assert found(timedelta(minutes=16)) == (0, 2, True, True)
    anchorer(tmp_path, log, place).once()
    assert found(timedelta(days=9)) == (2, 0, False, False)
    grown(tmp_path, log)
    grown(tmp_path, log)
    assert found(timedelta(minutes=16)) == (2, 2, True, True)
    with log.database.read() as connection:
        (lag,) = lags(connection, expected, now, log=0)
        third = checkpoints.checkpoint_at(connection, 3)
    # Not the newest checkpoint counts, but the first that it lacks.
    assert third is not None
    assert lag.since == third.at
