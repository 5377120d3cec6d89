"""A bug of ours is a doubt like any other: a recorded denial that names it, and nothing leaves."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consentgate import ConsentDenied, OutcomeNotRecorded, canonical
from consentgate.errors import Malformed, Unavailable
from consentgate.gate.spool import Spool
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import SEARCH, STOP, operations

PLACES = (
    "consentgate.gate.judge.decide",
    "consentgate.gate.begin.judge",
    "consentgate.gate.begin.intent_contents",
    "consentgate.ledger.reader.Reader.read",
)
EARLY = (
    ("consentgate.aws.asking.Asking.read", False),
    ("consentgate.gate.resolve.Resolver.resolve", True),
)


@pytest.fixture
def ready(world: World) -> World:
    """A caller who may be searched on call tx-1."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    return world


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def denied(world: World) -> ConsentDenied:
    with pytest.raises(ConsentDenied) as raised:
        world.search("tx-1")
    assert [each.code for each in raised.value.reasons] == ["INTERNAL_ERROR"]
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert world.server.requests == ()
    return raised.value


@pytest.mark.parametrize("place", PLACES)
def test_failure_of_our_own_denies_and_is_recorded(
    ready: World, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, broken)
        error = denied(ready)
    assert [str(row.id) for row, _ in ready.opened("denial")] == [error.entry]
    assert ready.opened("intent") == []
    ready.search("tx-1")
    require_sound(ready)


@pytest.mark.parametrize(("place", "recorded"), EARLY)
def test_failure_before_the_decision_denies(
    ready: World, monkeypatch: pytest.MonkeyPatch, place: str, recorded: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, broken)
        error = denied(ready)
    assert (error.entry is not None) is recorded
    assert len(ready.opened("denial")) == recorded


