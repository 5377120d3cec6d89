"""Nothing is sent once entries have waited too long for a signature."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.config.diagnosis import diagnose
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log, log_database, log_state
from consentgate.errors import LogRefused
from consentgate.gate.unsigned import Unsigned
from consentgate.log.ownnotes import OwnNotes
from consentgate.log.signer import Signer
from consentgate.moment import system_random
from consentgate.storage import checkpoints
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.testing.chime import ChimeServer
from consentgate.tlog.checkpoint import Checkpoint, encode, open_checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteKey, NoteSigner
from tests.databases import raw
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


def watching(folder: Path, log: Log, limit: timedelta) -> Unsigned:
    """What a gate uses, by the key that lies beside the signer's; none where none was made."""
    path = folder / "log.vkey"
    notes = OwnNotes(lambda _: NoteKey.from_vkey(path.read_text().strip()) if path.exists() else None)
    return Unsigned(log.database, limit=limit, notes=notes)


def forge(log: Log, size: int, note: str) -> None:
    """A row that the signer did not write, as the sequencer's login may insert it."""
    row = CheckpointRow(size=size, origin="forged", note=note, at=log.database.clock())
    log.database.write(lambda connection: checkpoints.insert_checkpoint(connection, row))


def test_what_waits_is_named(tmp_path: Path, log: Log) -> None:
    watch = watching(tmp_path, log, timedelta(hours=1))
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


def test_decisions_ask_once_an_hour_while_nothing_waits(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watching(tmp_path, log, timedelta(hours=24))
    seen, now = looks(log.database, monkeypatch), log.database.clock()
    for minutes in range(0, 60, 5):
        assert not watch.overdue(now + timedelta(minutes=minutes))
    assert len(seen) == 1
    assert not watch.overdue(now + timedelta(minutes=60))
    assert len(seen) == 2
    assert not watch.overdue(now - timedelta(minutes=60)), "a clock that was set back"
    assert len(seen) == 3


def test_decisions_ask_when_something_may_be_overdue(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append()
    watch = watching(tmp_path, log, timedelta(minutes=10))
    seen, at = looks(log.database, monkeypatch), log.leaves()[0].at
    seen.clear()
    assert not watch.overdue(at + timedelta(minutes=1))
    assert not watch.overdue(at + timedelta(minutes=9, seconds=59))
    assert len(seen) == 1
    assert not watch.overdue(at + timedelta(minutes=10)), "not longer than the limit yet"
    for seconds in range(1, 4):
        assert watch.overdue(at + timedelta(minutes=10, seconds=seconds))
    assert len(seen) == 5


def signed_three(tmp_path: Path, log: Log, waiting: int = 2) -> tuple[Signer, str]:
    """Three entries that are signed, and some that are not."""
    signer = signer_at(tmp_path, log.database)
    log.append(3)
    sequence_once(log.database)
    made = signer.once()
    assert made is not None
    log.append(waiting)
    sequence_once(log.database)
    return signer, made.note


@pytest.mark.parametrize("size", [4, 5, 900_000_000])
@pytest.mark.parametrize("forged", ["x", "older", "another key", "unsigned"])
def test_a_forged_checkpoint_covers_nothing(tmp_path: Path, log: Log, size: int, forged: str) -> None:
    signer, older = signed_three(tmp_path, log)
    head = Checkpoint(origin=signer.key.key.name, size=size, root=bytes(32))
    thief = NoteSigner.generate(head.origin, system_random)
    signatures = older.partition("\n\n")[2]
    note = {
        "x": "x",
        "older": older,
        "another key": sign_checkpoint(head, thief),
        "unsigned": f"{encode(head)}\n{signatures}",
    }[forged]
    watch = watching(tmp_path, log, timedelta(minutes=1))
    first = log.leaves()[3].at
    assert watch.since() == first
    forge(log, size, note)
    assert watch.since() == first
    assert not watch.overdue(first + timedelta(minutes=1))
    assert watch.overdue(first + timedelta(minutes=2))


def test_a_checkpoint_larger_than_the_log_covers_nothing(tmp_path: Path, log: Log) -> None:
    signer, _ = signed_three(tmp_path, log)
    head = Checkpoint(origin=signer.key.key.name, size=6, root=bytes(32))
    forge(log, 6, sign_checkpoint(head, signer.key))
    assert watching(tmp_path, log, timedelta(minutes=1)).since() == log.leaves()[3].at


def test_without_the_key_a_checkpoint_has_to_look_like_the_log_s(tmp_path: Path, log: Log) -> None:
    _, older = signed_three(tmp_path, log, waiting=3)
    blind = Unsigned(log.database, limit=timedelta(minutes=1), notes=OwnNotes(lambda _: None))
    first = log.leaves()[3].at
    other = NoteSigner.generate("consentgate.invalid/test/other", system_random)
    forge(log, 4, sign_checkpoint(Checkpoint(origin=other.key.name, size=4, root=bytes(32)), other))
    forge(log, 5, "x")
    forge(log, 6, older)
    assert blind.since() == first


def test_a_signature_is_verified_once(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    _, older = signed_three(tmp_path, log)
    forge(log, 4, older)
    seen = list[str]()

    def counted(note: str, key: NoteKey) -> Checkpoint:
        seen.append(note)
        return open_checkpoint(note, key)

    monkeypatch.setattr("consentgate.log.ownnotes.open_checkpoint", counted)
    watch = watching(tmp_path, log, timedelta(minutes=1))
    for _ in range(3):
        watch.since()
    # That of the forged row and the newest, though both rows hold the same note.
    assert seen == [older, older]


def test_many_forged_checkpoints_are_doubt(tmp_path: Path, log: Log) -> None:
    signed_three(tmp_path, log, waiting=101)
    for size in range(4, 105):
        forge(log, size, "x")
    watch = watching(tmp_path, log, timedelta(minutes=1))
    assert watch.since() == log.leaves()[0].at


def test_forged_checkpoint_shows_in_the_state_of_the_log(home: Path) -> None:
    settings = load_settings(home)
    with ConsentGate(settings, background=False) as gate:
        gate.add_issuer("https://one.example", name="One")
        assert keep_log(settings) is None
        gate.add_issuer("https://two.example", name="Two")
    assert keep_log(settings) is None
    with log_database(settings) as database:
        before = log_state(settings, database)
        assert (before.unsigned_since, before.unsigned) == (None, 0)
        assert before.size > 1
        with raw(settings.database) as connection:
            connection.unguarded(f"DELETE FROM checkpoint WHERE size = {before.size}")
            connection.execute(
                "INSERT INTO checkpoint SELECT log, 900000000, origin, 'x', at FROM checkpoint"
            )
        state = log_state(settings, database)
    assert state.unsigned_since is not None
    assert state.unsigned == state.size - state.signed > 0
    (line,) = (each for each in diagnose(settings) if each.name == "log")
    # A warning, or a failure where the entry has waited for a second by now.
    assert line.verdict != "ok"
    assert "not signed" in line.found
