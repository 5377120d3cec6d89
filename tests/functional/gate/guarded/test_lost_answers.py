"""A failure of our own between an engine's answer and its outcome: what is on record, and what the backend gets."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from consentgate import OutcomeNotRecorded, Speaker
from consentgate.canonical import unb64
from consentgate.testing.clock import FrozenClock
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import World
from tests.functional.gate.guarded.conftest import Engine, guarded, identify

# A permit's attempts are the same on any database; test_stops.py drives the ledger's side on both.
pytestmark = pytest.mark.sqlite_file


def clock_fails(patch: pytest.MonkeyPatch, *, times: int | None = None) -> Callable[[], None]:
    """Let every reading of the clock fail, or some of the next ones."""
    reads = FrozenClock.__call__
    failed: list[None] = []

    def read(clock: FrozenClock) -> datetime:
        if times is None or len(failed) < times:
            failed.append(None)
            raise OSError("the clock cannot be read")
        return reads(clock)

    return lambda: patch.setattr(FrozenClock, "__call__", read)


def search(world: World, willing: Speaker, engine: Engine, told: Callable[[], object] = lambda: None) -> None:
    with guarded(world, willing, identify(), stop=engine.stop) as permit:
        answer = permit.send(engine)
        told()
        permit.answered(answer, task="task-1", results=False)


def require_answer(world: World, engine: Engine) -> None:
    told: Any = world.exchange("outcome")
    assert (told["end"], told["task"], unb64(told["response"])) == ("succeeded", "task-1", engine.answer)
    [attempt] = told["attempts"]
    assert attempt["status"] == 200
    assert world.ends() == ["succeeded"]
    require_sound(world)


def test_clock_that_fails_when_an_answer_is_told_costs_nothing(
    world: World, willing: Speaker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(world, willing, engine, clock_fails(monkeypatch, times=1))
    require_answer(world, engine)


def test_clock_that_fails_from_then_on_stops_the_task_and_hands_the_outcome_back(
    world: World, willing: Speaker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(OutcomeNotRecorded) as lost:
        search(world, willing, engine, clock_fails(patch))
    assert lost.value.response == engine.answer
    assert [each.task for each in engine.stopped] == ["task-1"]
    assert world.ends() == []
    world.gate.record(lost.value)
    require_answer(world, engine)


@pytest.mark.parametrize("place", ["door.finish", "finish.ending_of", "finish.append"])
def test_failure_of_the_last_step_stops_the_task_and_hands_the_outcome_back(
    world: World, willing: Speaker, engine: Engine, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(f"consentgate.gate.{place}", broken)
        with pytest.raises(OutcomeNotRecorded) as lost:
            search(world, willing, engine)
    assert isinstance(lost.value.__cause__, ZeroDivisionError)
    assert lost.value.response == engine.answer
    assert [each.task for each in engine.stopped] == ["task-1"]
    assert world.ends() == []
    world.gate.record(lost.value)
    require_answer(world, engine)


def test_clock_that_fails_while_a_block_is_left_keeps_its_attempt(
    world: World, willing: Speaker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = clock_fails(monkeypatch, times=1)

    def leave() -> None:
        with guarded(world, willing, identify()) as permit:
            engine(permit.sending())
            fail()
            raise LookupError

    with pytest.raises(LookupError):
        leave()
    assert world.ends() == ["unknown"]
    [attempt] = world.exchange("observation")["attempts"]
    assert (attempt["fault"], attempt["cause"]) == ("lost", "LookupError")
    require_sound(world)
