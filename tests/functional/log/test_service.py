import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consentgate.errors import LogRefused, Unavailable
from consentgate.log.sequencer import Sequencer
from consentgate.log.service import LogService
from consentgate.log.signer import Signer
from consentgate.log.state import FileState
from consentgate.storage import checkpoints, sequence
from tests.functional.log.place import Log, log_at, signer_at
from tests.functional.log.states import held


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def size(log: Log) -> int:
    with log.database.read() as connection:
        tree = sequence.latest_tree(connection)
    return tree.size if tree else 0


def signed_size(log: Log) -> int:
    with log.database.read() as connection:
        found = checkpoints.latest_checkpoint(connection)
    return found.size if found else 0


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def threads() -> list[str]:
    return [
        each.name for each in threading.enumerate() if each.name in ("consentgate-log", "consentgate-sign")
    ]


def test_own_writes_are_sequenced_and_signed_soon(tmp_path: Path, log: Log) -> None:
    signer = signer_at(tmp_path, log.database)
    service = LogService(log.database, signer=signer, delay=0.01, sign_every=0.05)
    assert threads() == []
    log.append(2)
    wait_for(lambda: size(log) == 2 and signed_size(log) == 2)
    log.append()
    wait_for(lambda: signed_size(log) == 3)
    assert service.failure is None
    service.stop()
    assert threads() == []


def test_stop_leaves_nothing_unsigned(tmp_path: Path, log: Log) -> None:
    service = LogService(log.database, signer=signer_at(tmp_path, log.database), delay=5, sign_every=60)
    log.append(3)
    service.stop()
    assert signed_size(log) == 3
    log.append()
    assert threads() == []


def test_service_without_a_signer_only_sequences(log: Log) -> None:
    service = LogService(log.database, delay=0.01)
    log.append()
    wait_for(lambda: size(log) == 1)
    service.stop()
    assert signed_size(log) == 0


def test_service_that_never_started_stops(log: Log) -> None:
    LogService(log.database).stop()


def test_checkpoints_are_not_closer_than_allowed(tmp_path: Path, log: Log) -> None:
    service = LogService(log.database, signer=signer_at(tmp_path, log.database), delay=0.01, sign_every=30)
    log.append()
    wait_for(lambda: signed_size(log) == 1)
    log.append()
    wait_for(lambda: size(log) == 2)
    time.sleep(0.1)
    assert signed_size(log) == 1
    service.stop()
    assert signed_size(log) == 2


def test_idle_look_finds_writes_of_others(tmp_path: Path, log: Log) -> None:
    signer = signer_at(tmp_path, log.database)
    service = LogService(log.database, signer=signer, delay=0.01, idle=0.05, sign_every=0.01)
    log.append()
    wait_for(lambda: signed_size(log) == 1)
    with log_at(tmp_path) as other:
        other.append(2)
    wait_for(lambda: signed_size(log) == 3)
    service.stop()


def test_refusal_of_the_signer_is_seen_until_it_ends(tmp_path: Path, log: Log) -> None:
    signer = signer_at(tmp_path, log.database)
    state = (tmp_path / "log.state").read_bytes()
    (tmp_path / "log.state").unlink()
    service = LogService(log.database, signer=signer, delay=0.01, idle=0.05, sign_every=0.01)
    log.append()
    wait_for(lambda: isinstance(service.failure, LogRefused))
    assert size(log) == 1
    (tmp_path / "log.state").write_bytes(state)
    (tmp_path / "log.state").chmod(0o600)
    wait_for(lambda: service.failure is None)
    assert signed_size(log) == 1
    service.stop()


def test_failure_of_the_database_is_seen_until_it_ends(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Sequencer) -> int:
        raise Unavailable

    service = LogService(log.database, delay=0.01, idle=0.05)
    with monkeypatch.context() as patch:
        patch.setattr(Sequencer, "once", broken)
        log.append()
        wait_for(lambda: isinstance(service.failure, Unavailable))
    wait_for(lambda: service.failure is None and size(log) == 1)
    service.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_dies_says_so_and_starts_again(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Sequencer) -> int:
        raise ZeroDivisionError

    service = LogService(log.database, delay=0.01)
    with monkeypatch.context() as patch:
        patch.setattr(Sequencer, "once", broken)
        log.append()
        wait_for(
            lambda: "consentgate-log" not in threads() and isinstance(service.failure, ZeroDivisionError)
        )
    log.append()
    wait_for(lambda: service.failure is None and size(log) == 2)
    service.stop()


def test_child_of_a_fork_starts_its_own(log: Log) -> None:
    service = LogService(log.database, delay=0.01)
    log.append()
    wait_for(lambda: size(log) == 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            log.append()
            wait_for(lambda: size(log) == 2)
            service.stop()
            log.database.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    log.append()
    wait_for(lambda: size(log) == 3)
    service.stop()


class Hanging:
    """A signer that does not answer until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()
        self.paces: list[float] = []

    def once(self, *, every: float) -> None:
        self.paces.append(every)
        self.asked.set()
        assert self.go.wait(60)


def test_signer_that_hangs_delays_nothing_and_is_a_failure(log: Log) -> None:
    signer: Any = Hanging()
    service = LogService(log.database, signer=signer, delay=0.01, sign_within=0.05, ends_within=0.05)
    log.append()
    assert signer.asked.wait(60)
    log.append()
    wait_for(lambda: size(log) == 2)
    wait_for(lambda: isinstance(service.failure, Unavailable))
    service.stop()
    assert threads() == ["consentgate-sign"]
    signer.go.set()
    wait_for(lambda: threads() == [])
    assert service.failure is None
    # The last one of all comes at once.
    assert signer.paces == [5.0, 0.0]


def test_lock_of_a_signer_that_hangs_is_a_failure_until_it_is_let_go(tmp_path: Path, log: Log) -> None:
    signer = signer_at(tmp_path, log.database)
    short = replace(signer, state=FileState(tmp_path / "log.state", within=0.05))
    service = LogService(log.database, signer=short, delay=0.01, sign_every=0.05)
    with held(tmp_path / "log.state.lock"):
        log.append()
        wait_for(lambda: isinstance(service.failure, Unavailable))
        log.append()
        wait_for(lambda: size(log) == 2)
        assert signed_size(log) == 0
    wait_for(lambda: service.failure is None and signed_size(log) == 2)
    service.stop()


def test_two_services_make_no_more_checkpoints_than_one(tmp_path: Path, log: Log) -> None:
    with log_at(tmp_path) as second:
        one = signer_at(tmp_path, log.database)
        first = LogService(log.database, signer=one, delay=0.01, sign_every=3600)
        log.append()
        wait_for(lambda: signed_size(log) == 1)
        asked: list[object] = []

        class Counted:
            def once(self, *, every: float) -> object:
                asked.append(found := Signer.once(signer_at(tmp_path, second.database), every=every))
                return found

        counted: Any = Counted()
        other = LogService(second.database, signer=counted, delay=0.01, idle=0.05, sign_every=3600)
        second.append()
        # Whichever of them sequenced it.
        wait_for(lambda: asked == [None] and size(log) == 2)
        assert signed_size(log) == 1
        other.stop()
        assert signed_size(log) == 2
        first.stop()
    assert len(asked) == 2
