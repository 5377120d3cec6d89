"""Keeping the log from a process of its own: what `log sequence` and `log sign` do again and again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from consentgate.config.parts import signer_of
from consentgate.config.settings import Settings
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.log.heartbeat import Heartbeat
from consentgate.log.sequencer import Sequencer
from consentgate.log.signer import CurrentSigner
from consentgate.moment import system_random
from consentgate.storage import pulse
from consentgate.storage.database import Database


@contextmanager
def sequencing(database: Database, *, heartbeats: bool) -> Iterator[Callable[[], int]]:
    """Sequence, and write heartbeats in idle hours where this login may write.

    Args:
        database: whose log.
        heartbeats: whether heartbeats are written at all.

    Yields:
        What sequences once, and gives how many entries got a position.

    Raises:
        Unavailable: the database is out of reach.
    """
    sequencer = Sequencer(database)
    if not heartbeats or not _may_append(database):
        yield sequencer.once
        return
    lanes = Lanes(database, system_random)
    heartbeat = Heartbeat(database, lanes, system_random)

    def work() -> int:
        heartbeat.once()
        return sequencer.once()

    yield work
    append_writer_stop(database, lanes, system_random)
    sequencer.once()


def signing(settings: Settings, database: Database, *, every: float = 0.0) -> Callable[[], int]:
    """Sign the log that grows.

    Args:
        settings: the settings.
        database: whose log.
        every: seconds between checkpoints of all processes, at least.

    Returns:
        What signs once, and gives 1 where there is a checkpoint.

    Raises:
        Misconfigured: the key of the log is not there or cannot be used.
        Unavailable: the database is out of reach.
    """
    signer = CurrentSigner(
        database,
        lambda log: signer_of(settings, database, log=log),
        signer=signer_of(settings, database),
    )
    return lambda: int(signer.once(every=every) is not None)


def _may_append(database: Database) -> bool:
    with database.read() as connection:
        return pulse.may_append(connection)
