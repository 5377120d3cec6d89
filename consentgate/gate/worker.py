"""The background thread that carries stop orders out, one per process.

Invariants: it remembers nothing that has to survive: what is open, how often it was tried and when it is due follows
from entries, so that another process goes on where one ended. It starts with the first client that could carry an
order out, and not before; a fork leaves it behind and the child's next commit starts another; it never dies in
silence: what went wrong last is in `failure` until a pass succeeds.
"""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from consentgate.errors import ConsentGateError
from consentgate.gate.stopping import Round, Stopping
from consentgate.moment import Clock

IDLE_LOOK: Final = 10.0
SHORTEST_LOOK: Final = 0.5


class _Run:
    """One process's thread."""

    def __init__(self) -> None:
        self.wake = threading.Event()
        self.ended = threading.Event()
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None


class Worker:
    """Looks for stop orders that are due, again and again."""

    def __init__(self, stopping: Stopping, clock: Clock, *, idle: float = IDLE_LOOK) -> None:
        """Take everything in hand; nothing starts yet.

        Args:
            stopping: the clients and the orders.
            clock: the time by which orders are due.
            idle: seconds between looks for orders that other processes wrote.
        """
        self._stopping = stopping
        self._clock = clock
        self._idle = idle
        self._runs: dict[int, _Run] = {}
        self._failure: BaseException | None = None

    @property
    def failure(self) -> BaseException | None:
        """What went wrong in the last pass, or None. For `gate.ready()`."""
        return self._failure

    def once(self) -> Round:
        """Try every order that is due, in this thread.

        Returns:
            What it came to.

        Raises:
            Unavailable: the database is out of reach.
        """
        return self._stopping.carry_out_due(lambda: True)

    def start(self) -> None:
        """Start the thread where there is something that it could do, and it does not run yet."""
        run = self._runs.get(os.getpid())
        if run is not None and run.thread is not None and (run.thread.is_alive() or run.ended.is_set()):
            return
        if not self._stopping.vendors:
            return
        run = self._runs.setdefault(os.getpid(), _Run())
        with run.starting:
            if run.ended.is_set() or (run.thread is not None and run.thread.is_alive()):
                return
            run.thread = threading.Thread(
                target=self._loop, args=(run,), name="consentgate-worker", daemon=True
            )
            run.thread.start()

    def wake(self) -> None:
        """Say that something was left to do: starts the thread, or wakes it."""
        self.start()
        run = self._runs.get(os.getpid())
        if run is not None:
            run.wake.set()

    def stop(self) -> None:
        """End the thread after what it is at; what is left stays open."""
        run = self._runs.setdefault(os.getpid(), _Run())
        with run.starting:
            run.ended.set()
        run.wake.set()
        if run.thread is not None:
            run.thread.join()

    def _loop(self, run: _Run) -> None:
        try:
            while not run.ended.is_set():
                run.wake.clear()
                run.wake.wait(self.rest(self.look(lambda: not run.ended.is_set())))
        except BaseException as failure:
            self._failure = failure
            raise

    def look(self, wanted: Callable[[], bool]) -> Round | None:
        """Do one pass, and keep what went wrong.

        Args:
            wanted: asked before each order whether to go on.

        Returns:
            What it came to, or None where it failed.
        """
        try:
            done = self._stopping.carry_out_due(wanted)
        except ConsentGateError as failure:
            self._failure = failure
            return None
        self._failure = None
        return done

    def rest(self, done: Round | None) -> float:
        """Say how long to wait until the next pass.

        Args:
            done: what the last one came to, or None where it failed.

        Returns:
            Seconds: until the next order is due, and never longer than between idle looks.
        """
        if done is None or done.next_at is None:
            return self._idle
        until: timedelta = done.next_at - self._clock()
        return min(max(until.total_seconds(), SHORTEST_LOOK), self._idle)
