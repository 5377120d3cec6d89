"""An outcome that cannot be written: tried again, spooled, or handed back; and recorded later, once."""

import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consentgate import ConsentGate, ConsentWithdrawn, OutcomeNotRecorded, Speaker, canonical
from consentgate.config.outcomes import record_spool
from consentgate.config.settings import Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.entries.leaf import Answer
from consentgate.errors import InvalidInput, Malformed, Misconfigured, Unavailable
from consentgate.gate.replay import Replay, Replayed
from consentgate.ledger.book import Content
from tests.functional.gate.broken import BUDGET, Outage, another_gate, require_sound
from tests.functional.gate.conftest import World

SEARCH, STOP = "StartSpeakerSearchTask", "StopSpeakerSearchTask"


def caller_of(world: World) -> Speaker:
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


@pytest.fixture
def hasty(world: World) -> Iterator[World]:
    """A gate with little patience and no spool, and a caller who may be searched on call tx-1."""
    with another_gate(world, spool=None) as other:
        caller_of(other)
        yield other


@pytest.fixture
def spooling(world: World) -> Iterator[World]:
    """The same with a spool."""
    with another_gate(world, spool=world.home / "spool") as other:
        caller_of(other)
        yield other


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Iterator[Outage]:
    """An outage of that gate's database, when the test says so."""
    name = "spooling" if "spooling" in request.fixturenames else "hasty"
    outage = Outage(request.getfixturevalue(name))
    yield outage
    outage.end()


def lost(world: World, outage: Outage, transaction: str = "tx-1") -> OutcomeNotRecorded:
    """Search while the database goes away in the middle."""
    outage.before_the_answer()
    with pytest.raises(OutcomeNotRecorded) as raised:
        world.search(transaction)
    outage.end()
    return raised.value


def files(world: World) -> list[Path]:
    return sorted((world.home / "spool").iterdir())


def only(replayed: Replay) -> Replayed:
    assert replayed.left == ()
    [one] = replayed.done
    return one


def operations(world: World) -> list[str | None]:
    return [each.operation for each in world.server.requests]


# Handed back


def test_outcome_that_is_durable_nowhere_stops_the_task_and_is_handed_back(
    hasty: World, outage: Outage
) -> None:
    error = lost(hasty, outage)
    assert operations(hasty) == [SEARCH, STOP]
    assert error.response["SpeakerSearchTask"]["SpeakerSearchTaskId"]  # type: ignore[index]  # boto3's answer
    assert error.entry == str(hasty.opened("intent")[0][0].id)
    assert isinstance(error.__cause__, Unavailable)
    assert hasty.ends() == []


def test_what_was_handed_back_is_recorded_once_by_its_own_id(hasty: World, outage: Outage) -> None:
    error = pickle.loads(pickle.dumps(lost(hasty, outage)))
    first = only(hasty.gate.record(error))
    assert (first.end, first.late, first.fresh, first.stops) == ("succeeded", False, True, "none")
    assert str(first.intent) == error.entry
    again = only(hasty.gate.record(error))
    assert again == replace(first, fresh=False)
    assert hasty.ends() == ["succeeded"]
    assert hasty.opened("outcome")[0][0].id == first.entry
    require_sound(hasty)


def test_recorded_later_it_says_the_same(hasty: World, outage: Outage) -> None:
    hasty.server.script.results(("vp-somebody", 0.93))
    hasty.gate.record(lost(hasty, outage))
    hasty.register("tx-2", hasty.caller())
    hasty.server.script.results(("vp-somebody", 0.93))
    hasty.search("tx-2")
    (late, _), (prompt, _) = hasty.opened("outcome")
    told, said = (parts["exchange.0"] for _, parts in hasty.opened("outcome"))
    assert told.keys() == said.keys()
    assert told["summary"].keys() == said["summary"].keys()
    assert [a.keys() for a in told["attempts"]] == [a.keys() for a in said["attempts"]]
    assert late.re != prompt.re
    assert all("matches.0" in parts for _, parts in hasty.opened("outcome"))


