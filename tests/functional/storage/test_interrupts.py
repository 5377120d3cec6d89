"""A thread is interrupted again and again while others write: nobody hangs, nothing that was written is lost."""

import gc
import itertools
import sys
import threading
from contextlib import suppress
from types import FrameType

import pytest

from consentgate.errors import Unavailable
from consentgate.storage import deployment
from consentgate.storage.database import Database

INTERRUPTS = 60

# What an interrupt tore down is collected, not closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Strike:
    """Interrupts the thread that it traces, at the n-th call into the library; says whether it came to that."""

    def __init__(self, at: int) -> None:
        self.struck = False
        self._left = at

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "/consentgate/" in frame.f_code.co_filename:
            self._left -= 1
            if self._left == 0:
                self.struck = True
                raise KeyboardInterrupt


def test_interrupted_thread_keeps_nobody_from_writing(database: Database) -> None:
    numbers, written, ended = itertools.count(), list[str](), threading.Event()

    def write() -> None:
        name = f"fact-{next(numbers)}"
        database.write(lambda connection: deployment.insert_fact(connection, name, "1"))
        written.append(name)

    def others() -> None:
        while not ended.is_set():
            # Written by the thread that is struck, together with its own: whether that was made is not known.
            with suppress(Unavailable):
                write()

    threads = [threading.Thread(target=others) for _ in range(3)]
    for thread in threads:
        thread.start()
    struck, before = 0, sys.gettrace()
    # One prime number of calls further each time: sooner or later every call is struck.
    for at in itertools.count(1, 7):
        strike = Strike(1 + at % 97)
        sys.settrace(strike)
        try:
            write()
        except KeyboardInterrupt:
            struck += strike.struck
        finally:
            sys.settrace(before)
        if struck == INTERRUPTS:
            break
    ended.set()
    for thread in threads:
        thread.join(20)
    assert [thread for thread in threads if thread.is_alive()] == []
    write()
    with database.read() as connection:
        assert {*written} <= {*deployment.facts(connection)}
    gc.collect()
