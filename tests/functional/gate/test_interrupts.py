"""An interrupt that strikes anywhere in a request: nothing left ungated, nothing is stuck, and the record is true.

Python interrupts a thread between two steps of the interpreter. Here it does so at the beginning of functions of the
library that a search calls: of one in 41, and in the full load (`tests.loads`) of each, and of each line. Failures of
the interpreter (no memory, too deep) come where functions begin.
"""

import dis
import gc
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import text

from consentgate import ConsentDenied, OutcomeNotRecorded, Speaker
from consentgate.errors import ConsentGateError
from consentgate.storage import entries
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import World
from tests.loads import load

FULL: Final = load(100) >= 100
# How far apart the strikes are; each kind of error begins elsewhere.
APART: Final = 1 if FULL else 41
_LEAVES: Final = ["LOAD_CONST", "LOAD_CONST", "LOAD_CONST", "PRECALL"]
# What an intent may be closed as, by whether its request left; what nobody knows may stay open.
TRUE_ENDS: Final = {0: {"not_sent", "unknown"}, 1: {"succeeded", "unknown"}}

# What an interrupt tore down is collected, not closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@cache
def leaving_blocks(code: CodeType) -> frozenset[int]:
    """Find where a `with` block is about to be left: a line by itself, but the interpreter looks at nothing there.

    It looks for signals where functions begin, after calls, and where loops turn: never between the last step of such
    a block and the call that releases its lock.
    """
    steps = list(dis.get_instructions(code))
    found = set()
    for place, step in enumerate(steps):
        following = steps[place + (step.opname == "SWAP") :][:4]
        names = [each.opname for each in following]
        passes_none = all(each.argval is None for each in following[:3])
        if passes_none and names in (_LEAVES, [*_LEAVES[:3], "CALL"]):
            found.add(step.offset)
    return frozenset(found)


class Strike:
    """Raises an error in the thread that it traces, at the n-th call into the library; of its lines too if told."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        self.steps = 0
        self._at = at
        self._error = error
        self._counted = ("call", "line") if FULL and error is KeyboardInterrupt else ("call",)

    def __call__(self, frame: FrameType, event: str, _: object) -> "Strike | None":
        path = frame.f_code.co_filename
        if "/consentgate/" not in path or "/testing/" in path:
            return None
        if event in self._counted and frame.f_lasti not in leaving_blocks(frame.f_code):
            self.steps += 1
            if self.steps == self._at:
                raise self._error
        return self

    def during(self, act: Callable[[], object]) -> BaseException | None:
        """Do something under the strike; give what came of it."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            act()
        except (KeyboardInterrupt, RuntimeError, MemoryError, ConsentGateError) as failure:
            return failure
        finally:
            sys.settrace(before)
        return None


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched, after a first search."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-first", speaker)
    world.search("tx-first")
    return speaker


def steps_of_a_search(world: World, caller: Speaker, error: type[BaseException]) -> int:
    """Count the places at which one search can be struck."""
    world.register("tx-counted", caller)
    counting = Strike(0, error)
    assert counting.during(lambda: world.search("tx-counted")) is None
    return counting.steps


def room(world: World) -> None:
    """Let the service take more searches."""
    searches: Any = world.server._behaviours["chime-sdk-voice"]
    searches.searches._tasks.clear()


def on_record(world: World) -> tuple[int, list[str | None]]:
    """Count the intents, and tell how the newest ended."""
    parts = world.gate._parts
    with parts.database.read() as connection:
        intents: int = connection.execute(
            text("SELECT count(*) FROM entry WHERE kind = 'intent'")
        ).scalar_one()
        newest = connection.execute(
            text("SELECT id FROM entry WHERE kind = 'intent' ORDER BY ordinal DESC LIMIT 1")
        )
        answered = UUID(bytes=bytes(newest.scalar_one()))
        told = entries.answers(connection, parts.book.tenant, answered, kinds=["outcome", "observation"])
    return intents, [row.end for row in told]


def require_true(world: World, failure: BaseException | None, before: int, left: int) -> None:
    """What is on the wire was on record before, and what is on record of its end is so."""
    intents, ends = on_record(world)
    begun = intents - before
    assert left <= begun <= 1
    if begun:
        assert len(ends) <= 1
        assert set(ends) <= TRUE_ENDS[left], (ends, failure)
    if failure is None:
        assert (left, ends) == (1, ["succeeded"])
    elif left and not isinstance(failure, (KeyboardInterrupt, OutcomeNotRecorded)):
        assert len(ends) == 1


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("error", "first"), [(KeyboardInterrupt, 1), (RuntimeError, 14), (MemoryError, 27)])
def test_wherever_it_strikes_the_record_is_true_and_the_next_search_works(
    world: World, caller: Speaker, error: type[BaseException], first: int
) -> None:
    room(world)
    for at in range(first, steps_of_a_search(world, caller, error), APART):
        room(world)
        transaction = f"tx-{at}"
        world.register(transaction, caller)
        before, sent = on_record(world)[0], world.searches
        strike = Strike(at, error)
        failure = strike.during(lambda call=transaction: world.search(call))  # type: ignore[misc]  # the loop's value
        assert failure is None or isinstance(failure, (error, ConsentDenied, OutcomeNotRecorded))
        require_true(world, failure, before, world.searches - sent)
    room(world)
    world.register("tx-last", caller)
    assert world.search("tx-last")
    # What was left open is closed as what nobody knows, and that once.
    world.clock.advance(timedelta(hours=1))
    world.gate.reconcile()
    assert len(world.opened("outcome")) == len(world.opened("intent"))
    require_sound(world)
    gc.collect()
