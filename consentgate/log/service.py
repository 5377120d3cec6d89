"""The background thread, one per process, that sequences, signs and anchors, and writes heartbeats in idle hours.

Invariants: it starts with the first write and not before; a fork leaves it behind and the child's first write
starts another; it never dies in silence: what went wrong last is in `failure` until a pass succeeds. Nothing
waits for it: an entry is durable before it has a position.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Final

from consentgate.errors import ConsentGateError
from consentgate.log.anchoring import Anchorer
from consentgate.log.heartbeat import Heartbeat
from consentgate.log.late import LateAlarm
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import CurrentSigner, Signer
from consentgate.storage.database import Database

SEQUENCE_DELAY: Final = 0.05
IDLE_LOOK: Final = 10.0
SIGN_EVERY: Final = 5.0

_THREAD: Final = "thread"


class _Run:
    """One process's thread."""

    def __init__(self, target: Callable[["_Run"], None]) -> None:
        self.wake = threading.Event()
        self.ended = threading.Event()
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None
        self._target = target

    def start(self) -> None:
        with self.starting:
            if self.ended.is_set() or (self.thread is not None and self.thread.is_alive()):
                return
            self.thread = threading.Thread(
                target=self._target, args=(self,), name="consentgate-log", daemon=True
            )
            self.thread.start()


class LogService:
    """Sequences soon after each write of this process, and signs growth."""

    def __init__(
        self,
        database: Database,
        *,
        sequencer: Sequencer | None = None,
        signer: Signer | CurrentSigner | None = None,
        heartbeat: Heartbeat | None = None,
        anchorer: Anchorer | None = None,
        alarm: LateAlarm | None = None,
        delay: float = SEQUENCE_DELAY,
        idle: float = IDLE_LOOK,
        sign_every: float = SIGN_EVERY,
    ) -> None:
        """Listen to a database; the thread starts with its first commit.

        Args:
            database: whose log.
            sequencer: what sequences; made if None.
            signer: what signs; None where another process does.
            heartbeat: what writes in idle hours; None where nothing does.
            anchorer: what puts checkpoints into anchors, in threads of its own; None where there are none.
            alarm: what warns of anchors that are late; None where there are none.
            delay: seconds from a write to its sequencing, so that a burst is one batch.
            idle: seconds between looks for the writes of other processes.
            sign_every: seconds between checkpoints, at least.
        """
        self._sequencer = sequencer or Sequencer(database)
        self._signer = signer
        self._heartbeat = heartbeat
        self._anchorer = anchorer
        self._alarm = alarm
        self._delay = delay
        self._idle = idle
        self._sign_every = sign_every
        self._runs: dict[int, _Run] = {}
        self._failures: dict[str, BaseException] = {}
        database.listen(self.notify)

    @property
    def failure(self) -> BaseException | None:
        """What went wrong in the last pass, or None. For `gate.ready()`."""
        return next(iter(tuple(self._failures.values())), None)

    def notify(self) -> None:
        """Say that something was committed: starts the thread, or wakes it."""
        run = self._current()
        run.wake.set()
        run.start()

    def stop(self) -> None:
        """End the thread after one last pass, if it ever started."""
        run = self._current()
        with run.starting:
            run.ended.set()
        run.wake.set()
        if run.thread is not None:
            run.thread.join()

    def _current(self) -> _Run:
        pid = os.getpid()
        return self._runs.get(pid) or self._runs.setdefault(pid, _Run(self._loop))

    def _loop(self, run: _Run) -> None:
        try:
            signed = -self._sign_every
            unsigned = True
            self._failures.pop(_THREAD, None)
            while not run.ended.is_set():
                due = signed + self._sign_every - time.monotonic()
                woken = run.wake.wait(min(self._idle, max(due, 0.0)) if unsigned else self._idle)
                if woken:
                    run.ended.wait(self._delay)
                run.wake.clear()
                if self._heartbeat is not None:
                    self._pass("heartbeat", self._heartbeat.once)
                # An idle look also signs what other processes sequenced.
                if self._pass("sequence", self._sequencer.once) or not woken:
                    unsigned = True
                if unsigned and time.monotonic() - signed >= self._sign_every:
                    signed = time.monotonic()
                    unsigned = not self._sign()
                if self._anchorer is not None:
                    self._anchorer.begin()
                if self._alarm is not None:
                    self._pass("alarm", self._alarm.once)
            self._pass("sequence", self._sequencer.once)
            self._sign()
            if self._anchorer is not None:
                self._anchorer.stop()
        except BaseException as failure:
            self._failures[_THREAD] = failure
            raise

    def _sign(self) -> bool:
        if self._signer is not None:
            self._pass("sign", self._signer.once)
        return "sign" not in self._failures

    def _pass(self, what: str, once: Callable[[], object]) -> bool:
        """Do one thing once; true when it did something."""
        try:
            done = once()
        except ConsentGateError as failure:
            self._failures[what] = failure
            return False
        self._failures.pop(what, None)
        return bool(done)
