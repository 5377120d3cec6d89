"""A bug of ours is a doubt like any other: a recorded denial that names it, and nothing leaves."""

from typing import Any

import pytest

from consentgate import ConsentDenied, OutcomeNotRecorded
from consentgate.errors import Malformed, Unavailable
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import World

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
@pytest.mark.parametrize("bug", [ZeroDivisionError, Malformed])
@pytest.mark.parametrize("place", ["consentgate.aws.hooks.answered", "consentgate.gate.finish.classify"])
def test_failure_to_read_the_answer_hands_it_back_and_leaves_the_intent_open(
    ready: World, monkeypatch: pytest.MonkeyPatch, place: str, bug: type[Exception]
) -> None:
    error = lost(ready, monkeypatch, place, bug)
    response: Any = error.response
    assert response["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert (error.entry, error.record) == (str(ready.opened("intent")[0][0].id), "")
    assert ready.ends() == []
    require_sound(ready)


def test_failure_to_read_a_failure_leaves_the_intent_open(
    ready: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.server.script.drop(times=None)
    assert lost(ready, monkeypatch, "consentgate.aws.hooks.failed").response is None
    assert ready.ends() == []
    require_sound(ready)
