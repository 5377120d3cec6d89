"""Ends of which botocore tells nobody: an interrupt, and what goes wrong before our own handler begins."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from consentgate import ConsentWithdrawn, OutcomeNotRecorded, Speaker
from consentgate.aws.around import Around
from consentgate.aws.hooks import Hooks
from consentgate.aws.passage import Passage
from consentgate.errors import ConsentGateError, Misconfigured
from consentgate.gate.door import Gate
from tests.functional.gate.conftest import World

OPERATION = "chime-sdk-voice.StartSpeakerSearchTask"


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def struck(world: World, step: str, act: Callable[[], object], patch: pytest.MonkeyPatch) -> World:
    """The same deployment, through a client in which something strikes at the entry of a handler of ours."""
    patch.setattr(Hooks, step, lambda *_, **__: act())
    return replace(world, client=world.gate.protect(world.server.client()))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), RecursionError()])
@pytest.mark.parametrize(
    ("step", "searches", "end"),
    [("_on_attempt", 0, "not_sent"), ("_on_received", 1, "unknown"), ("_on_answer", 1, "succeeded")],
)
def test_what_strikes_at_the_entry_of_a_handler_leaves_no_intent_open(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch, error: BaseException,
    step: str, searches: int, end: str,
) -> None:  # fmt: skip
    def strike() -> None:
        raise error

    with pytest.raises(type(error)):
        struck(world, step, strike, monkeypatch).search("tx-1")
    assert world.searches == searches
    assert world.ends() == [end]
    kind = "observation" if end == "unknown" else "outcome"
    assert world.exchange(kind)["error"] == type(error).__name__


def test_what_strikes_before_anything_was_kept_hands_the_answer_back_and_the_intent_stays_open(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strike(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(Gate, "finish", strike)
    with pytest.raises(OutcomeNotRecorded) as raised:
        world.search("tx-1")
    answered: Any = raised.value.response
    assert answered["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert isinstance(raised.value.__cause__, RecursionError)
    assert (world.searches, world.ends()) == (1, [])
    world.clock.advance(timedelta(hours=1))
    world.gate.reconcile()
    assert world.ends() == ["undetermined"]


def test_interrupt_while_the_answer_is_waited_for(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.client._endpoint.http_session._session
    send = session.send

    def interrupted(request: Any) -> Any:
        send(request)
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        world.search("tx-1")
    assert world.searches == 1
    assert world.ends() == ["unknown"]


def test_handlers_that_somebody_took_away_leave_no_intent_open(world: World, caller: Speaker) -> None:
    world.client.meta.events.unregister(
        f"after-call.{OPERATION}", unique_id="consentgate-after-call-StartSpeakerSearchTask"
    )
    assert world.search("tx-1")["SpeakerSearchTask"]
    assert world.ends() == ["succeeded"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LookupError()])
def test_withdrawal_that_meets_a_strike_stops_the_task(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def strike() -> None:
        world.ivr.withdraw(caller, method="ivr_dtmf")
        raise error

    mine = struck(world, "_on_answer", strike, monkeypatch)
    with pytest.raises((KeyboardInterrupt, ConsentWithdrawn)) as raised:
        mine.search("tx-1")
    if isinstance(error, KeyboardInterrupt):
        # What must end the thread goes on as what it is.
        assert raised.value is error
        assert "ConsentWithdrawn" in error.__notes__[0]
    else:
        assert raised.value.__context__ is error
    assert world.gate.open_stops() == ()


def test_calls_inside_calls_are_kept_apart(world: World, caller: Speaker) -> None:
    """A handler that searches by itself, as a retry by hand would."""
    world.register("tx-2", caller)
    inner: list[Any] = []

    def handler(**_: Any) -> None:
        if not inner:
            inner.append(None)
            inner[0] = world.search("tx-2")

    world.client.meta.events.register_first(f"before-call.{OPERATION}", handler)
    assert world.search("tx-1")
    assert inner[0]
    assert world.ends() == ["succeeded", "succeeded"]
    assert len(world.opened("intent")) == 2


def close(name: str, passage: Any, error: BaseException | None, response: object) -> None:
    raise ConsentGateError


def test_client_that_calls_elsewhere_is_refused() -> None:
    with pytest.raises(Misconfigured):
        Around(close).stand(object())


def test_request_outside_any_call_of_the_client_is_not_kept_for_one() -> None:
    around = Around(close)
    around.begins(Passage(intent=UUID(int=1)))

    class Client:
        def _make_api_call(self, operation_name: str, api_params: Any) -> str:
            return f"{operation_name}{api_params}"

    client = Client()
    around.stand(client)
    assert client._make_api_call("a", "b") == "ab"
