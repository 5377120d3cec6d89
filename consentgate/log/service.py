"""The background threads of a process: one sequences and writes heartbeats, one signs and hands on to the anchors.

Invariants: they start with the first write and not before; a fork leaves them behind and the child's first write
starts others; none dies in silence: what went wrong last is in `failure` until a pass succeeds, and so is a signer
that hangs. Nothing waits for them: an entry is durable before it has a position, and gets it whether the signer
answers or not.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from consentgate.errors import ConsentGateError, Unavailable
from consentgate.log.anchoring import Anchorer
from consentgate.log.heartbeat import Heartbeat
from consentgate.log.late import LateAlarm
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import CurrentSigner, Signer
from consentgate.storage.database import Database

SEQUENCE_DELAY: Final = 0.05
IDLE_LOOK: Final = 10.0
SIGN_EVERY: Final = 5.0
SIGN_WITHIN: Final = 60.0
ENDS_WITHIN: Final = 30.0


class _Line:
    """One thread of one process: it works when it is told to, until it is ended."""

    def __init__(self, name: str, work: Callable[[], None], failures: dict[str, BaseException]) -> None:
        self.told = threading.Event()
        self.ended = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._name, self._work, self._failures = name, work, failures

    def tell(self) -> None:
        self.told.set()
        with self._starting:
            if self.ended.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def end(self, seconds: float) -> None:
        with self._starting:
            self.ended.set()
        self.told.set()
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        self._failures.pop(self._name, None)
        try:
            self._work()
        except BaseException as failure:
            self._failures[self._name] = failure
            raise


class _Run:
    """One process's threads."""

    def __init__(
        self,
        sequence: Callable[["_Run"], None],
        sign: Callable[["_Run"], None],
        failures: dict[str, BaseException],
    ) -> None:
        self.sequencing = _Line("consentgate-log", partial(sequence, self), failures)
        self.signing = _Line("consentgate-sign", partial(sign, self), failures)
        self.signs_since: float | None = None


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
        sign_within: float = SIGN_WITHIN,
        ends_within: float = ENDS_WITHIN,
    ) -> None:
        """Listen to a database; the threads start with its first commit.

        Args:
            database: whose log.
            sequencer: what sequences; made if None.
            signer: what signs; None where another process does.
            heartbeat: what writes in idle hours; None where nothing does.
            anchorer: what puts checkpoints into anchors, in threads of its own; None where there are none.
            alarm: what warns of anchors that are late; None where there are none.
            delay: seconds from a write to its sequencing, so that a burst is one batch.
            idle: seconds between looks for the writes of other processes.
            sign_every: seconds between checkpoints of all processes, at least; the last one of `stop` comes at once.
            sign_within: seconds after which a signer that has not answered is a failure.
            ends_within: how many seconds `stop` waits for the last positions and the last checkpoint.
        """
        self._sequencer = sequencer or Sequencer(database)
        self._signer = signer
        self._heartbeat = heartbeat
        self._anchorer = anchorer
        self._alarm = alarm
        self._delay = delay
        self._idle = idle
        self._sign_every = sign_every
        self._sign_within = sign_within
        self._ends_within = ends_within
        self._runs: dict[int, _Run] = {}
        self._failures: dict[str, BaseException] = {}
        database.listen(self.notify)

    @property
    def failure(self) -> BaseException | None:
        """What went wrong in the last pass, or that signing hangs, or None. For `gate.ready()`."""
        since = self._current().signs_since
        if since is not None and time.monotonic() - since > self._sign_within:
            return Unavailable(
                f"The log's signer has not answered for more than {self._sign_within:g} seconds: look at where its"
                " state lies. Entries are written and get their positions meanwhile."
            )
        return next(iter(tuple(self._failures.values())), None)

    def notify(self) -> None:
        """Say that something was committed: starts the threads, or wakes them."""
        self._current().sequencing.tell()

    def stop(self) -> None:
        """End the threads, if they ever started, after one last pass: positions, then a checkpoint, then anchors.

        What takes longer than it is waited for is done by whoever sequences and signs next.
        """
        run = self._current()
        end = time.monotonic() + self._ends_within
        run.sequencing.end(end - time.monotonic())
        run.signing.end(end - time.monotonic())
        if self._anchorer is not None:
            self._anchorer.stop()

    def _current(self) -> _Run:
        pid = os.getpid()
        return self._runs.get(pid) or self._runs.setdefault(
            pid, _Run(self._sequence, self._sign, self._failures)
        )

    def _sequence(self, run: _Run) -> None:
        line, last = run.sequencing, False
        while not last:
            woken = line.told.wait(self._idle)
            if woken:
                line.ended.wait(self._delay)
            line.told.clear()
            last = line.ended.is_set()
            if self._heartbeat is not None:
                self._pass("heartbeat", self._heartbeat.once)
            # An idle look also signs what other processes sequenced.
            if self._pass("sequence", self._sequencer.once) or last or not woken:
                run.signing.tell()
            if self._alarm is not None:
                self._pass("alarm", self._alarm.once)

    def _sign(self, run: _Run) -> None:
        line, last = run.signing, False
        while not last:
            line.told.wait()
            line.told.clear()
            last = line.ended.is_set()
            if self._signer is not None and not self._checkpoint(run, self._signer, last=last):
                # It failed, or another process signs: what has grown by then is signed by the next pass.
                line.told.set()
            # After the signing, so that the anchors get what was signed just now.
            if self._anchorer is not None:
                self._anchorer.begin()
            line.ended.wait(self._sign_every)

    def _checkpoint(self, run: _Run, signer: Signer | CurrentSigner, *, last: bool) -> bool:
        run.signs_since = time.monotonic()
        try:
            return self._pass("sign", partial(signer.once, every=0.0 if last else self._sign_every))
        finally:
            run.signs_since = None

    def _pass(self, what: str, once: Callable[[], object]) -> bool:
        """Do one thing once; true when it did something."""
        try:
            done = once()
        except ConsentGateError as failure:
            self._failures[what] = failure
            return False
        self._failures.pop(what, None)
        return bool(done)
