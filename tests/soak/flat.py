"""Whether a process stays as it is: memory, objects, handles, threads, connections.

Criteria, after a warm-up of a third of the time, in which pools fill, statements are prepared and modules are loaded.
Each compares the middle third with the last, so that one burst or one cut connection decides nothing:

- handles, threads, connections, by medians: no more than a few above the middle third's. A process that leaks one
  with each blow or each reconnection is dozens above it after minutes.
- blocks of memory that Python's objects have, counted after a collection, by their lowest tenth: at most one for
  five gated calls, and four thousand. Each connection keeps what it prepared, some hundred blocks, so that the count
  climbs by thousands from one restart of the server to the next, and falls. A leak raises the lowest counts as it
  raises all others: three blocks for each call are seen within minutes, one for each within a quarter of an hour.
- resident memory, by medians: at most 4 MB above, and 128 bytes for each gated call. After the warm-up it climbs by
  less than one in three minutes. A leak, also one in C, of two kilobytes for each call is seen within minutes, one of
  a quarter of a kilobyte within half an hour.
"""

import gc
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.databases import raw

EVERY: Final = 1.0
LONG_ENOUGH: Final = 100
"""Seconds from which on the criteria mean something."""

_MORE: Final = {"handles": 6, "threads": 2, "connections": 6}
_BLOCKS: Final = 4000
_BLOCKS_EACH: Final = 0.2
_MEMORY: Final = 4 << 20
_MEMORY_EACH: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A process at one moment."""

    at: float
    calls: int
    memory: int
    blocks: int
    handles: int
    threads: int
    connections: int | None


class Watch:
    """A thread that takes samples of its own process."""

    def __init__(self, url: str, calls: Callable[[], int]) -> None:
        self._url = url
        self._calls = calls
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="soak watch")
        self.samples: list[Sample] = []

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        begun = time.monotonic()
        while not self._ended.wait(EVERY):
            connections = self._connections()
            gc.collect()
            self.samples.append(
                Sample(
                    at=time.monotonic() - begun,
                    calls=self._calls(),
                    memory=_resident(),
                    blocks=sys.getallocatedblocks(),
                    handles=sum(1 for _ in Path("/proc/self/fd").iterdir()),
                    threads=threading.active_count(),
                    connections=connections,
                )
            )

    def _connections(self) -> int | None:
        try:
            with raw(self._url) as behind:
                found = behind.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                ).fetchone()
        except psycopg.OperationalError:
            return None
        return int(found[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One thing in the middle third and in the last.

    Attributes:
        name: what.
        before: what it was in the middle third: the median, or the lowest tenth.
        after: in the last, likewise.
        most: how much more it may be.
    """

    name: str
    before: float
    after: float
    most: float

    @property
    def flat(self) -> bool:
        """Whether it is."""
        return self.after - self.before <= self.most


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """Compare the middle third with the last.

    Args:
        samples: all of them, in order.

    Returns:
        Each thing that shall be flat.
    """
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    calls = _median(last, "calls") - _median(middle, "calls")
    most = {
        "memory": _MEMORY + _MEMORY_EACH * calls,
        "blocks": _BLOCKS + _BLOCKS_EACH * calls,
        **_MORE,
    }
    of = {name: _low if name == "blocks" else _median for name in most}
    return [
        Growth(name=name, before=of[name](middle, name), after=of[name](last, name), most=bound)
        for name, bound in most.items()
    ]


def _median(samples: Sequence[Sample], name: str) -> float:
    return float(statistics.median(_seen(samples, name)))


def _low(samples: Sequence[Sample], name: str) -> float:
    found = sorted(_seen(samples, name))
    return found[len(found) // 10]


def _seen(samples: Sequence[Sample], name: str) -> list[float]:
    return [value for each in samples if (value := getattr(each, name)) is not None]


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
