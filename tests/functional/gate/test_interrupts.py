"""An interrupt that strikes anywhere in a request: nothing left ungated, nothing is stuck, nothing is broken.

Python interrupts a thread between two steps of the interpreter; here it does so at the beginning of every so manieth
function of the library that a search calls.
"""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from consentgate import ConsentDenied, OutcomeNotRecorded, Speaker
from consentgate.errors import ConsentGateError
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import World

# Every function would be better, and takes minutes: so many apart, beginning elsewhere for each kind of error.
STRIDE = 41

# What an interrupt tore down is collected, not closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Strike:
    """Raises an error in the thread that it traces, at the n-th call into the library."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        self.calls = 0
        self.where = ""
        self._at = at
        self._error = error

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event == "call" and "/consentgate/" in path and "/testing/" not in path:
            self.calls += 1
            if self.calls == self._at:
                self.where = frame.f_code.co_name
                raise self._error

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


def calls_of_a_search(world: World, caller: Speaker) -> int:
    """Count the calls into the library that one search makes."""
    world.register("tx-counted", caller)
    counting = Strike(0, KeyboardInterrupt)
    assert counting.during(lambda: world.search("tx-counted")) is None
    return counting.calls


def room(world: World) -> None:
    """Let the service take more searches."""
    searches: Any = world.server._behaviours["chime-sdk-voice"]
    searches.searches._tasks.clear()


@pytest.mark.parametrize(("error", "first"), [(KeyboardInterrupt, 1), (RuntimeError, 14), (MemoryError, 27)])
def test_whatever_call_it_strikes_the_next_search_works_and_nothing_is_broken(
    world: World, caller: Speaker, error: type[BaseException], first: int
) -> None:
    room(world)
    for at in range(first, calls_of_a_search(world, caller), STRIDE):
        room(world)
        transaction = f"tx-{at}"
        world.register(transaction, caller)
        sent, intents, ends = world.searches, len(world.opened("intent")), len(world.ends())
        strike = Strike(at, error)
        failure = strike.during(lambda call=transaction: world.search(call))  # type: ignore[misc]  # the loop's value
        left, begun = world.searches - sent, len(world.opened("intent")) - intents
        assert left <= begun <= 1
        if left and error is not KeyboardInterrupt and not isinstance(failure, OutcomeNotRecorded):
            assert len(world.ends()) == ends + 1, at
        assert failure is None or isinstance(failure, (error, ConsentDenied, OutcomeNotRecorded))
    room(world)
    world.register("tx-last", caller)
    assert world.search("tx-last")
    require_sound(world)
    gc.collect()
