"""A spool that is full, broken, shared or wrongly set: nothing is lost without a word."""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consentgate import OutcomeNotRecorded
from consentgate.config.settings import load_settings
from consentgate.errors import Misconfigured, Unavailable
from consentgate.gate.replay import Replay
from tests.functional.gate.broken import BUDGET, Outage, another_gate, require_sound
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import caller_of, files, lost, only


def test_full_spool_is_as_good_as_none(world: World) -> None:
    with another_gate(world, spool=world.home / "spool", limit=1) as small:
        caller_of(small)
        outage = Outage(small)
        outage.before_the_answer()
        small.search("tx-1")
        outage.end()
        [file] = files(small)
        kept = file.read_bytes()
        file.write_bytes(b"{}")
        small.register("tx-2", small.caller())
        error = lost(small, outage, "tx-2")
        assert only(small.gate.record(error)).fresh
        file.write_bytes(kept)
        assert [each.fresh for each in small.gate.record().done] == [True]


def test_spool_that_cannot_be_written_is_as_good_as_none(
    spooling: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        outage.before_the_answer()
        with pytest.raises(OutcomeNotRecorded) as raised:
            spooling.search("tx-1")
    outage.end()
    assert [f for f in files(spooling) if f.suffix == ".outcome"] == []
    assert only(spooling.gate.record(raised.value)).fresh


def test_half_written_and_foreign_files_are_never_read(spooling: World, world: World) -> None:
    folder = spooling.home / "spool"
    (folder / f"{UUID(int=1)}.outcome.new").write_text('{"v":1')
    (folder / "notes.outcome").write_text("mine")
    (folder / "readme.txt").write_text("mine")
    assert spooling.gate.record() == Replay()
    assert len(files(spooling)) == 3


def test_file_that_another_process_took_meanwhile_is_no_failure(
    spooling: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    spool = spooling.gate._parts.gate.spool
    assert spool is not None
    waiting = spool.waiting()
    only(spooling.gate.record())
    monkeypatch.setattr(spool, "waiting", lambda: waiting)
    assert spooling.gate.record() == Replay()


def test_outage_in_the_middle_of_a_replay_leaves_the_rest(
    spooling: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 3):
        spooling.register(f"tx-{number}", spooling.caller())
    for number in (1, 2, 3):
        outage.before_the_answer()
        spooling.search(f"tx-{number}")
        outage.end()
    database = spooling.gate._parts.database
    write = database.write
    done: list[int] = []

    def once(work: Any, **how: Any) -> Any:
        if done:
            raise Unavailable
        done.append(1)
        return write(work, **how)

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", once)
        first = spooling.gate.record()
    assert (len(first.done), len(first.left)) == (1, 1)
    assert len(spooling.gate.record().done) == 2
    assert spooling.ends() == ["succeeded"] * 3
    require_sound(spooling)


def test_spool_that_cannot_be_read_holds_up_nothing(
    spooling: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()

    def unreadable(*_: Any) -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", unreadable)
        assert spooling.register("tx-2", spooling.caller())
        with pytest.raises(Unavailable, match="cannot be read"):
            spooling.gate.record()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unreadable)
        assert [each.why for each in spooling.gate.record().left] != []
    assert [each.fresh for each in spooling.gate.record().done] == [False]


@pytest.mark.parametrize(("mode", "words"), [(0o755, "chmod 700"), (0o770, "chmod 700")])
def test_spool_that_others_can_look_into_is_refused(world: World, mode: int, words: str) -> None:
    folder = world.home / "spool"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Misconfigured, match=words), another_gate(world, spool=folder):
        pass
    (world.home / "file").write_text("")
    with (
        pytest.raises(Misconfigured, match="cannot be used"),
        another_gate(world, spool=world.home / "file" / "spool"),
    ):
        pass


def test_file_that_others_can_read_or_that_is_no_text_stays(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    [file] = files(spooling)
    file.chmod(0o644)
    assert "chmod" in spooling.gate.record().left[0].why
    file.chmod(0o600)
    kept = file.read_bytes()
    file.write_bytes(b"\xff")
    assert "not a sealed outcome" in spooling.gate.record().left[0].why
    file.write_bytes(kept)
    assert only(spooling.gate.record()).fresh


def test_person_whose_key_was_destroyed_leaves_the_intent_open(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    with spooling.raw() as raw:
        raw.execute("DELETE FROM data_key WHERE 1 = ?", (1,))
    [left] = spooling.gate.record().left
    assert "destroyed" in left.why
    assert spooling.opened("outcome") == []


@pytest.mark.parametrize(
    ("text", "folder", "limit"),
    [
        ("", None, 1000),
        ('[spool]\nfolder = "spool"\n', "spool", 1000),
        ('[spool]\nfolder = "a/b"\nlimit = 5\n', "a/b", 5),
    ],
)
def test_settings_name_the_spool(tmp_path: Path, text: str, folder: str | None, limit: int) -> None:
    (tmp_path / "consentgate.toml").write_text(f'format = 1\ndatabase = "sqlite:///x.db"\n{text}')
    settings = load_settings(tmp_path, {})
    assert settings.spool == (tmp_path / folder if folder else None)
    assert settings.spool_limit == limit
    assert settings.outcome_budget != BUDGET


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[spool]\nlimit = 3\n", "spool.folder"),
        ("[spool]\nfolder = 3\n", "spool.folder"),
        ('[spool]\nfolder = ""\n', "spool.folder"),
        ('[spool]\nfolder = "s"\nlimit = 0\n', "spool.limit"),
        ('[spool]\nfolder = "s"\nlimit = true\n', "spool.limit"),
        ('[spool]\nfolder = "s"\nlimit = "9"\n', "spool.limit"),
        ('[spool]\nplace = "s"\n', "unknown setting spool.place"),
    ],
)
def test_settings_of_the_spool_that_cannot_be_used_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "consentgate.toml").write_text(f'format = 1\ndatabase = "sqlite:///x.db"\n{text}')
    with pytest.raises(Misconfigured, match=words):
        load_settings(tmp_path, {})
