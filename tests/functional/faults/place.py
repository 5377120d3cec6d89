"""A deployment to break: one caller who may be searched, and gates that are short of patience."""

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.config.parts import Parts
from consentgate.config.settings import Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.config.times import Times
from consentgate.testing.chime import ChimeServer
from consentgate.testing.client import client_settings
from consentgate.testing.clock import FrozenClock
from tests.databases import Raw, raw
from tests.functional.faults.conftest import Behind
from tests.functional.faults.proxy import Proxy
from tests.functional.gate.conftest import CONNECTOR, ISS, NOTICE

CALL = "tx-1"
READ_SECONDS = 0.4
LOCKED_SECONDS = 0.3
"""How long SQLite waits for another process here."""
TIMES = Times(
    turn=timedelta(seconds=1),
    stop=timedelta(seconds=1),
    connect=timedelta(seconds=2),
    answer=timedelta(seconds=0.4),
    busy=timedelta(seconds=LOCKED_SECONDS),
)
BUDGET = timedelta(seconds=0.5)
SERVER_BUDGET = timedelta(seconds=1)


class Faulty(FrozenClock):
    """A clock that can fail, or stand behind another one."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.error: Exception | None = None
        self.behind = timedelta(0)

    def __call__(self) -> datetime:
        if self.error is not None:
            raise self.error
        return super().__call__() - self.behind


@dataclass
class Place:
    """A deployment and its surroundings.

    Attributes:
        home: its folder.
        settings: what it decides.
        clock: the time of the process.
        database_clock: the time of the database.
        server: the vendor.
        network: what lies between.
        behind: the proxy before PostgreSQL, if that is where the ledger lies.
        gate: the gate that is open.
        client: a client that it protects.
    """

    home: Path
    settings: Settings
    clock: Faulty
    database_clock: Faulty
    server: ChimeServer
    network: Proxy
    behind: Behind | None = None
    gate: ConsentGate = field(init=False)
    client: Any = field(init=False)

    @property
    def parts(self) -> Parts:
        return self.gate._parts

    @property
    def file(self) -> str:
        """The database's file."""
        return self.settings.database.removeprefix("sqlite:///")

    def open(self) -> None:
        """Open a gate, with a client that it protects."""
        self.gate = ConsentGate(self.settings, clock=self.clock, background=False)
        # Of the process and of the database: two clocks, which a fault parts.
        self.parts.database.clock = self.database_clock
        store: Any = next(iter(self.parts.database._stores.values()), None)
        if self.behind is None:
            store.close()
            self.parts.database._stores.clear()
        else:
            store._clock = self.database_clock
        self.client = self._protected()

    def renew(self) -> None:
        """Take a new client in place of the old one."""
        self.client.close()
        self.client = self._protected()

    def _protected(self) -> Any:
        url = f"http://127.0.0.1:{self.network.port}"
        more = client_settings(
            url, retries={"mode": "standard", "total_max_attempts": 2}, read_seconds=READ_SECONDS
        )
        more["config"] = more["config"].merge(Config(connect_timeout=READ_SECONDS))
        return self.gate.protect(boto3.client("chime-sdk-voice", **more))

    def close(self) -> None:
        self.client.close()
        self.gate.close()

    def settle(self) -> None:
        """Bring every task of the vendor's to its end, so that another one can begin."""
        voice: Any = self.server._behaviours["chime-sdk-voice"]
        for task in [each for each in voice.searches._tasks.values() if each.active]:
            self.server.finish(task.id)

    def search(self) -> Any:
        return self.client.start_speaker_search_task(
            VoiceConnectorId=CONNECTOR, TransactionId=CALL, VoiceProfileDomainId="vpd-1", CallLeg="Caller"
        )

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        """The database behind everybody's back."""
        with raw(self.behind.real if self.behind else self.settings.database) as connection:
            yield connection

    def written(self, after: int = 0) -> list[tuple[int, str, str, bytes, bytes]]:
        """What is in the ledger: position, kind, end, id, and the id of what it answers."""
        with self.raw() as connection:
            rows = connection.execute(
                'SELECT ordinal, kind, "end", id, re FROM entry WHERE ordinal > ? ORDER BY ordinal',
                (after,),
            )
            return [tuple(row) for row in rows.fetchall()]


@contextmanager
def place_at(folder: Path, *, behind: Behind | None = None, spool: bool = False) -> Iterator[Place]:
    """Make a deployment whose caller may be searched on one call."""
    # Long ago enough: whatever is added to it here, verification finds no time to come.
    start = FrozenClock()() - timedelta(days=5)
    clock, database_clock = Faulty(start), Faulty(start)
    home = folder / "home"
    if behind is None:
        make_home(home, controller="acme", clock=clock)
    else:
        make_home(home, controller="acme", clock=clock, database=behind.url)
    settings = replace(
        load_settings(home),
        outcome_budget=SERVER_BUDGET if behind else BUDGET,
        times=TIMES,
        spool=home / "spool" if spool else None,
    )
    with ChimeServer() as server:
        port = int(server.url.rpartition(":")[2])
        network = Proxy(lambda: socket.create_connection(("127.0.0.1", port), 5))
        place = Place(home, settings, clock, database_clock, server, network, behind)
        place.open()
        try:
            _prepare(place)
            yield place
        finally:
            place.close()
            network.close()


def _prepare(place: Place) -> None:
    gate = place.gate
    gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
    since = place.clock() - timedelta(days=30)
    gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
    gate.add_issuer(ISS, name="Acme IVR")
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", "1001")], [evidence], adult=True)
    gate.issuer(ISS).grant(caller, notice="voiceprint", method="ivr_dtmf")
    gate.register_call(
        CALL, caller=[caller], callee=NOBODY, purpose="authentication", recording_consent="all_parties"
    )
    # Times lie behind us: a clock that is set back does not make them future.
    for each in (place.clock, place.database_clock):
        each.advance(timedelta(hours=2))


@contextmanager
def locked(file: str) -> Iterator[None]:
    """Another process holds a SQLite file's write lock."""
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        other.execute("PRAGMA busy_timeout = 2000")
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def later(seconds: float, act: Any) -> threading.Timer:
    """Do something after a while, in a thread of its own."""
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer
