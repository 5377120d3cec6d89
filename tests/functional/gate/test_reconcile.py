"""Intents whose end nobody recorded are closed: by what others say of them, and never by asking again.

The first half runs on both databases; what is about the vendor's answers alone says so.
"""

from datetime import timedelta
from uuid import UUID

import pytest

from consentgate import Speaker
from consentgate.gate.reconcile import Closed, Reconciled
from consentgate.testing.events import search_event
from tests.functional.gate.conftest import World

LONG = timedelta(hours=1)


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def died(world: World, transaction: str = "tx-1") -> tuple[UUID, str]:
    """Search in a process that ends before it records the outcome; give the intent and the task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gate._door, "finish", lambda *_: None)
        answer = world.search(transaction)
    return world.opened("intent")[-1][0].id, answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def later(world: World, by: timedelta = LONG) -> Reconciled:
    """Let time go by, and reconcile."""
    world.clock.advance(by)
    return world.gate.reconcile()


def only(done: Reconciled) -> Closed:
    """Give the one intent that was closed."""
    assert (done.waiting, done.stuck) == ((), ())
    (closed,) = done.closed
    return closed


def test_what_nobody_tells_of_is_undetermined(world: World, caller: Speaker) -> None:
    intent, _ = died(world)
    before = len(world.server.requests)
    closed = only(later(world))
    assert (closed.intent, closed.end, closed.by, closed.because) == (
        intent,
        "undetermined",
        "nobody",
        "no_answer",
    )
    assert (closed.late, closed.stops, closed.operation) == (False, "none", "StartSpeakerSearchTask")
    assert world.ends() == ["undetermined"]
    told = world.exchange("outcome")
    assert told["reconciled"] == {"by": "nobody", "because": "no_answer", "why": closed.why}
    assert told["attempts"] == []
    assert len(world.server.requests) == before
    assert world.gate.reconcile() == Reconciled()


def test_what_a_notification_told_of_succeeded(world: World, caller: Speaker) -> None:
    intent, task = died(world)
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    closed = only(later(world))
    assert (closed.intent, closed.end, closed.by, closed.because) == (
        intent,
        "succeeded",
        "notification",
        "task_seen",
    )
    told = world.exchange("outcome")
    assert told["task"] == task
    seen, polled = (row.id for row, _ in world.opened("observation"))
    assert {*told["reconciled"]["entries"]} == {str(seen), str(polled)}
    assert world.searches == 1
    assert world.gate.poll(task).task == task


def test_a_request_that_may_still_arrive_is_left_alone(world: World, caller: Speaker) -> None:
    intent, _ = died(world)
    asked_at = world.clock()
    (waiting,) = world.gate.reconcile().waiting
    lasts = world.exchange("intent")["lasts_ms"] / 1000
    assert (waiting.intent, waiting.operation, waiting.asked_at) == (
        intent,
        "StartSpeakerSearchTask",
        asked_at,
    )
    assert waiting.until == asked_at + timedelta(seconds=5 + lasts + 2 + 4)
    assert world.ends() == []
    assert later(world, waiting.until - asked_at - timedelta(milliseconds=1)).closed == ()
    assert only(later(world, timedelta(milliseconds=1))).end == "undetermined"
