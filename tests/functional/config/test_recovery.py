"""An epoch is opened where the signer refuses, and says what is lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config import recovery
from consentgate.config.parts import signer_of
from consentgate.config.recovery import Plan, recover
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log, log_database, log_state, vkey_of
from consentgate.entries.epoch import epoch_record
from consentgate.errors import InvalidInput, LogRefused, Misconfigured, Unavailable
from consentgate.keys import files
from consentgate.ledger.book import open_parts
from consentgate.log import identity
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import Signer
from consentgate.log.state import FileState
from consentgate.storage import checkpoints, entries
from consentgate.tlog.checkpoint import open_checkpoint
from consentgate.tlog.notekey import NoteKey
from tests.functional.config.recovering import Backup, leaves, opened, signed, told, yes


def test_lost_state_begins_an_epoch_and_loses_nothing(settings: Settings) -> None:
    settings.log_state.unlink()
    with pytest.raises(LogRefused), log_database(settings) as database:
        signer_of(settings, database).once()
    done = opened(settings)
    assert (done.record.log, done.record.old_log, done.record.lost) == (1, 0, 0)
    assert (done.record.signed, done.record.sound, done.record.sequenced) == (3, 3, 3)
    assert done.record.source == "database"
    # Every entry again after the one that opens it; the refused attempt's writer never wrote.
    assert leaves(settings, 0) == ["registry", "registry", "writer_stop"]
    assert leaves(settings, 1) == ["epoch", *leaves(settings, 0), "writer_stop"]
    assert done.size == signed(settings) == 5
    told(settings, "three")
    assert keep_log(settings) is None
    assert leaves(settings, 1)[5:] == ["registry", "writer_stop"]
    assert leaves(settings, 0) == ["registry", "registry", "writer_stop"]


def test_epoch_has_origin_key_and_state_of_its_own(settings: Settings) -> None:
    old = vkey_of(settings)
    settings.log_state.unlink()
    done = opened(settings)
    assert done.vkey == vkey_of(settings) == vkey_of(settings, 1) != old == vkey_of(settings, 0)
    with log_database(settings) as database, database.read() as connection:
        newest = checkpoints.latest_checkpoint(connection, log=1)
        state = log_state(settings, database)
    assert newest is not None
    assert open_checkpoint(newest.note, NoteKey.from_vkey(done.vkey)).origin == done.record.origin
    assert state.origins == {0: done.record.old_origin, 1: done.record.origin}
    assert FileState(settings.log_file("state", 1)).read() is not None
    assert not settings.log_state.exists()


def test_first_entry_says_what_the_recovery_said(settings: Settings) -> None:
    settings.log_state.unlink()
    done = opened(settings)
    with ConsentGate(settings, background=False) as gate:
        parts = gate._parts
        with parts.database.read() as connection:
            (row,) = entries.of_kind(connection, parts.book.tenant, "epoch")
            key = parts.book.vault.find_key(connection, "body")
        assert key is not None
        content = dict(open_parts(row, [key])["body.0"])
    assert content.pop("v") == 1
    assert epoch_record(content) == done.record


def test_restored_copy_says_what_is_lost(settings: Settings, backup: Backup) -> None:
    restore = backup()
    told(settings, "three")
    assert keep_log(settings) is None
    assert signed(settings) == 5
    settings = restore()
    assert isinstance(keep_log(settings), LogRefused)
    told(settings, "four", "five")
    assert isinstance(keep_log(settings), LogRefused)
    done = opened(settings)
    assert (done.record.signed, done.record.sound, done.record.lost) == (5, 3, 2)
    assert (done.record.sequenced, done.record.entries, done.record.source) == (6, 6, "state")
    assert signed(settings) == 8
    assert keep_log(settings) is None


def test_checkpoint_that_was_kept_elsewhere_counts(
    settings: Settings, backup: Backup, tmp_path: Path
) -> None:
    restore = backup()
    told(settings, "three")
    assert keep_log(settings) is None
    with log_database(settings) as database:
        newest = log_state(settings, database).checkpoint
    assert newest is not None
    (tmp_path / "kept").write_text(newest.note, encoding="utf-8")
    settings = restore()
    settings.log_state.unlink()
    done = opened(settings, kept=[tmp_path / "kept"])
    assert (done.record.checkpoint, done.record.source) == (newest.note, "given")
    assert (done.record.signed, done.record.lost) == (5, 2)


def test_log_that_is_signed_is_not_recovered_by_mistake(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="nothing to recover"):
        recover(settings, agreed=yes)
    assert not settings.log_file("key", 1).exists()
    assert opened(settings, anyway=True).record.lost == 0
    assert signed(settings) == 5


def test_operator_who_does_not_agree_changes_nothing(settings: Settings) -> None:
    settings.log_state.unlink()
    plans = list[Plan]()

    def no(plan: Plan) -> bool:
        plans.append(plan)
        return False

    assert recover(settings, agreed=no) is None
    assert "missing" in plans[0].why
    assert plans[0].record.sequenced == 3
    assert sorted(path.name for path in settings.home.glob("log.*")) == [
        "log.key",
        "log.state.lock",
        "log.vkey",
    ]
    with log_database(settings) as database:
        assert log_state(settings, database).log == 0


def test_epochs_follow_epochs(settings: Settings) -> None:
    settings.log_state.unlink()
    opened(settings)
    settings.log_file("state", 1).unlink()
    done = opened(settings)
    assert (done.record.log, done.record.old_log, done.record.signed, done.record.lost) == (2, 1, 5, 0)
    assert leaves(settings, 2)[0] == "epoch"
    assert leaves(settings, 2).count("epoch") == 2
    assert keep_log(settings) is None


def test_database_that_forgot_an_epoch_gets_another_number(settings: Settings, backup: Backup) -> None:
    restore = backup()
    settings.log_state.unlink()
    first = opened(settings)
    settings = restore()
    done = opened(settings)
    assert (done.record.log, done.record.old_log) == (2, 0)
    assert done.record.origin != first.record.origin


class Cut(Exception):
    """The process ends here."""


def cut(*_: object, **__: object) -> Any:
    raise Cut


STEPS: dict[str, tuple[Any, str]] = {
    "before the state": (FileState, "create"),
    "before the key": (identity, "write_secret"),
    "before the public key": (identity, "write_public"),
    "before it is opened": (recovery, "open_epoch"),
    "before it is sequenced": (Sequencer, "once"),
}


@pytest.mark.parametrize("step", STEPS)
def test_recovery_that_was_cut_off_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    settings.log_state.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], cut)
        with pytest.raises(Cut):
            recover(settings, agreed=yes)
    if step == "before it is sequenced":
        with pytest.raises(InvalidInput, match="nothing to recover"):
            recover(settings, agreed=yes)
        assert keep_log(settings) is None
    else:
        assert opened(settings).record.log == 1
    assert leaves(settings, 1)[0] == "epoch"
    assert leaves(settings, 1).count("epoch") == 1
    assert sorted(path.name for path in settings.home.glob("log.*key")) == [
        "log.1.key",
        "log.1.vkey",
        "log.key",
        "log.vkey",
    ]


def test_key_without_its_state_is_never_used_again(settings: Settings) -> None:
    settings.log_state.unlink()
    files.write_secret(settings.log_file("key", 1), b"whatever")
    assert opened(settings).record.log == 2


def test_two_operators_open_one_epoch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.log_state.unlink()
    make = identity.make_epoch_identity

    def late(**_: Any) -> NoteKey:
        monkeypatch.setattr(recovery, "make_epoch_identity", make)
        return NoteKey.from_vkey(opened(settings).vkey)

    monkeypatch.setattr(recovery, "make_epoch_identity", late)
    with pytest.raises(Unavailable, match="in this moment"):
        recover(settings, agreed=yes)
    assert leaves(settings, 1).count("epoch") == 1


def test_processes_that_go_on_follow_the_epoch(settings: Settings) -> None:
    settings.log_state.unlink()
    with log_database(settings) as database:
        sequencer, old = Sequencer(database), signer_of(settings, database)
        sequencer.once()
        opened(settings)
        told(settings, "three")
        assert sequencer.once() == 2
        with pytest.raises(Misconfigured, match="An epoch ended"):
            old.once()
    assert leaves(settings, 1).count("registry") == 3


def test_log_that_an_epoch_ended_does_not_grow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.log_state.unlink()
    told(settings, "three")
    with log_database(settings) as database:
        sequencer = Sequencer(database)
        insert = Sequencer._insert

        def late(*arguments: Any) -> bool:
            monkeypatch.setattr(Sequencer, "_insert", insert)
            opened(settings)
            return insert(*arguments)

        monkeypatch.setattr(Sequencer, "_insert", late)
        sequencer.once()
    assert len(leaves(settings, 0)) == 3


def test_failure_to_sign_does_not_hide_the_epoch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.log_state.unlink()

    def down(_: Signer) -> Any:
        raise Unavailable

    once = Signer.once
    with monkeypatch.context() as patch:
        patch.setattr(Signer, "once", lambda self: down(self) if self.log else once(self))
        done = recover(settings, agreed=yes)
    assert done is not None
    assert isinstance(done.failure, Unavailable)
    assert keep_log(settings) is None
    assert signed(settings) > 3


@pytest.mark.parametrize(
    ("vkey", "says"),
    [("nonsense", "cannot be used"), ("other+00000000+AQ==", "cannot be used")],
)
def test_vkey_of_another_log_is_refused(settings: Settings, vkey: str, says: str) -> None:
    settings.log_state.unlink()
    with pytest.raises(InvalidInput, match=says):
        recover(settings, agreed=yes, vkey=vkey)


def test_vkey_that_is_not_there_can_be_given(settings: Settings) -> None:
    vkey = vkey_of(settings)
    settings.log_state.unlink()
    settings.log_vkey.unlink()
    with pytest.raises(Misconfigured, match="--vkey"):
        recover(settings, agreed=yes)
    assert opened(settings, vkey=vkey).record.lost == 0


def test_files_that_are_no_checkpoints_are_refused(settings: Settings, tmp_path: Path) -> None:
    settings.log_state.unlink()
    (tmp_path / "bad").write_text("bad")
    with pytest.raises(InvalidInput, match="not one of"):
        recover(settings, agreed=yes, kept=[tmp_path / "bad"])
    with pytest.raises(InvalidInput, match="cannot be read"):
        recover(settings, agreed=yes, kept=[tmp_path / "nowhere"])


def test_damaged_state_is_recovered_from(settings: Settings) -> None:
    settings.log_state.write_text("{}")
    assert opened(settings).record.source == "database"


def test_database_without_a_log_is_not_recovered(settings: Settings, tmp_path: Path) -> None:
    from consentgate.storage import schema
    from consentgate.storage.engines import open_engine

    empty = replace(settings, database=f"sqlite:///{tmp_path / 'empty.db'}")
    schema.upgrade(open_engine(empty.database))
    with pytest.raises(Misconfigured, match="no log to recover"):
        recover(empty, agreed=yes)
