"""Commands that go on until they are told to stop."""

import signal
import threading
from collections.abc import Callable
from typing import Final

from consentgate.cli.terminal import note
from consentgate.errors import ConsentGateError

EVERY: Final = 10.0
"""Seconds between looks, without --once."""


def until_stopped(work: Callable[[], int], *, once: bool, every: float = EVERY) -> int:
    """Do something once, or again and again until the process is told to stop.

    What fails is said on standard error when it begins, and tried again: a process that keeps the log outlives a
    database that is restarted.

    Args:
        work: what to do; gives how much it did.
        once: whether one time is enough.
        every: seconds between one time and the next.

    Returns:
        How much was done in all.

    Raises:
        ConsentGateError: what the one time, or the last one, failed with.
    """
    if once:
        return work()
    stop = threading.Event()
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    total, failure = 0, None
    try:
        while not stop.is_set():
            try:
                total += work()
                failure = None
            except ConsentGateError as error:
                if str(error) != str(failure):
                    note(f"{error} Trying again.")
                failure = error
            stop.wait(every)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failure is not None:
        raise failure
    return total
