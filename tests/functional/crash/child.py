"""A process of a storm: ``python -m tests.functional.crash.child ROLE HOME JOURNAL [APPENDS THREADS]``.

It does what processes of a deployment do, with their own objects, and goes on when the database is away. Nothing else
is survived: any other error ends the process with a traceback, which fails the storm.
"""

import base64
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.config.parts import database_of, signer_of
from consentgate.config.settings import Settings, load_settings
from consentgate.entries.leaf import Draft
from consentgate.errors import Unavailable
from consentgate.log.append import Appended, Lanes, append_writer_stop
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import Signer
from consentgate.moment import system_clock, system_random, uuid7
from consentgate.storage.database import Database
from tests.functional.crash.journal import Journal, Reader

IN_DOUBT: Final = ("is not known", "was made, but")
"""What an error says when the write may be, or is, durable."""

_SEQUENCE_EVERY: Final = 0.05
_SIGN_EVERY: Final = 0.2

stopping = threading.Event()


@dataclass(frozen=True)
class Writer:
    """Appends entries until so many are acknowledged, in this life of the process and in earlier ones."""

    database: Database
    lanes: Lanes
    journal: Journal

    def run(self, count: int, nth: int) -> None:
        for number in range(count):
            # In one statement, as intents are written, or in a transaction; with the same id again, or another.
            single, same = (nth + number) % 2 == 0, nth % 2 == 0
            id_ = new_id()
            while not self._acknowledged(id_, single):
                stopping.wait(0.02)
                id_ = id_ if same else new_id()

    def _acknowledged(self, id_: UUID, single: bool) -> bool:
        draft = Draft(id=id_, kind="heartbeat", at=system_clock())

        def work(connection: Connection) -> Appended:
            return self.lanes.append(connection, draft)

        self.journal.say("try", str(id_))
        try:
            done = self.database.write(work, single=single)
        except Unavailable as failure:
            self.journal.say(
                "doubt" if any(each in str(failure) for each in IN_DOUBT) else "nothing", str(id_)
            )
            return False
        if done.code == "there":
            self.journal.say("there", str(id_))
        else:
            assert done.code == "done"
            self.journal.say("done", str(id_), done.hash.hex())
        return True


def new_id() -> UUID:
    return uuid7(system_clock(), system_random)


def write(settings: Settings, path: Path, appends: int, threads: int) -> None:
    database = opened(settings)
    lanes = Lanes(database, system_random)
    left = appends - Reader(path).look()
    writer = Writer(database, lanes, Journal(path))
    shares = [left // threads + (n < left % threads) for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        for running in [pool.submit(writer.run, share, n) for n, share in enumerate(shares)]:
            running.result()
    patiently(lambda: append_writer_stop(database, lanes, system_random))
    database.close()


def sequence(settings: Settings, path: Path) -> None:
    database = opened(settings)
    sequencer = Sequencer(database)
    again_and_again(_SEQUENCE_EVERY, sequencer.once)
    database.close()


def sign(settings: Settings, path: Path) -> None:
    database = opened(settings)
    journal = Journal(path)
    made: list[Signer] = []
    # It asks the database which log grows.
    patiently(lambda: made.append(signer_of(settings, database)))

    def once() -> None:
        row = made[0].once()
        if row is not None:
            journal.say("note", base64.b64encode(row.note.encode()).decode())

    again_and_again(_SIGN_EVERY, once)
    database.close()


def opened(settings: Settings) -> Database:
    database = database_of(settings)
    patiently(database.check)
    return database


def patiently(work: Callable[[], object]) -> None:
    """Do something until the database was there for it."""
    while True:
        try:
            work()
        except Unavailable:
            stopping.wait(0.05)
        else:
            return


def again_and_again(pause: float, work: Callable[[], object]) -> None:
    while not stopping.wait(pause):
        try:
            work()
        except Unavailable:
            continue


def main(role: str, home: str, journal: str, *numbers: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    settings, path = load_settings(Path(home)), Path(journal)
    if role == "writer":
        appends, threads = (int(each) for each in numbers)
        write(settings, path, appends, threads)
    else:
        {"sequencer": sequence, "signer": sign}[role](settings, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