def test_failure_that_cannot_be_recorded_either_denies_all_the_same(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.gate.judge.decide", broken)
        patch.setattr("consentgate.gate.begin.denial_contents", broken)
        assert denied(ready).entry is None


def test_failure_while_an_attempt_is_checked_sends_nothing(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.server.script.fail(error="ServiceUnavailableException", times=None)
    still = ready.gate._parts.reader

    def breaks_later(**_: Any) -> None:
        monkeypatch.setattr(type(still), "still", broken)

    ready.client.meta.events.register_first("needs-retry", breaks_later)
    with pytest.raises(ConsentDenied) as raised:
        ready.search("tx-1")
    assert [each.code for each in raised.value.reasons] == ["INTERNAL_ERROR"]
    assert ready.searches == 1
    assert ready.ends() == ["unknown"]


def test_ledger_that_cannot_be_asked_who_is_there_denies(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr("consentgate.gate.resolve.Resolver.resolve", unreachable)
    monkeypatch.setattr(ready.gate._parts.database, "glance", unreachable)
    with pytest.raises(ConsentDenied) as raised:
        ready.search("tx-1")
    assert [each.code for each in raised.value.reasons] == ["LEDGER_UNAVAILABLE"]
    assert ready.server.requests == ()


@pytest.mark.parametrize("place", [*PLACES, *(place for place, _ in EARLY)])
def test_interrupt_is_not_hidden(ready: World, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, interrupt)
        with pytest.raises(KeyboardInterrupt):
            ready.search("tx-1")
    assert ready.server.requests == ()
    assert ready.opened("intent", "denial") == []
    ready.search("tx-1")
    require_sound(ready)


def lost(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: type[Exception] = ZeroDivisionError,
) -> OutcomeNotRecorded:
    def broken_by(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, broken_by)
        with pytest.raises(OutcomeNotRecorded) as raised:
            world.search("tx-1")
    assert isinstance(raised.value.__cause__, error)
    return raised.value


# An error of our own kind says no more about what was recorded than any other.
BUGS = [ZeroDivisionError, Malformed]


def task_of(error: OutcomeNotRecorded) -> str:
    response: Any = error.response
    return str(response["SpeakerSearchTask"]["SpeakerSearchTaskId"])


@pytest.mark.parametrize("bug", BUGS)
def test_answer_that_we_fail_to_read_is_on_record_as_it_came(
    ready: World, monkeypatch: pytest.MonkeyPatch, bug: type[Exception]
) -> None:
    error = lost(ready, monkeypatch, "consentgate.aws.hooks.answered", bug)
    [(_, parts)] = ready.opened("observation")
    assert (error.entry, error.record) == (str(ready.opened("intent")[0][0].id), "")
    # It may name other people: its bytes lie apart, under the key of the month.
    kept = canonical.unb64(parts["matches.0"]["response"])
    assert json.loads(kept)["SpeakerSearchTask"]["SpeakerSearchTaskId"] == task_of(error)
    assert parts["exchange.0"]["status"] == 201
    assert ready.ends() == ["unknown"]
    require_sound(ready)


@pytest.mark.parametrize("bug", BUGS)
def test_answer_that_nobody_can_judge_is_handed_back_sealed(
    ready: World, monkeypatch: pytest.MonkeyPatch, bug: type[Exception]
) -> None:
    error = lost(ready, monkeypatch, "consentgate.gate.ending.classify", bug)
    assert operations(ready) == [SEARCH, STOP]
    assert ready.ends() == []
    ready.gate.record(error)
    [(_, parts)] = ready.opened("observation")
    assert parts["exchange.0"]["task"] == task_of(error)
    assert ready.ends() == ["unknown"]
    require_sound(ready)


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize(
    "place",
    ["consentgate.gate.door.finish", "consentgate.gate.finish.ending_of", "consentgate.gate.finish.append"],
)
def test_failure_of_the_last_step_stops_the_task_and_loses_nothing(
    ready: World, monkeypatch: pytest.MonkeyPatch, place: str, bug: type[Exception]
) -> None:
    error = lost(ready, monkeypatch, place, bug)
    assert operations(ready) == [SEARCH, STOP]
    assert ready.ends() == []
    for fresh in (True, False):
        [done] = ready.gate.record(error).done
        assert (done.end, done.fresh) == ("succeeded", fresh)
    [(_, parts)] = ready.opened("outcome")
    assert parts["exchange.0"]["task"] == task_of(error)
    require_sound(ready)


def test_answer_that_cannot_even_be_put_together_stops_the_task_and_is_handed_back(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without randomness there is no id and no seal.
    error = lost(ready, monkeypatch, "consentgate.gate.ending._new_id")
    assert operations(ready) == [SEARCH, STOP]
    assert (bool(task_of(error)), error.record) == (True, "")
    assert ready.ends() == []
    require_sound(ready)


def test_clock_that_nobody_can_believe_costs_no_answer(ready: World, monkeypatch: pytest.MonkeyPatch) -> None:
    book = ready.gate._parts.book
    now = type(book).now
    long_ago = datetime(1601, 1, 1, tzinfo=UTC)
    ready.client.meta.events.register_first(
        "response-received.chime-sdk-voice",
        lambda **_: monkeypatch.setattr(type(book), "now", lambda _: long_ago),
    )
    with pytest.raises(OutcomeNotRecorded) as raised:
        ready.search("tx-1")
    monkeypatch.setattr(type(book), "now", now)
    assert operations(ready) == [SEARCH, STOP]
    [done] = ready.gate.record(raised.value).done
    assert done.end == "succeeded"
    require_sound(ready)


def test_handler_that_fails_to_note_how_an_attempt_ended_keeps_what_came_back(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.aws.hooks.Hooks._ended", broken)
        with pytest.raises(ZeroDivisionError):
            ready.search("tx-1")
    [(_, parts)] = ready.opened("observation")
    told = parts["exchange.0"]
    assert (told["status"], told["error"], told["attempts"][0]["cause"]) == (201, *["ZeroDivisionError"] * 2)
    assert (
        json.loads(canonical.unb64(told["response"]))["SpeakerSearchTask"]["SpeakerSearchTaskId"]
        == told["task"]
    )
    assert ready.ends() == ["unknown"]
    require_sound(ready)


def test_handler_that_fails_before_it_knows_of_what_still_records_the_answer(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consentgate.aws import hooks

    failed: list[None] = []

    def fails_once(passage: object) -> Any:
        if not failed:
            failed.append(None)
            raise ZeroDivisionError
        return used_up(passage)

    used_up = hooks.used_up  # type: ignore[attr-defined]  # where the hooks take it from
    monkeypatch.setattr(hooks, "used_up", fails_once)
    with pytest.raises(ZeroDivisionError):
        ready.search("tx-1")
    assert ready.ends() == ["succeeded"]
    require_sound(ready)


def test_spool_that_cannot_be_looked_through_undoes_no_outcome(
    ready: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(ready.home / "spool")
    spool.prepare()
    spool.due = True
    gate: Any = ready.client.meta.consentgate_gate[0]
    gate._context = replace(gate._context, spool=spool)
    monkeypatch.setattr("consentgate.gate.replay.replay_spool", broken)
    assert ready.search("tx-1")["SpeakerSearchTask"]
    assert operations(ready) == [SEARCH]
    assert ready.ends() == ["succeeded"]
    assert "ZeroDivisionError" in caplog.text


def test_failure_to_read_a_failure_leaves_the_intent_open(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.server.script.drop(times=None)
    assert lost(ready, monkeypatch, "consentgate.aws.hooks.failed").response is None
    assert ready.ends() == ["unknown"]
    require_sound(ready)
