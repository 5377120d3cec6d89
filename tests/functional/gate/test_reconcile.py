"""Intents whose end nobody recorded are closed: by what others say of them, never by asking again, and once.

On both databases: two that close at once, and a withdrawal beside them, meet in the database.
"""

import threading
from datetime import timedelta
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.gate import reconcile as reconciling
from consentgate.gate.reconcile import Reconciled
from consentgate.testing.events import search_event
from tests.functional.gate.conftest import World
from tests.functional.gate.reconciling import caller_of, died, finals, later, only


def test_what_nobody_tells_of_is_undetermined(world: World) -> None:
    caller_of(world)
    intent, _ = died(world)
    closed = only(later(world))
    assert (closed.intent, closed.end, closed.by) == (intent, "undetermined", "nobody")
    assert (closed.because, closed.was, closed.fresh, closed.stops) == ("no_answer", None, True, "none")
    assert (closed.operation, closed.contradicts) == ("StartSpeakerSearchTask", False)
    told = world.exchange("outcome")
    assert told["reconciled"] == {"by": "nobody", "because": "no_answer", "why": closed.why}
    assert (told["end"], told["attempts"]) == ("undetermined", [])
    assert later(world) == Reconciled()
    assert finals(world) == ["undetermined"]


def test_what_a_notification_told_of_succeeded(world: World) -> None:
    caller_of(world)
    intent, task = died(world)
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    closed = only(later(world))
    assert (closed.intent, closed.end, closed.by) == (intent, "succeeded", "notification")
    assert closed.because == "task_seen"
    told = world.exchange("outcome")
    assert told["task"] == task
    # What the vendor said when it was asked for the task is one of the reasons.
    seen = {str(row.id) for row, _ in world.opened("observation")}
    assert {*told["reconciled"]["entries"]} == seen
    assert len(seen) == 2
    assert world.gate.poll(task).task == task


def test_a_request_that_may_still_arrive_is_left_alone(world: World) -> None:
    caller_of(world)
    intent, _ = died(world)
    asked_at = world.clock()
    (waiting,) = world.gate.reconcile().waiting
    lasts = world.exchange("intent")["lasts_ms"] / 1000
    assert (waiting.intent, waiting.operation) == (intent, "StartSpeakerSearchTask")
    assert waiting.asked_at == asked_at
    assert waiting.until == asked_at + timedelta(seconds=5 + lasts + 2 + 4)
    assert later(world, waiting.until - asked_at - timedelta(milliseconds=1)).closed == ()
    assert finals(world) == []
    assert only(later(world, timedelta(milliseconds=1))).end == "undetermined"


def test_withdrawal_after_an_undetermined_end_leaves_a_stop_order_that_is_carried_out(world: World) -> None:
    caller = caller_of(world)
    intent, task = died(world)
    assert only(later(world)).end == "undetermined"
    world.ivr.withdraw(caller, method="ivr_dtmf")
    (order,) = world.gate.open_stops()
    assert (order.intent, order.does, order.tried) == (intent, "stop", False)
    # Nobody knows what is to be stopped, until the vendor tells.
    assert len(world.gate.carry_out_stops()) == 1
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    assert world.gate.carry_out_stops() == ()
    assert [each.operation for each in world.server.requests][-1] == "StopSpeakerSearchTask"


def test_a_success_of_somebody_who_withdrew_is_stopped(world: World) -> None:
    caller = caller_of(world)
    _, task = died(world)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    assert len(world.gate.carry_out_stops()) == 1
    closed = only(later(world))
    assert (closed.end, closed.stops) == ("succeeded", "stopped")
    assert [each.operation for each in world.server.requests][-1] == "StopSpeakerSearchTask"
    assert world.gate.open_stops() == ()


def test_two_that_reconcile_at_once_make_one_outcome_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        caller_of(world, str(number), f"tx-{number}")
        died(world, f"tx-{number}")
    world.clock.advance(timedelta(hours=1))
    together = threading.Barrier(2, timeout=20)
    close, found = reconciling._close, list[Reconciled]()

    def meet(*given: Any) -> Any:
        together.wait()
        return close(*given)

    monkeypatch.setattr(reconciling, "_close", meet)
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        threads = [
            threading.Thread(target=lambda gate=gate: found.append(gate.reconcile()))
            for gate in (world.gate, other)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
    assert len(found) == 2
    # Who comes second may see that it was done, or write the same again, which finds it there.
    assert sum(closed.fresh for each in found for closed in each.closed) == 4
    assert finals(world) == ["undetermined"] * 4
    assert world.opened("observation") == []


def test_a_gate_that_answers_after_all_comes_late_and_alarms(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caller_of(world)
    finish, done = world.gate._door.finish, list[Reconciled]()

    def much_later(*given: Any) -> None:
        done.append(later(world))
        finish(*given)

    monkeypatch.setattr(world.gate._door, "finish", much_later)
    task = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert only(done[0]).end == "undetermined"
    assert finals(world) == ["undetermined"]
    ((late, _),) = world.opened("observation")
    assert (late.end, world.exchange("observation")["task"]) == ("succeeded", task)
    assert "has a final outcome" in caplog.text
    assert task not in caplog.text
    assert world.gate.poll(task).task == task


def test_a_gate_that_answers_first_wins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    caller_of(world)
    finish, done = world.gate._door.finish, list[Reconciled]()

    def meanwhile(*given: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(reconciling, "_ask", lambda *_: finish(*given))
            done.append(later(world))

    monkeypatch.setattr(world.gate._door, "finish", meanwhile)
    world.search("tx-1")
    assert done == [Reconciled()]
    assert world.ends() == ["succeeded"]
