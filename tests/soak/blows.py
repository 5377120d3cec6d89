"""What befalls a deployment: connections that are cut, a server that is gone for a while, keepers that are killed."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from subprocess import TimeoutExpired
from typing import Final

import psycopg

from tests.databases import Server, raw
from tests.functional.crash.storm import Child

# Seconds between two blows, and how often each kind falls.
_PAUSE: Final = (1.0, 5.0)
_KINDS: Final = {"connections cut": 9, "server gone": 2, "keeper killed": 4}
_GONE: Final = (0.1, 1.2)
_TRIES: Final = 6
_CUT: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < ?"
)


class Blows:
    """A thread that strikes now and then, by chance.

    Attributes:
        tally: how often what was struck.
        failures: what went wrong with striking.
    """

    def __init__(
        self, running: Server, url: str, keepers: list[Child], begin: Callable[[Child], None], seed: int
    ) -> None:
        self._running = running
        self._url = url
        self._keepers = keepers
        self._begin = begin
        self._dice = Random(f"{seed}-blows")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._strike, name="soak blows")
        self.tally: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    def start(self) -> None:
        """Begin to strike."""
        self._thread.start()

    def stop(self) -> None:
        """Strike no more; everything is there again."""
        self._ended.set()
        self._thread.join()

    def _strike(self) -> None:
        kinds = {
            "connections cut": self._cut,
            "server gone": self._crash,
            "keeper killed": self._kill,
        }
        try:
            while not self._ended.wait(self._dice.uniform(*_PAUSE)):
                (kind,) = self._dice.choices(list(_KINDS), list(_KINDS.values()))
                kinds[kind]()
                self.tally[kind] += 1
        except Exception as failure:  # noqa: BLE001  # told at the end
            self.failures.append(failure)

    def _cut(self) -> None:
        try:
            with raw(self._url) as behind:
                behind.execute(_CUT, (self._dice.uniform(0.1, 1.0),))
        except psycopg.OperationalError:
            self.tally["cut in vain"] += 1

    def _crash(self) -> None:
        self._running.crash()
        time.sleep(self._dice.uniform(*_GONE))
        for _ in range(_TRIES):
            # What starts it waits for ten seconds; on a busy machine recovery may take longer.
            with suppress(TimeoutExpired, AssertionError):
                self._running.start()
                return
            time.sleep(1)
        raise AssertionError("the server does not start again")

    def _kill(self) -> None:
        keeper = self._dice.choice(self._keepers)
        if not keeper.alive:
            raise AssertionError(f"{keeper.name} ended by itself: {keeper.said()}")
        keeper.kill()
        self._begin(keeper)
