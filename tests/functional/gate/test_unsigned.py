"""Nothing is sent once entries have waited too long for a signature."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from consentgate.errors import LogRefused
from consentgate.gate.unsigned import Unsigned
from consentgate.storage.database import Database
from consentgate.testing.chime import ChimeServer
from tests.functional.log.place import Log, log_at, sequence_once, signer_at


@pytest.fixture
def home(on_database: None, tmp_path: Path) -> Path:
    """A deployment by the real clock, whose entries may wait for a second."""
    make_home(tmp_path / "home", controller="acme")
    with (tmp_path / "home" / "consentgate.toml").open("a") as file:
        file.write("\n[log]\nmax_unsigned_age_s = 1\n")
    return tmp_path / "home"


def denied(gate: ConsentGate, client: Any) -> tuple[list[str], str | None]:
    with pytest.raises(ConsentDenied) as caught:
        client.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4",
            TransactionId="tx-1",
            VoiceProfileDomainId="vpd-1",
            CallLeg="Caller",
        )
    return [each.code for each in caught.value.reasons], caught.value.entry


def test_gate_denies_while_the_log_is_not_signed(home: Path, chime: ChimeServer) -> None:
    settings = load_settings(home)
    with ConsentGate(settings, background=False) as gate:
        client = gate.protect(chime.client())
        assert denied(gate, client)[0] == ["CALL_UNKNOWN"]
        time.sleep(1.1)
        with pytest.raises(LogRefused, match="LOG_UNSIGNED"):
            gate.ready()
        codes, entry = denied(gate, client)
        assert codes == ["LOG_UNSIGNED"]
        assert entry is not None
        assert denied(gate, client)[0] == ["LOG_UNSIGNED"]
        assert keep_log(settings) is None
        gate.ready()
        assert denied(gate, client)[0] == ["CALL_UNKNOWN"]
        client.close()


def test_gate_that_keeps_its_log_goes_on(home: Path, chime: ChimeServer) -> None:
    with ConsentGate(load_settings(home)) as gate:
        client = gate.protect(chime.client())
        assert denied(gate, client)[0] == ["CALL_UNKNOWN"]
        service = gate._parts.service
        assert service is not None
        end = time.monotonic() + 10
        while gate._parts.gate.unsigned is None or gate._parts.gate.unsigned.since() is not None:
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(1.1)
        assert denied(gate, client)[0] == ["CALL_UNKNOWN"]
        client.close()


@pytest.fixture
def log(on_database: None, tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def looks(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often the database is asked."""
    read, seen = database.read, list[int]()

    def counted() -> Any:
        seen.append(1)
        return read()

    monkeypatch.setattr(database, "read", counted)
    return seen


def test_what_waits_is_named(tmp_path: Path, log: Log) -> None:
    watch = Unsigned(log.database, limit=timedelta(hours=1))
    signer = signer_at(tmp_path, log.database)
    assert watch.since() is None
    log.append()
    first = log.leaves()[0].at
    assert watch.since() == first
    sequence_once(log.database)
    log.append()
    assert watch.since() == first
    signer.once()
    assert watch.since() == log.leaves()[1].at
    sequence_once(log.database)
    assert watch.since() == log.leaves()[1].at
    signer.once()
    assert watch.since() is None


def test_decisions_ask_once_an_hour_while_nothing_waits(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Unsigned(log.database, limit=timedelta(hours=24))
    seen, now = looks(log.database, monkeypatch), log.database.clock()
    for minutes in range(0, 60, 5):
        assert not watch.overdue(now + timedelta(minutes=minutes))
    assert len(seen) == 1
    assert not watch.overdue(now + timedelta(minutes=60))
    assert len(seen) == 2
    assert not watch.overdue(now - timedelta(minutes=60)), "a clock that was set back"
    assert len(seen) == 3


def test_decisions_ask_when_something_may_be_overdue(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append()
    watch = Unsigned(log.database, limit=timedelta(minutes=10))
    seen, at = looks(log.database, monkeypatch), log.leaves()[0].at
    seen.clear()
    assert not watch.overdue(at + timedelta(minutes=1))
    assert not watch.overdue(at + timedelta(minutes=9, seconds=59))
    assert len(seen) == 1
    assert not watch.overdue(at + timedelta(minutes=10)), "not longer than the limit yet"
    for seconds in range(1, 4):
        assert watch.overdue(at + timedelta(minutes=10, seconds=seconds))
    assert len(seen) == 5
