"""Logs that epochs ended are verified up to what survived."""

import re

import pytest

from consentgate.canonical import Json, b64
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log, vkey_of
from consentgate.config.verification import Verified, verify_deployment
from consentgate.entries.epoch import EpochRecord
from consentgate.moment import system_random
from consentgate.storage import inbulk
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteSigner
from consentgate.verify.result import Verification
from tests.databases import raw
from tests.functional.config.recovering import Backup, opened, told


def verified(settings: Settings, *, with_keys: bool = True) -> Verification:
    done: Verified = verify_deployment(settings, vkey=None, with_keys=with_keys, step=lambda: None)
    return done.verification


def verdicts(done: Verification) -> dict[str, str]:
    return {each.name: each.verdict for each in done.levels}


def found(done: Verification) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in done.findings]


def change(settings: Settings, *statements: str) -> None:
    """Change the database behind the ledger's back, as its owner can."""
    with raw(settings.database) as connection:
        for statement in statements:
            connection.unguarded(statement)


def test_log_without_epochs_has_no_such_level(settings: Settings) -> None:
    assert "epochs" not in verdicts(verified(settings))


def test_epoch_after_a_lost_state_holds(settings: Settings) -> None:
    settings.log_state.unlink()
    opened(settings)
    told(settings, "three")
    assert keep_log(settings) is None
    done = verified(settings)
    assert found(done) == []
    assert set(verdicts(done).values()) == {"holds"}
    assert list(verdicts(done))[4:6] == ["signer", "epochs"]


def test_epochs_after_epochs_hold(settings: Settings) -> None:
    for number in range(3):
        settings.log_file("state", number).unlink()
        opened(settings)
    done = verified(settings)
    assert found(done) == []
    assert set(verdicts(done).values()) == {"holds"}