def test_bug_of_ours_in_sealing_still_stops_the_task(
    hasty: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("consentgate.gate.finish.seal_ending", broken)
    assert lost(hasty, outage).record == ""
    assert operations(hasty) == [SEARCH, STOP]


def test_error_shows_nothing_of_the_outcome(hasty: World, outage: Outage) -> None:
    error = lost(hasty, outage)
    shown = f"{error} {error!r} {error.record}"
    task = error.response["SpeakerSearchTask"]["SpeakerSearchTaskId"]  # type: ignore[index]  # boto3's answer
    for secret in (task, "tx-1", "1001", "succeeded", error.entry):
        assert secret not in shown


@pytest.mark.sqlite_file
def test_record_of_another_deployment_is_refused(hasty: World, outage: Outage, tmp_path: Path) -> None:
    error = lost(hasty, outage)
    made = make_home(tmp_path / "other", controller="acme", clock=hasty.clock)
    with (
        ConsentGate(made.settings, clock=hasty.clock, background=False) as other,
        pytest.raises(Unavailable, match="another deployment"),
    ):
        other.record(error)
    assert only(hasty.gate.record(error)).fresh


@pytest.mark.sqlite_file
def test_outcome_of_an_intent_that_is_not_there_is_refused(
    hasty: World, outage: Outage, tmp_path: Path
) -> None:
    error = lost(hasty, outage)
    settings = load_settings(hasty.home)
    other = make_home(tmp_path / "other", controller="acme", clock=hasty.clock)
    other.settings.keys.write_bytes(settings.keys.read_bytes())
    with ConsentGate(other.settings, clock=hasty.clock, background=False) as gate:
        with pytest.raises(Malformed):
            gate.record(error)
        assert gate._parts.database is not None
    assert hasty.ends() == []


@pytest.mark.parametrize("index", [0, 40, -3])
def test_record_that_was_changed_is_refused(hasty: World, outage: Outage, index: int) -> None:
    error = lost(hasty, outage)
    text = error.record
    index %= len(text)
    changed = text[:index] + ("A" if text[index] != "A" else "B") + text[index + 1 :]
    with pytest.raises((Malformed, Unavailable)):
        hasty.gate.record(OutcomeNotRecorded(None, error.entry, changed))
    assert hasty.ends() == []


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "another"},
        {"hash": canonical.b64(bytes(32))},
        {"copies": []},
        {"copies": [{"subject": "AAAA", "jwe": "x"}]},
        {"copies": [{"subject": canonical.b64(bytes(16)), "jwe": "x"}]},
        {"about": ["AAAA"]},
        {"entry": "1"},
        {"end": "undetermined"},
        {"more": "x"},
    ],
    ids=str,
)
def test_record_that_says_something_else_is_refused(
    hasty: World, outage: Outage, change: dict[str, Any]
) -> None:
    error = lost(hasty, outage)
    envelopes = hasty.gate._parts.gate.envelopes
    told = {**json.loads(envelopes.open(error.record)), **change}
    with pytest.raises(Malformed):
        hasty.gate.record(OutcomeNotRecorded(None, error.entry, envelopes.seal(canonical.encode(told))))
    assert hasty.ends() == []


def test_error_without_a_record_says_so(hasty: World) -> None:
    with pytest.raises(InvalidInput, match="no outcome"):
        hasty.gate.record(OutcomeNotRecorded(None, "x"))
    with pytest.raises(InvalidInput, match=r"\[spool\]"):
        hasty.gate.record()


