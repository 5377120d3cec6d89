"""Appends from many threads, beside the least that the same rows cost and beside what else keeps a history.

The sequencer and the signer run meanwhile, as they do in a backend. Sides take turns; a round's figure is the ratio
of its own two rates, and the median round counts.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, select

from benchmarks.figures import Figure, ratio, share
from benchmarks.place import Place
from benchmarks.rivals import Chain, Events, Group, Rival, Row, Rows
from consentgate import ConsentGate
from consentgate.config.settings import Settings
from consentgate.ledger.book import Content
from consentgate.ledger.vault import Subject
from consentgate.storage import tables

T = TypeVar("T", bound=Rival)

BODY = 1500
SECONDS = 2.0
# A network disk confirms a write after some two milliseconds; the server waits so long before each commit.
CLOUD = ("SET commit_delay = 2000", "SET commit_siblings = 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What threads did: appends in a second, and the seconds that the median and the slowest in a hundred took."""

    each_second: float
    median: float
    slow: float


class Ours:
    """The ledger: entries about people, sealed, linked to them, in lanes, sequenced and signed behind."""

    def __init__(self, settings: Settings) -> None:
        self._gate = ConsentGate(settings)
        self._parts = self._gate._parts
        self._subject: Subject = self._parts.database.write(
            lambda connection: self._parts.book.vault.ensure_key(connection, "bench")
        )
        self._members = {"said": "x" * BODY}

    def append(self) -> None:
        self._parts.database.write(self._write, single=True)

    def row(self) -> Row:
        """Give the newest row, without its number."""
        statement = select(tables.entry).where(tables.entry.c.kind == "call")
        with self._parts.database.read() as connection:
            return tuple(
                connection.execute(statement.order_by(tables.entry.c.ordinal.desc()).limit(1)).one()
            )[1:]

    def rest(self) -> None:
        """Keep its lanes."""

    def close(self) -> None:
        self._gate.close()

    def _write(self, connection: Connection) -> None:
        book = self._parts.book
        part = Content(name="call.0", data_key=self._subject.data_key, members=self._members)
        book.write(connection, "call", book.now(), [part], [self._subject.id])


def measure_appends(place: Place, rounds: int, seconds: float = SECONDS) -> list[Figure]:
    """Measure appends on a database."""
    measure = _in_a_file if place.name == "SQLite" else _on_a_server
    return measure(place, rounds, seconds)


def rate_of(rival: Rival, threads: int, seconds: float) -> Rate:
    """Let so many threads append for so long."""
    taken: list[float] = []
    start, until = threading.Barrier(threads + 1), 0.0

    def work() -> None:
        own = []
        start.wait()
        begun = time.perf_counter()
        while begun < until:
            rival.append()
            ended = time.perf_counter()
            own.append(ended - begun)
            begun = ended
        taken.extend(own)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for each in running:
        each.start()
    begun = time.perf_counter()
    until = begun + seconds
    start.wait()
    for each in running:
        each.join()
    taken.sort()
    return Rate(
        each_second=len(taken) / (time.perf_counter() - begun),
        median=taken[len(taken) // 2],
        slow=taken[len(taken) * 99 // 100],
    )


def _in_a_file(place: Place, rounds: int, seconds: float) -> list[Figure]:
    with ExitStack() as stack:
        ours, path = _ours(stack, place), place.settings.home / "consentgate.db"
        bare = Group(place.settings.home / "bare.db", path, ours.row())
        stack.callback(bare.close)
        found = [_turns([ours, bare], 32, seconds) for _ in range(rounds)]
    slow, middle = [each[0].slow for each in found], [each[0].median for each in found]
    return [
        share("appends, SQLite, 32 threads, beside a bare group commit", *_rates(found), target=0.4),
        ratio("... of ours, the slowest in a hundred beside the median", slow, middle, target=6),
    ]


def _on_a_server(place: Place, rounds: int, seconds: float) -> list[Figure]:
    url = str(place.settings.database).replace("+psycopg", "", 1)
    with ExitStack() as stack:
        ours = _ours(stack, place)
        rows = _kept(stack, Rows(url, ours.row()))
        events = _kept(stack, Events(url, BODY, 8))
        chain = _kept(stack, Chain(url, BODY))
        found = [_turns([ours, rows, events], 8, seconds) for _ in range(rounds)]
        alone = [rate_of(ours, 1, seconds).each_second for _ in range(rounds)]
        many = _kept(stack, Ours(replace(place.settings, writers=32)))
        with _cloud_disk(url):
            clouded = [_turns([many, rows, chain], 32, seconds) for _ in range(rounds)]
    return [
        share("appends, PostgreSQL, 8 threads, beside bare rows", *_rates(found), target=0.5),
        share("... beside eventsourcing with its cipher", *_rates(found, 2), target=2.5),
        share("... beside ours of one thread", [each[0].each_second for each in found], alone, target=1),
        share("appends, cloud disk, 32 threads, beside bare rows", *_rates(clouded), target=0.6),
        share("... beside a hash chain under a lock", *_rates(clouded, 2), target=12),
    ]


def _ours(stack: ExitStack, place: Place) -> Ours:
    ours = _kept(stack, Ours(place.settings))
    rate_of(ours, 8, 0.3)
    return ours


def _kept(stack: ExitStack, rival: T) -> T:
    stack.callback(rival.close)
    return rival


def _turns(rivals: list[Rival], threads: int, seconds: float) -> list[Rate]:
    """Let each have its turn, after the one before has settled."""
    found = []
    for each in rivals:
        rate_of(each, threads, 0.2)  # connects
        found.append(rate_of(each, threads, seconds))
        each.rest()
        time.sleep(0.5)
    return found


def _rates(found: list[list[Rate]], beside: int = 1) -> tuple[list[float], list[float]]:
    return [each[0].each_second for each in found], [each[beside].each_second for each in found]


@contextmanager
def _cloud_disk(url: str) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            for setting in CLOUD:
                connection.execute(f"ALTER SYSTEM {setting}")
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.5)
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET ALL")
            connection.execute("SELECT pg_reload_conf()")