def test_old_epoch_of_several_readings_holds(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What opens an epoch is at position 0, and its row comes after those of the first readings."""
    monkeypatch.setattr(inbulk, "AT_ONCE", 2)
    for number in range(2):
        settings.log_file("state", number).unlink()
        opened(settings)
        told(settings, f"later-{number}")
        assert keep_log(settings) is None
    done = verified(settings)
    assert found(done) == []
    assert set(verdicts(done).values()) == {"holds"}


def test_what_is_lost_stays_a_finding(settings: Settings, backup: Backup) -> None:
    restore = backup()
    told(settings, "three")
    assert keep_log(settings) is None
    settings = restore()
    opened(settings)
    done = verified(settings)
    assert found(done) == [("lost", "log 0")]
    assert (done.findings[0].expected, done.findings[0].found) == (
        "5 entries, which were signed",
        "3 under a root that was signed",
    )
    assert (verdicts(done)["epochs"], done.exit_code) == ("incomplete", 4)


def test_without_keys_epochs_cannot_be_judged(settings: Settings) -> None:
    settings.log_state.unlink()
    opened(settings)
    done = verified(settings, with_keys=False)
    assert found(done) == []
    assert verdicts(done)["epochs"] == "cannot_judge"


def test_without_the_old_key_epochs_cannot_be_judged(settings: Settings) -> None:
    settings.log_state.unlink()
    opened(settings)
    settings.log_vkey.unlink()
    done = verified(settings)
    assert (found(done), verdicts(done)["epochs"], verdicts(done)["signature"]) == (
        [],
        "cannot_judge",
        "holds",
    )
    assert vkey_of(settings, 0) is None


CHANGES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "the old log's last position is cut off": (
        "DELETE FROM seq WHERE log = 0 AND position = 2",
        [
            ("truncated", "log 0"),
            ("truncated", "log 0: tree state of size 3"),
            ("missing", "log 0: tree state of size 2"),
            ("truncated", "log 0: checkpoint of size 3"),
        ],
    ),
    "all of the old log is deleted but its checkpoint": (
        "DELETE FROM seq WHERE log = 0",
        [
            ("truncated", "log 0"),
            ("truncated", "log 0: tree state of size 3"),
            ("truncated", "log 0: checkpoint of size 3"),
        ],
    ),
    "a position of the old log names another entry": (
        "UPDATE seq SET hash = (SELECT hash FROM seq WHERE log = 0 AND position = 0) WHERE log = 0 AND position = 1",
        [("altered", "log 0: entry ID at position 1")],
    ),
    "the old log grows": (
        "INSERT INTO seq SELECT 0, 3, tenant, entry, hash FROM seq WHERE log = 1 AND position = 0",
        [
            ("extra", "log 0"),
            ("missing", "log 0: tree state of size 4"),
        ],
    ),
    "the old log's checkpoint is changed": (
        "UPDATE checkpoint SET note = 'x' WHERE log = 0",
        [("unsigned", "log 0: checkpoint of size 3")],
    ),
    "the old log's tree is changed": (
        "UPDATE tree_state SET root = (SELECT root FROM tree_state WHERE log = 1 AND size = 1) WHERE log = 0",
        [("altered", "log 0: tree state of size 3")],
    ),
    "the old log's origin is changed": (
        "UPDATE deployment SET value = 'consentgate.invalid/x' WHERE name = 'log_origin'",
        [("altered", "entry that opens log 1, old_origin"), ("altered", "log 0: deployment, log_origin")],
    ),
    "the old log's origin is deleted": (
        "DELETE FROM deployment WHERE name = 'log_origin'",
        [
            ("extra", "checkpoint, column log"),
            ("extra", "seq, column log"),
            ("extra", "tree_state, column log"),
            ("missing", "deployment, log_origin"),
        ],
    ),
    "a log of a number that is none": (
        "INSERT INTO deployment (name, value) VALUES ('log_origin.01', 'consentgate.invalid/y')",
        [("extra", "deployment, log_origin.01")],
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_after_the_epoch_is_broken(settings: Settings, what: str) -> None:
    settings.log_state.unlink()
    opened(settings)
    assert verified(settings).exit_code == 0
    statement, expected = CHANGES[what]
    change(settings, statement)
    done = verified(settings)
    assert done.exit_code == 1
    assert [(kind, re.sub("[0-9a-f-]{36}", "ID", where)) for kind, where in found(done)] == expected


GRAVE = {
    "the entry that opens the epoch is taken out of the log": (
        "DELETE FROM seq WHERE log = 1 AND position = 0",
        [("missing", "position 0"), ("missing", "entry that opens log 1")],
    ),
    "the epoch is denied": (
        "DELETE FROM deployment WHERE name = 'log_origin.1'",
        [("extra", "seq, column log"), ("extra", "checkpoint, column log")],
    ),
    "an epoch is made up": (
        "INSERT INTO deployment (name, value) VALUES ('log_origin.2', 'consentgate.invalid/y')",
        [("missing", "entry that opens log 2")],
    ),
}


@pytest.mark.parametrize("what", GRAVE)
def test_what_changes_which_epochs_there_are_is_broken(settings: Settings, what: str) -> None:
    settings.log_state.unlink()
    opened(settings)
    statement, expected = GRAVE[what]
    change(settings, statement)
    done = verified(settings)
    assert done.exit_code == 1
    assert set(expected) <= set(found(done))


def test_entry_that_says_something_else_is_broken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = EpochRecord.members
    settings.log_state.unlink()

    def lying(record: EpochRecord) -> dict[str, Json]:
        said = members(record)
        return {**said, "log": 7, "root": b64(bytes(32))}

    monkeypatch.setattr(EpochRecord, "members", lying)
    opened(settings)
    done = verified(settings)
    assert found(done) == [("altered", "entry that opens log 1, log"), ("altered", "log 0")]
    assert verdicts(done)["epochs"] == "broken"


@pytest.mark.parametrize(
    "said", [{"lost": 1}, {"more": 1}, {"sizes": 1}, {"root": 5}, {"log": -1}, {"origin": 5}]
)
def test_entry_that_says_nonsense_is_broken(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, said: dict[str, Json]
) -> None:
    members = EpochRecord.members
    settings.log_state.unlink()
    monkeypatch.setattr(EpochRecord, "members", lambda record: {**members(record), **said})
    opened(settings)
    assert found(verified(settings)) == [("altered", "entry that opens log 1")]


def test_checkpoint_of_another_key_is_broken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    members = EpochRecord.members
    settings.log_state.unlink()
    other = NoteSigner.generate("consentgate.invalid/other", system_random)
    note = sign_checkpoint(Checkpoint(origin="consentgate.invalid/other", size=3, root=bytes(32)), other)
    monkeypatch.setattr(EpochRecord, "members", lambda record: {**members(record), "checkpoint": note})
    opened(settings)
    assert found(verified(settings)) == [("unsigned", "entry that opens log 1, checkpoint")]


def test_entry_gone_before_the_epoch_is_said_to_be_lost(settings: Settings) -> None:
    settings.log_state.unlink()
    change(settings, "DELETE FROM entry WHERE ordinal = 1")
    record = opened(settings).record
    assert (record.signed, record.sound, record.gone, record.lost) == (3, 3, 1, 1)
    done = verified(settings)
    assert ("lost", "log 0") in found(done)
    assert verdicts(done)["epochs"] == "incomplete"
    assert verdicts(done)["tree"] == "holds"