def test_outcome_that_cannot_even_be_sealed_still_stops_the_task(
    hasty: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> Any:
        raise Unavailable

    custody = hasty.gate._parts.gate.envelopes._custody
    with monkeypatch.context() as patch:
        patch.setattr(custody, "wrap", unreachable)
        error = lost(hasty, outage)
    assert error.record == ""
    assert operations(hasty) == [SEARCH, STOP]


def test_what_is_recorded_after_another_final_outcome_is_an_observation(hasty: World, outage: Outage) -> None:
    error = lost(hasty, outage)
    intent, _ = hasty.opened("intent")[0]
    book = hasty.gate._parts.book

    def close(connection: Any) -> None:
        subject = book.vault.ensure(connection, hasty.caller().first)
        part = Content(name="exchange.0", data_key=subject.data_key, members={"end": "undetermined"})
        answer = Answer(id=intent.id, h=intent.hash)
        book.write(connection, "outcome", book.now(), [part], [subject.id], re=answer, end="undetermined")

    hasty.gate._parts.database.write(close)
    done = only(hasty.gate.record(error))
    assert (done.end, done.late, done.fresh) == ("succeeded", True, True)
    assert hasty.ends() == ["undetermined", "succeeded"]
    assert [row.kind for row, _ in hasty.opened("outcome", "observation")] == ["outcome", "observation"]
    again = only(hasty.gate.record(error))
    assert (again.late, again.fresh) == (True, False)
    require_sound(hasty)


def test_speaker_who_withdrew_meanwhile_is_told_and_stopped(hasty: World, outage: Outage) -> None:
    hasty.server.script.fail(STOP, error="ServiceUnavailableException", times=None)
    error = lost(hasty, outage)
    hasty.ivr.withdraw(hasty.caller(), method="ivr_dtmf")
    reported = only(hasty.gate.record(error))
    assert reported.stops == "open"
    hasty.server.script.clear()
    elsewhere = hasty.server.client()
    stopped = only(hasty.gate.record(error, client=elsewhere))
    elsewhere.close()
    assert (stopped.stops, stopped.fresh) == ("stopped", False)
    seen = len(hasty.server.requests)
    assert only(hasty.gate.record(error)).stops == "stopped"
    assert len(hasty.server.requests) == seen
    require_sound(hasty)


def test_retry_within_the_budget_needs_no_spool(spooling: World, monkeypatch: pytest.MonkeyPatch) -> None:
    database = spooling.gate._parts.database
    write = database.write
    tried: list[int] = []

    def once(work: Any, **how: Any) -> Any:
        tried.append(1)
        if len(tried) == 1:
            raise Unavailable
        return write(work, **how)

    spooling.client.meta.events.register_first(
        "before-send", lambda **_: monkeypatch.setattr(database, "write", once)
    )
    spooling.search("tx-1")
    assert len(tried) == 2
    assert spooling.ends() == ["succeeded"]
    assert files(spooling) == []


# Spooled


def test_spooled_outcome_lets_the_request_go_on(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    answer = spooling.search("tx-1")
    assert answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert operations(spooling) == [SEARCH]
    assert len(files(spooling)) == 1
    outage.end()
    assert spooling.ends() == []
    done = only(spooling.gate.record())
    assert (done.end, done.fresh) == ("succeeded", True)
    assert spooling.ends() == ["succeeded"]
    assert files(spooling) == []
    assert spooling.gate.record() == Replay()
    require_sound(spooling)


def test_spool_shows_nothing_and_is_for_its_owner_alone(spooling: World, outage: Outage) -> None:
    spooling.server.script.results(("vp-somebody", 0.93))
    outage.before_the_answer()
    task = spooling.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    outage.end()
    [file] = files(spooling)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    text = file.read_text()
    intent = spooling.opened("intent")[0][0]
    for secret in (task, "tx-1", "vp-somebody", "succeeded", str(intent.id)):
        assert secret not in text
    assert set(json.loads(text)) == {"v", "kid", "key", "jwe"}


def test_next_write_of_the_process_records_what_waits(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    spooling.register("tx-2", spooling.caller())
    assert spooling.ends() == ["succeeded"]
    assert files(spooling) == []


def test_next_outcome_records_what_waits_and_stops_what_was_withdrawn(
    spooling: World, world: World, outage: Outage
) -> None:
    other = spooling.caller("1002")
    spooling.ivr.grant(other, notice="voiceprint", method="ivr_dtmf")
    spooling.register("tx-2", other)
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    # Another process takes the withdrawal in: this one has not written anything since.
    world.ivr.withdraw(spooling.caller(), method="ivr_dtmf")
    spooling.search("tx-2")
    assert operations(spooling) == [SEARCH, SEARCH, STOP]
    assert sorted(filter(None, spooling.ends())) == ["succeeded", "succeeded"]
    require_sound(spooling)


def test_start_of_the_gate_records_what_waits(spooling: World, world: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    with another_gate(world, spool=world.home / "spool"):
        assert world.ends() == ["succeeded"]
    assert files(spooling) == []


def test_gate_starts_while_nothing_can_be_recorded(spooling: World, world: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    [file] = files(spooling)
    file.write_text("{}")
    with another_gate(world, spool=world.home / "spool") as other:
        left = other.gate.record()
        assert [each.entry for each in left.left] == [UUID(file.stem)]
        assert "envelope" in left.left[0].why
        other.register("tx-2", other.caller())
        assert not other.gate._parts.gate.spool.due  # type: ignore[union-attr]  # it has one
    assert file.exists()


def test_withdrawal_that_can_be_read_stops_the_task_although_nothing_can_be_written(
    spooling: World, world: World, outage: Outage
) -> None:
    outage.before_the_answer(reads=False)
    spooling.client.meta.events.register_first(
        "request-created", lambda **_: world.ivr.withdraw(world.caller(), method="ivr_dtmf")
    )
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        spooling.search("tx-1")
    assert withdrawn.value.stopped
    outage.end()
    assert len(files(spooling)) == 1
    assert only(spooling.gate.record()).end == "succeeded"


def test_bug_of_ours_in_recording_is_spooled_too(spooling: World, outage: Outage) -> None:
    outage.before_the_answer(error=ZeroDivisionError)
    spooling.search("tx-1")
    outage.end()
    assert only(spooling.gate.record()).end == "succeeded"


def test_bug_of_ours_in_replaying_leaves_the_outcome_where_it_is(
    spooling: World, outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("consentgate.gate.replay.open_ending", broken)
        [left] = spooling.gate.record().left
    assert left.why == "ZeroDivisionError"
    assert only(spooling.gate.record()).end == "succeeded"


def test_interrupt_while_the_outcome_is_written_keeps_it_in_the_spool(
    spooling: World, outage: Outage
) -> None:
    class Ended(BaseException):
        pass

    outage.before_the_answer(error=Ended)
    with pytest.raises(Ended):
        spooling.search("tx-1")
    outage.end()
    assert only(spooling.gate.record()).end == "succeeded"
    require_sound(spooling)


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


def test_program_records_the_spool_from_outside(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    settings: Settings = spooling.gate._parts.settings
    assert [each.end for each in record_spool(settings, clock=spooling.clock).done] == ["succeeded"]
    with pytest.raises(Misconfigured, match=r"\[spool\]"):
        record_spool(replace(settings, spool=None), clock=spooling.clock)


# Settings


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
