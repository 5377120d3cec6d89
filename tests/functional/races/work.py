"""Workers beside the races: they carry stop orders out while people speak, and are killed while they do.

The vendor is a file to which each stop is appended: what was told to it stays told, whoever dies afterwards. At the
end one worker that nobody kills does what is left. Then each order is done and its task was stopped, or its request
has no outcome, because the gate that sent it was killed.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from consentgate.config.parts import Parts
from consentgate.config.settings import Settings
from consentgate.gate.ports import Told
from consentgate.gate.request import Started
from consentgate.gate.stopping import Stopping
from consentgate.gate.worker import Worker
from consentgate.storage import entries
from consentgate.storage.entries import EntryRow
from tests.functional.races.place import Ground, History, Raced, gate_of, task_of

PAUSE: Final = 0.1
# A life begins with opening the deployment, which takes a while.
LIVES: Final = (1.0, 4.0)
# From how many on the shares of what chance decides are looked at.
MANY: Final = 100


class Killed(BaseException):
    """What a killed thread would do: nothing more."""


class Vendor:
    """Stops tasks by appending to a file, and sometimes the process dies right after."""

    def __init__(self, path: Path, *, dies_every: int = 0) -> None:
        self._path = path
        self._dies_every = dies_every
        self._asked = 0

    def serves(self, started: Started) -> bool:  # noqa: ARG002  # the port's: every task is its own
        return True

    def stop(self, started: Started) -> bool:
        return self.carry_out(started).confirmed

    def carry_out(self, started: Started) -> Told:
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{started.task}\n".encode())
        self._asked += 1
        if self._dies_every and self._asked % self._dies_every == 0:
            raise Killed
        return Told(confirmed=True, said="stopped")


def work(parts: Parts, vendor: Vendor, ended: threading.Event | None) -> None:
    """Carry out what is due, again and again; once where nobody ends it."""
    stopping = Stopping(parts.gate)
    stopping.take(vendor)
    worker = Worker(stopping, parts.book.clock)
    while True:
        worker.once()
        if ended is None or ended.wait(PAUSE):
            return


@contextmanager
def mortal_threads(settings: Settings, path: Path) -> Iterator[None]:
    """Workers in a thread of this process, each of which dies between the vendor's answer and its record."""
    ended = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        with gate_of(settings) as gate:
            while not ended.is_set():
                try:
                    work(gate._parts, Vendor(path, dies_every=5), ended)
                except Killed:
                    continue
                except Exception as error:  # noqa: BLE001  # told below
                    failed.append(error)
                    return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failed == []


@contextmanager
def killed_processes(context: SpawnContext, settings: Settings, path: Path) -> Iterator[None]:
    """Workers in processes of their own, one after the other, each killed at a moment that nobody chose."""
    ended = context.Event()
    keeper = context.Process(target=_kill_workers, args=(settings, path, ended))
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
    assert keeper.exitcode == 0


def _kill_workers(settings: Settings, path: Path, ended: Event) -> None:
    chance = Random(7)
    while not ended.is_set():
        # Forked and not spawned: the interpreter and its modules are there already.
        child = os.fork()
        if child == 0:
            try:
                with gate_of(settings) as gate:
                    work(gate._parts, Vendor(path), threading.Event())
            finally:
                os._exit(1)
        ended.wait(chance.uniform(*LIVES))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        # Nobody ends by itself: what failed in there fails the test.
        assert os.WIFSIGNALED(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of the stop orders.

    Attributes:
        stopped: how many are done.
        left: how many are open, since their request has no outcome.
        violations: numbers of the histories in which something else happened.
    """

    stopped: int
    left: int
    violations: tuple[int, ...]


def check_orders(ground: Ground, histories: Sequence[History], raced: Raced, path: Path) -> None:
    """Fail on an order that was not carried out, or is on record as done and was not."""
    done = finished(ground.parts, histories, raced.intents, path)
    assert done.violations == ()
    assert done.stopped + done.left == raced.allowed
    # Both happened: tasks that were stopped, and gates that were killed before anybody knew of a task. How many
    # of each is a matter of chance, which says something only where there were many.
    if raced.allowed >= MANY:
        assert 0 < done.left < raced.allowed * 0.2


def finished(parts: Parts, histories: Sequence[History], intents: Mapping[int, UUID], path: Path) -> Done:
    """Let one worker do what is left, and hold the ledger against what the vendor was told."""
    began = time.monotonic()
    vendor = Vendor(path)
    work(parts, vendor, None)
    assert time.monotonic() - began < 600
    told = set(path.read_text().split())
    orders = _by_answered(parts, "stop")
    outcomes = _by_answered(parts, "outcome")
    noted = _by_answered(parts, "observation")
    stopped = left = 0
    violations: list[int] = []
    for history in histories:
        intent = intents[history.number]
        for order in orders.get(intent, ()):
            done = any(each.end == "succeeded" for each in noted.get(order.id, ()))
            ran = any(each.end == "succeeded" for each in outcomes.get(intent, ()))
            stopped, left = stopped + done, left + (not done)
            if done != ran or ran != (task_of(history) in told):
                violations.append(history.number)
    return Done(stopped=stopped, left=left, violations=tuple(violations))


def _by_answered(parts: Parts, kind: str) -> dict[UUID, list[EntryRow]]:
    found: dict[UUID, list[EntryRow]] = {}
    with parts.database.read() as connection:
        for row in entries.of_kind(connection, parts.book.tenant, kind, limit=1 << 40):
            if row.re is not None:
                found.setdefault(row.re, []).append(row)
    return found
