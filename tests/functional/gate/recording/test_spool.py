"""An outcome in the spool: the request goes on, and whoever writes next records what waits."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from consentgate import ConsentWithdrawn
from consentgate.config.outcomes import record_spool
from consentgate.config.settings import Settings
from consentgate.errors import Misconfigured, Unavailable
from consentgate.gate.replay import Replay
from tests.functional.gate.broken import Outage, another_gate, require_sound
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import SEARCH, STOP, files, only, operations


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
    spooling.unhurried()
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


def test_program_records_the_spool_from_outside(spooling: World, outage: Outage) -> None:
    outage.before_the_answer()
    spooling.search("tx-1")
    outage.end()
    settings: Settings = spooling.gate._parts.settings
    assert [each.end for each in record_spool(settings, clock=spooling.clock).done] == ["succeeded"]
    with pytest.raises(Misconfigured, match=r"\[spool\]"):
        record_spool(replace(settings, spool=None), clock=spooling.clock)
