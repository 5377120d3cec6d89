"""Sixty-four threads of one process at once: gated calls beside a bare client's with two raw commits for each.

Sides take turns in short rounds, all against one service in a process of its own. Every thread takes the next call as
soon as it has one behind it, so that what is measured is a process that has more to do than it can. Each call is
another speaker's. A round's figure is the ratio of its own two sides, and the median round counts.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import boto3
import psycopg
from botocore.config import Config

from benchmarks.calls import Subjects
from benchmarks.figures import Figure, ratio, share
from benchmarks.place import LINE, Place, Sizes, prepare, sizes_of
from consentgate import ConsentDenied, ConsentGate
from consentgate.testing.client import client_settings

THREADS: Final = 64
CALLS: Final = 4 * THREADS
# Longer than the background thread waits after a write, and than its work takes.
SETTLE: Final = 0.3

Act = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the threads came to: calls in a second, and the seconds that calls of each kind took, in order."""

    each_second: float
    taken: dict[str, list[float]]

    def median(self, kind: str = "allowed") -> float:
        """Give the median of a kind."""
        return self.taken[kind][len(self.taken[kind]) // 2]

    def spread(self, kind: str = "allowed") -> float:
        """Give the slowest in a hundred, beside the median."""
        return self.taken[kind][len(self.taken[kind]) * 99 // 100] / self.median(kind)


class Bare:
    """A bare client, and for each thread a connection that commits rows as long as the gate's."""

    def __init__(self, url: str, client: Any, sizes: Sizes) -> None:
        self._url = url
        self._client = client
        self._sizes = sizes
        self._idle: deque[psycopg.Connection[Any]] = deque()
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute("CREATE TABLE load (id bytea PRIMARY KEY, body bytea NOT NULL)")

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Hold the connections open."""
        self._idle.extend(self._connection() for _ in range(THREADS))
        try:
            yield
        finally:
            while self._idle:
                self._idle.pop().close()

    def call(self) -> str:
        """Make one call between two commits."""
        raw = self._idle.pop()
        self._commit(raw, self._sizes.intent)
        self._client.start_speaker_search_task(TransactionId=os.urandom(8).hex(), **LINE)
        self._commit(raw, self._sizes.outcome)
        self._idle.append(raw)
        return "allowed"

    def _connection(self) -> psycopg.Connection[Any]:
        raw = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
        self._commit(raw, 1)
        return raw

    def _commit(self, raw: psycopg.Connection[Any], size: int) -> None:
        raw.execute("INSERT INTO load VALUES (%s, %s)", (os.urandom(16), os.urandom(size)))


def measure_load(place: Place, rounds: int) -> list[Figure]:
    """Measure many threads on a server; a file has one writer, whatever is in front of it."""
    if place.name != "PostgreSQL":
        return []
    allowed = Subjects("allowed", rounds * CALLS * 3 // 2 + THREADS)
    denied = Subjects("denied", rounds * CALLS // 2 + THREADS)
    found: list[tuple[Run, Run, Run]] = []
    with ConsentGate(place.settings) as gate, busy() as service:
        prepare(gate, allowed.names, denied.names)
        client = gate.protect(_client(service))
        allow, mixed = _gated(client, allowed), _mixed(client, allowed, denied)
        run_of(mixed, THREADS)  # opens connections, and gives each kind its rows
        bare = Bare(place.settings.database.replace("+psycopg", "", 1), _client(service), sizes_of(gate))
        with bare.connected():
            run_of(bare.call, THREADS)
        for _ in range(rounds):
            with bare.connected():
                theirs = run_of(bare.call)
            time.sleep(SETTLE)
            ours = run_of(allow)
            time.sleep(SETTLE)
            found.append((theirs, ours, run_of(mixed)))
            time.sleep(SETTLE)
    return _figures(place, found)


def run_of(act: Act, calls: int = CALLS) -> Run:
    """Let the threads make so many calls, each the next one."""
    left = iter(range(calls))
    start = threading.Barrier(THREADS + 1)
    taken: dict[str, list[float]] = {"allowed": [], "denied": []}
    failures: list[BaseException] = []

    def work() -> None:
        own: list[tuple[str, float]] = []
        start.wait()
        try:
            while next(left, None) is not None:
                begun = time.perf_counter()
                kind = act()
                own.append((kind, time.perf_counter() - begun))
        except Exception as failure:  # noqa: BLE001  # raised below
            failures.append(failure)
        for kind, seconds in own:
            taken[kind].append(seconds)

    running = [threading.Thread(target=work) for _ in range(THREADS)]
    for each in running:
        each.start()
    start.wait()
    begun = time.perf_counter()
    for each in running:
        each.join()
    ended = time.perf_counter()
    if failures:
        raise failures[0]
    return Run(
        each_second=calls / (ended - begun), taken={kind: sorted(all_) for kind, all_ in taken.items()}
    )


@contextmanager
def busy() -> Iterator[str]:
    """Run the service for load in a process of its own; gives its address."""
    command = [sys.executable, str(Path(__file__).with_name("busy.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait()


def _figures(place: Place, found: Sequence[tuple[Run, Run, Run]]) -> list[Figure]:
    theirs, ours, mixed = ([each[side] for each in found] for side in range(3))
    name = f"{THREADS} threads, {place.name}"
    return [
        share(
            f"gated calls, {name}, beside bare ones",
            [each.each_second for each in ours],
            [each.each_second for each in theirs],
            target=0.6,
        ),
        ratio(
            "... the slowest in a hundred by the median, beside theirs",
            [each.spread() for each in ours],
            [each.spread() for each in theirs],
            target=1.2,
        ),
        ratio(
            "... allowed calls while every other is denied, beside none",
            [each.median() for each in mixed],
            [each.median() for each in ours],
            target=1.0,
        ),
    ]


def _gated(client: Any, allowed: Subjects) -> Act:
    def allow() -> str:
        client.start_speaker_search_task(TransactionId=allowed.take(), **LINE)
        return "allowed"

    return allow


def _mixed(client: Any, allowed: Subjects, denied: Subjects) -> Act:
    turns = cycle((True, False))
    allow = _gated(client, allowed)

    def either() -> str:
        if next(turns):
            return allow()
        try:
            client.start_speaker_search_task(TransactionId=denied.take(), **LINE)
        except ConsentDenied:
            return "denied"
        raise AssertionError("A withdrawn consent was not denied.")

    return either


def _client(url: str) -> Any:
    settings = client_settings(url)
    settings["config"] = settings["config"].merge(Config(max_pool_connections=THREADS))
    make: Any = boto3.client
    return make("chime-sdk-voice", **settings)
