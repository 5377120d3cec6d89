"""A database with lanes, and entries to put into it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from consentgate.entries.leaf import Draft, Leaf, decode
from consentgate.log.append import Appended, Lanes
from consentgate.log.identity import initialise, read_key
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import Signer
from consentgate.log.state import FileState, StateStore
from consentgate.moment import system_clock, system_random, uuid7
from consentgate.storage import stored
from consentgate.storage.database import Database
from tests.functional.storage.place import database_at


@dataclass(frozen=True)
class Log:
    database: Database
    lanes: Lanes

    def append(self, count: int = 1) -> list[Appended]:
        def work(connection: Connection) -> list[Appended]:
            return [self.lanes.append(connection, draft(self.database.clock())) for _ in range(count)]

        return self.database.write(work)

    def leaves(self) -> list[Leaf]:
        with self.database.read() as connection:
            return [decode(row["leaf"]) for row in stored.entries(connection)]


def draft(at: datetime, kind: str = "heartbeat") -> Draft:
    return Draft(id=uuid7(at, system_random), kind=kind, at=at)


@contextmanager
def log_at(folder: Path, *, clock: Callable[[], datetime] = system_clock) -> Iterator[Log]:
    with database_at(folder, clock=clock) as database:
        yield Log(database, Lanes(database, system_random))


def signer_at(folder: Path, database: Database, state: StateStore | None = None) -> Signer:
    state = state or FileState(folder / "log.state")
    if not (folder / "log.key").exists():
        initialise(
            database, key=folder / "log.key", vkey=folder / "log.vkey", state=state, random=system_random
        )
    return Signer(database=database, key=read_key(folder / "log.key"), state=state)


def sequence_once(database: Database) -> int:
    return Sequencer(database).once()


def require_lanes(leaves: list[Leaf]) -> dict[bytes, list[Leaf]]:
    """Check every lane from its first leaf to its last; gives the lanes."""
    lanes: dict[bytes, list[Leaf]] = {}
    for leaf in leaves:
        lane = lanes.setdefault(leaf.w, [])
        assert leaf.n == len(lane)
        assert leaf.prev == (lane[-1].hash if lane else None)
        lane.append(leaf)
    return lanes
