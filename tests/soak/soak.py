"""A soak: a deployment under mixed load and random faults for as long as wanted, and what is left of it afterwards.

The backend is this very process; the service, a second sequencer and a second signer are processes of their own, and
PostgreSQL is one for this soak alone. Everything by chance comes from one seed. At the end faults are over, what is
open is closed the normal way, and then everything is held against everything.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from consentgate import ConsentGate
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.config.times import Times
from consentgate.config.upkeep import reading
from consentgate.keys import custody
from consentgate.testing.client import loopback_client
from tests.databases import Server
from tests.functional.crash.storm import Child
from tests.soak.blows import Blows
from tests.soak.flat import LONG_ENOUGH, Growth, Watch, growth
from tests.soak.judge import Found, judged
from tests.soak.work import ISS, Backend

NOTICE: Final[dict[str, Any]] = {
    "id": "voiceprint",
    "version": "1",
    "language": "en",
    "in_writing": True,
    "elements": ["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
    "consent_form": "written_release",
    "purposes": ["authentication"],
    "operations": ["search"],
}
# What botocore tries by itself, and what the gate tries: the second is closed sooner, and all that a short soak has.
_BY_BOTOCORE: Final = {"mode": "standard", "total_max_attempts": 3}
_ONCE: Final = {"mode": "standard", "total_max_attempts": 1}
_READ_SECONDS: Final = 1.0
# Longer than any request may take after its permit is over.
_PATIENCE: Final = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What a soak came to.

    Attributes:
        seconds: how long the load lasted.
        tally: how often what happened in the backend, and how often what was struck.
        found: what the ledger and the service had in the end.
        grown: what shall be flat; empty where the soak was too short to say.
    """

    seconds: float
    tally: dict[str, int]
    found: Found
    grown: Sequence[Growth]

    def report(self) -> str:
        """Say it in a few lines."""
        counted = ", ".join(f"{what} {times}" for what, times in sorted(self.tally.items()))
        ends = ", ".join(f"{end} {times}" for end, times in sorted(self.found.ends.items()))
        grown = [
            f"{each.name}: {each.before:,.0f} -> {each.after:,.0f} (at most +{each.most:,.0f})"
            f"{'' if each.flat else '  NOT FLAT'}"
            for each in self.grown
        ]
        stops = f"{self.found.orders} stop orders, {self.found.owed} counted on"
        return "\n".join(
            [
                f"{self.seconds:.0f} s of load: {counted}",
                f"{self.found.entries} entries; {self.found.intents} intents, {self.found.requests} requests: {ends}",
                f"{stops}, {self.found.open} open: of what nobody knows whether it started",
                *(grown or ["too short to say whether memory and handles stay flat"]),
            ]
        )


def soak(running: Server, folder: Path, seconds: float, seed: int) -> Soaked:
    """Soak a deployment.

    Args:
        running: a PostgreSQL server, to do harm to.
        folder: for the home and everything else.
        seconds: how long the load lasts.
        seed: of everything by chance.

    Returns:
        What it came to.

    Raises:
        AssertionError: something happened that must not.
    """
    url = running.database()
    settings = _home(folder, url)
    log, journal = folder / "service.log", folder / "journal"
    with ExitStack() as stack:
        # Some thousand data keys by default: it would fill for minutes, and look like a leak.
        stack.enter_context(patch.object(custody, "_CACHED", 200))
        keepers = _keepers(stack, settings, folder)
        service, address = stack.enter_context(_service(log, seed))
        gate = stack.enter_context(ConsentGate(settings))
        _introduce(gate)
        clients = _clients(stack, gate, address, seconds)
        backend = Backend(gate, clients, log, journal, seed)
        blows = Blows(running, url, keepers, lambda each: each.begin(settings), seed)
        watch = Watch(url, lambda: backend.calls)
        for each in (backend, blows, watch):
            each.start()
        _last(seconds, backend, blows)
        for part in (watch, blows, backend):
            part.stop()
        service.send_signal(signal.SIGUSR1)
        failures = backend.failures + blows.failures
        if failures:
            raise ExceptionGroup("a soak saw what must not happen", [_told(each) for each in failures])
        _close(gate, backend)
        for keeper in keepers:
            keeper.ask_to_end()
            keeper.require_ended()
        gate.close()
        with reading(settings) as parts:
            found = judged(parts, log, journal)
    grown = growth(watch.samples) if seconds >= LONG_ENOUGH else ()
    return Soaked(seconds=seconds, tally=dict(backend.tally + blows.tally), found=found, grown=grown)


def _home(folder: Path, url: str) -> Settings:
    made = make_home(
        folder / "home", controller="acme", database=url, purposes={"search": "authentication"}
    ).settings
    # A short life for permits: what is open can be closed soon after the end.
    times = replace(Times(), send_by=timedelta(seconds=3))
    return replace(made, spool=folder / "spool", times=times)


def _introduce(gate: ConsentGate) -> None:
    gate.add_notice(b"We make a voiceprint of you.", **NOTICE)
    gate.assert_("public_policy_published", True, by="soak", since=datetime.now(UTC))
    gate.add_issuer(ISS, name="Soak")


def _keepers(stack: ExitStack, settings: Settings, folder: Path) -> list[Child]:
    """Another host's sequencer and signer, beside the backend's own."""
    keepers = [Child(role=role, arguments=(), folder=folder, number=0) for role in ("sequencer", "signer")]
    for each in keepers:
        each.begin(settings)
        stack.callback(_end, each)
    return keepers


def _end(keeper: Child) -> None:
    if keeper.alive:
        keeper.kill()


@contextmanager
def _service(log: Path, seed: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "tests.soak.vendor", str(log), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            yield service, service.stdout.readline().strip()
        finally:
            service.terminate()
            service.wait()


def _clients(stack: ExitStack, gate: ConsentGate, address: str, seconds: float) -> list[Any]:
    made = []
    for retries in (_ONCE, _BY_BOTOCORE) if seconds >= LONG_ENOUGH else (_ONCE,):
        client = loopback_client("chime-sdk-voice", address, retries=retries, read_seconds=_READ_SECONDS)
        stack.callback(client.close)
        made.append(gate.protect(client, retry=2 if retries is _ONCE else None))
    return made


def _last(seconds: float, backend: Backend, blows: Blows) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not backend.failures and not blows.failures:
        time.sleep(0.2)


def _close(gate: ConsentGate, backend: Backend) -> None:
    """Close what is open, the normal way; what can no longer arrive is closed for good."""
    until = time.monotonic() + _PATIENCE
    before: set[UUID] | None = None
    while True:
        backend.hand_in()
        done = gate.reconcile()
        left = {each.entry for each in gate.carry_out_stops()}
        if not done.waiting and not done.stuck and left == before:
            # What could be carried out was: the rest is judged.
            return
        before = left
        assert time.monotonic() < until, f"{len(done.waiting)} wait, {len(done.stuck)} are stuck"
        time.sleep(0.5)


def _told(failure: BaseException) -> Exception:
    return failure if isinstance(failure, Exception) else RuntimeError(repr(failure))
