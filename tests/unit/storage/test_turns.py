"""Turns go to whoever waits longest."""

import threading
import time
from collections.abc import Callable

import pytest

from consentgate.storage.turns import Turns


def waiting(turns: Turns, count: int, act: Callable[[int], None]) -> list[threading.Thread]:
    """Start threads that wait for a turn, one after the other."""
    threads = []
    for number in range(count):
        thread = threading.Thread(target=act, args=(number,))
        thread.start()
        threads.append(thread)
        while len(turns._waiting) < number + 1:
            time.sleep(0.001)
    return threads


def test_so_many_have_a_turn_at_once() -> None:
    turns = Turns(2)
    assert [turns.take(who, wait=0) for who in "abc"] == [True, True, False]
    turns.give("a")
    assert turns.take("c", wait=0)


def test_first_come_is_first_served_and_nobody_overtakes() -> None:
    turns, order = Turns(1), list[int]()
    assert turns.take("first", wait=0)

    def act(number: int) -> None:
        assert turns.take(number, wait=10)
        order.append(number)
        turns.give(number)

    threads = waiting(turns, 8, act)
    turns.give("first")
    # The turn is on its way through those who wait: it is not free for who comes now.
    last = turns.take("last", wait=10)
    for thread in threads:
        thread.join()
    assert last
    assert order == list(range(8))


def test_who_gives_up_waiting_loses_no_turn() -> None:
    turns, came = Turns(1), list[bool]()
    assert turns.take("first", wait=0)
    (thread,) = waiting(turns, 1, lambda number: came.append(turns.take(number, wait=0.01)))
    thread.join()
    assert came == [False]
    turns.give("first")
    assert turns.take("last", wait=0)


def test_turn_that_is_given_back_twice_is_one_turn() -> None:
    turns = Turns(1)
    assert turns.take("first", wait=0)
    turns.give("first")
    turns.give("first")
    assert [turns.take(who, wait=0) for who in "ab"] == [True, False]


def test_who_never_had_a_turn_gives_none_away() -> None:
    turns = Turns(1)
    assert turns.take("first", wait=0)
    turns.give("somebody else")
    assert not turns.take("last", wait=0)


@pytest.mark.parametrize("handed", [True, False])
def test_interrupt_while_waiting_loses_no_turn(handed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(1)
    assert turns.take("first", wait=0)

    class Interrupted:
        """A lock whose second taking is interrupted, after the turn was handed over or before."""

        def __init__(self) -> None:
            self.taken = 0

        def acquire(self, **_: float) -> bool:
            self.taken += 1
            if self.taken == 2:
                if handed:
                    turns.give("first")
                raise KeyboardInterrupt
            return True

        def release(self) -> None:
            pass

    monkeypatch.setattr(threading, "Lock", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        turns.take("second", wait=1)
    monkeypatch.undo()
    turns.give("second")
    if not handed:
        assert not turns.take("third", wait=0)
        turns.give("first")
    assert [turns.take(who, wait=0) for who in "ab"] == [True, False]
