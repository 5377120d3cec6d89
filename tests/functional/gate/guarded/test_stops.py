"""Withdrawals and outages around guarded blocks: what is stopped, through whom, and what the backend gets."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate, ConsentWithdrawn, OutcomeNotRecorded, Speaker
from consentgate.config.settings import load_settings
from consentgate.errors import Unavailable
from consentgate.gate.shadow import Shadow
from tests.functional.gate.broken import Outage
from tests.functional.gate.conftest import NOTICE, World
from tests.functional.gate.guarded.conftest import Engine, guarded, identify


def test_withdrawal_inside_a_block_stops_what_was_started(
    world: World, willing: Speaker, engine: Engine
) -> None:
    engine.before_answering.append(lambda: world.ivr.withdraw(willing, method="ivr_dtmf"))

    def search() -> None:
        with guarded(world, willing, identify(), stop=engine.stop) as permit:
            permit.answered(permit.send(engine), task="task-1", results=False)

    with pytest.raises(ConsentWithdrawn) as withdrawn:
        search()
    assert withdrawn.value.response == engine.answer
    assert withdrawn.value.stopped
    assert [(s.service, s.task, s.path) for s in engine.stopped] == [
        ("voice.acme.example", "task-1", "/v1/identify")
    ]
    assert world.ends() == ["succeeded"]
    assert world.gate.open_stops() == ()


def test_withdrawal_inside_a_block_that_started_nothing_leaves_nothing_to_stop(
    world: World, willing: Speaker, engine: Engine
) -> None:
    engine.before_answering.append(lambda: world.ivr.withdraw(willing, method="ivr_dtmf"))

    def search() -> None:
        with guarded(world, willing, b"voice", stop=engine.stop) as permit:
            permit.answered(permit.send(engine))

    with pytest.raises(ConsentWithdrawn) as withdrawn:
        search()
    assert withdrawn.value.stopped
    assert engine.stopped == []
    assert world.gate.open_stops() == ()


def test_stop_that_is_not_confirmed_stays_open_until_it_is(
    world: World, willing: Speaker, engine: Engine
) -> None:
    engine.confirms = False
    world.gate.guards("search", service="voice.acme.example", stop=engine.stop)
    with guarded(world, willing, identify()) as permit:
        permit.answered(permit.send(engine), task="task-1")
    world.ivr.withdraw(willing, method="ivr_dtmf")
    assert len(engine.stopped) == 1
    assert len(world.gate.open_stops()) == 1
    engine.confirms = True
    assert world.gate.carry_out_stops() == ()
    assert [s.task for s in engine.stopped] == ["task-1", "task-1"]


def test_without_a_way_to_stop_the_order_stays_open(world: World, willing: Speaker, engine: Engine) -> None:
    engine.before_answering.append(lambda: world.ivr.withdraw(willing, method="ivr_dtmf"))

    def search() -> None:
        with guarded(world, willing, identify()) as permit:
            permit.answered(permit.send(engine), task="task-1")

    with pytest.raises(ConsentWithdrawn) as withdrawn:
        search()
    assert not withdrawn.value.stopped
    assert len(world.gate.open_stops()) == 1


def test_withdrawal_after_an_answer_that_was_all_orders_no_stop(
    world: World, willing: Speaker, engine: Engine
) -> None:
    with guarded(world, willing, b"voice") as permit:
        permit.answered(permit.send(engine))
    world.ivr.withdraw(willing, method="ivr_dtmf")
    assert world.opened("stop") == []
    with pytest.raises(ConsentDenied), guarded(world, willing, b"voice"):
        pytest.fail("it was let in")


def test_what_an_enrolment_made_is_deleted_by_the_same_function(
    world: World, willing: Speaker, engine: Engine
) -> None:
    world.gate.add_notice(b"Acme keeps a voiceprint.", **{**NOTICE, "id": "keep", "operations": ["enrol"]})
    world.ivr.grant(willing, notice="keep", method="ivr_dtmf")
    with guarded(world, willing, identify(), "enrol", stop=engine.stop) as permit:
        permit.answered(permit.send(engine), task="vp-9")
    assert "response" in world.exchange("outcome")
    world.ivr.withdraw(willing, method="ivr_dtmf")
    assert [s.task for s in engine.stopped] == ["vp-9"]
    assert world.gate.open_stops() == ()


@pytest.mark.parametrize("failing", ["raises", "hangs", "says nothing"])
def test_function_that_stops_badly_holds_nobody_up(
    world: World, willing: Speaker, engine: Engine, failing: str
) -> None:
    free = threading.Event()

    def stop(_: object) -> Any:
        if failing == "raises":
            raise LookupError
        if failing == "hangs":
            free.wait(10)
        return None

    gate = replace(world, gate=world.gate)
    gate.gate._stop_seconds = 0.05
    engine.before_answering.append(lambda: world.ivr.withdraw(willing, method="ivr_dtmf"))

    def search() -> None:
        with guarded(gate, willing, identify(), stop=stop) as permit:
            permit.answered(permit.send(engine), task="task-1")

    began = time.monotonic()
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        search()
    free.set()
    assert not withdrawn.value.stopped
    assert time.monotonic() - began < 5


def test_who_joins_the_leg_is_decided_on_for_what_runs(
    world: World, willing: Speaker, engine: Engine
) -> None:
    world.register("tx-1", willing)
    with guarded(world, None, identify(call="tx-1"), stop=engine.stop) as permit:
        permit.answered(permit.send(engine), task="task-1")
    # Nobody hears the other leg in this request.
    world.gate.register_call("tx-1", callee=[world.caller("1002")])
    assert engine.stopped == []
    world.register("tx-1", world.caller("1003"))
    assert [s.task for s in engine.stopped] == ["task-1"]


def test_outcome_that_cannot_be_written_stops_the_task_and_is_recorded_later(
    world: World, willing: Speaker, engine: Engine
) -> None:
    settings = replace(load_settings(world.home), outcome_budget=timedelta(milliseconds=60))
    with ConsentGate(settings, clock=world.clock, background=False) as gate:
        hasty = replace(world, gate=gate)
        outage = Outage(hasty)
        engine.before_answering.append(outage.begin)

        def search() -> None:
            with guarded(hasty, willing, identify(), stop=engine.stop) as permit:
                permit.answered(permit.send(engine), task="task-1")

        with pytest.raises(OutcomeNotRecorded) as lost:
            search()
        assert [s.task for s in engine.stopped] == ["task-1"]
        outage.end()
        assert [done.end for done in gate.record(lost.value).done] == ["succeeded"]
    assert world.ends() == ["succeeded"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_ends_the_thread_goes_on_as_what_it_is(
    world: World, willing: Speaker, engine: Engine, error: type[BaseException]
) -> None:
    def search() -> None:
        with guarded(world, willing, identify()) as permit:
            permit.answered(permit.send(engine), task="task-1")
            raise error

    engine.before_answering.append(lambda: world.ivr.withdraw(willing, method="ivr_dtmf"))
    expected = error if error is KeyboardInterrupt else ConsentWithdrawn
    with pytest.raises(expected) as raised:
        search()
    if expected is KeyboardInterrupt:
        assert "ConsentWithdrawn" in raised.value.__notes__[0]


def test_ledger_out_of_reach_denies(world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(world.gate._parts.database, "write", failing)
    with pytest.raises(ConsentDenied) as denied, guarded(world, willing, b"voice"):
        pytest.fail("it was let in")
    assert [r.code for r in denied.value.reasons] == ["LEDGER_UNAVAILABLE"]


def test_failure_of_our_own_denies_and_is_recorded(
    world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise LookupError

    monkeypatch.setattr(world.gate._attendance, "register", failing)
    with pytest.raises(ConsentDenied) as denied, guarded(world, willing, b"voice"):
        pytest.fail("it was let in")
    assert [r.code for r in denied.value.reasons] == ["INTERNAL_ERROR"]
    assert isinstance(denied.value.__cause__, LookupError)
    assert len(world.opened("denial")) == 1


def test_failure_of_our_own_that_not_even_denies_is_raised(
    world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise LookupError

    monkeypatch.setattr(world.gate._attendance, "register", failing)
    monkeypatch.setattr(world.gate._door, "begin", lambda _: None)
    with pytest.raises(LookupError), guarded(world, willing, b"voice"):
        pytest.fail("it was let in")


def test_system_that_gives_no_thread_stops_all_the_same(
    world: World, willing: Speaker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: threading.Thread) -> None:
        raise RuntimeError

    with guarded(world, willing, identify(), stop=engine.stop) as permit:
        permit.answered(permit.send(engine), task="task-1")
    world.gate.guards("search", service="voice.acme.example", stop=engine.stop)
    monkeypatch.setattr(threading.Thread, "start", failing)
    world.ivr.withdraw(willing, method="ivr_dtmf")
    assert [s.task for s in engine.stopped] == ["task-1"]
    assert world.gate.open_stops() == ()


def test_interrupt_when_the_intent_is_there_closes_it(
    world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    block = guarded(world, willing, b"voice")
    monkeypatch.setattr(block, "_within", interrupted)
    with pytest.raises(KeyboardInterrupt), block:
        pytest.fail("it was let in")
    assert world.ends() == ["not_sent"]


def test_forked_child_has_no_use_of_the_permit(world: World, willing: Speaker, engine: Engine) -> None:
    def search() -> Iterator[int]:
        with guarded(world, willing, identify()) as permit:
            yield 0
            permit.answered(permit.send(engine))

    running = search()
    next(running)
    child = os.fork()
    if child == 0:  # pragma: no cover  # the child's lines are not counted
        code = 3
        try:
            next(running)
        except ConsentDenied as denied:
            code = 0 if [r.code for r in denied.reasons] == ["NO_PERMIT"] else 4
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(running) == []
    assert world.ends() == ["succeeded"]
    assert len(engine.got) == 1


def test_shadow_lets_out_what_would_be_denied_and_says_so(world: World, engine: Engine) -> None:
    settings = replace(load_settings(world.home), shadow=Shadow(by="Compliance", until=date(2027, 1, 1)))
    with (
        ConsentGate(settings, clock=world.clock, background=False, shadow=True) as gate,
        guarded(replace(world, gate=gate), world.caller(), b"voice") as permit,
    ):
        assert permit.shadow
        permit.answered(permit.send(engine))
    assert world.exchange("outcome")["shadow"] is True


def test_vendors_own_services_are_protected_and_not_guarded(world: World, willing: Speaker) -> None:
    with pytest.raises(ValueError, match="protect"):
        guarded(world, willing, identify(service="chime-sdk-voice"))
