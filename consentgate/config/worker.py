"""Stop orders, worked on from outside the processes that search: one pass, or until it is told to stop."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from consentgate.aws.clients import OwnClients
from consentgate.config.parts import Parts, assemble
from consentgate.config.settings import Settings
from consentgate.config.times import Times
from consentgate.config.upkeep import require_database
from consentgate.errors import ConsentGateError
from consentgate.gate.orders import StopOrder
from consentgate.gate.stopping import Round, Stopping
from consentgate.gate.worker import Worker
from consentgate.log.sequencer import Sequencer
from consentgate.moment import Clock, system_clock, system_random
from consentgate.values import dataclass

_LOG: Final = logging.getLogger("consentgate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a worker came to.

    Attributes:
        tried: how many tries there were.
        done: how many orders were done.
        open: what is open still, the oldest first.
    """

    tried: int
    done: int
    open: tuple[StopOrder, ...]


def work_once(settings: Settings, *, clock: Clock = system_clock) -> Worked:
    """Try every order that is due, with clients of the environment.

    Args:
        settings: the settings.
        clock: the time.

    Returns:
        What it came to.

    Raises:
        Misconfigured: settings or key files cannot be used.
        Unavailable: the database is out of reach.
    """
    with _worker(settings, clock) as (worker, stopping, _):
        done = worker.once()
        return Worked(tried=done.tried, done=done.done, open=stopping.open())


def work_until(settings: Settings, ended: threading.Event, *, clock: Clock = system_clock) -> Worked:
    """Try orders as they come due, until told to stop; a database out of reach is waited for.

    Args:
        settings: the settings.
        ended: set to stop.
        clock: the time.

    Returns:
        What it came to.

    Raises:
        Misconfigured: settings or key files cannot be used.
        Unavailable: the database was out of reach when it started, or is now.
    """
    tried = done = 0
    with _worker(settings, clock) as (worker, stopping, parts):
        while not ended.is_set():
            came = worker.look(lambda: not ended.is_set())
            if came is None:
                _LOG.warning("Stop orders cannot be carried out now: %s", worker.failure)
            else:
                tried, done = tried + came.tried, done + came.done
                _sequence(parts, came)
            ended.wait(worker.rest(came))
        return Worked(tried=tried, done=done, open=stopping.open())


def clients_of(times: Times) -> OwnClients:
    """Make ready to ask the vendor by clients of our own.

    Args:
        times: how long it is waited for.

    Returns:
        The clients; none is made yet.
    """
    return OwnClients(
        connect=times.vendor_connect.total_seconds(),
        read=times.vendor_read.total_seconds(),
        within=times.stop.total_seconds(),
    )


@contextmanager
def _worker(settings: Settings, clock: Clock) -> Iterator[tuple[Worker, Stopping, Parts]]:
    require_database(settings)
    parts = assemble(settings, engine=None, clock=clock, random=system_random, background=False)
    clients = clients_of(settings.times)
    try:
        stopping = Stopping(parts.gate)
        stopping.take(clients)
        yield Worker(stopping, clock), stopping, parts
    finally:
        clients.close()
        parts.close()


def _sequence(parts: Parts, came: Round) -> None:
    """Give what was written its positions, where this login may: else the processes that keep the log do."""
    if came.tried:
        with suppress(ConsentGateError):
            Sequencer(parts.database).once()
