"""Commands that go on until they are told to stop."""

import signal
import threading
from collections.abc import Callable
from typing import Final

EVERY: Final = 10.0
"""Seconds between looks, without --once."""


def until_stopped(work: Callable[[], int], *, once: bool) -> int:
    """Do something once, or again and again until the process is told to stop.

    Args:
        work: what to do; gives how much it did.
        once: whether one time is enough.

    Returns:
        How much was done in all.
    """
    if once:
        return work()
    stop = threading.Event()
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    total = 0
    try:
        while not stop.is_set():
            total += work()
            stop.wait(EVERY)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return total
