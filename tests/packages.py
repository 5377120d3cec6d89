"""A small world in which much happens, and packages of it: made once for a session, read by many tests.

`package` is the good package of everything, for counsel. Tests that change one copy it first: `shutil.copytree`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from consentgate import ConsentGate, Evidence, Speaker
from consentgate.config.parts import signer_of
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.export.making import Package
from consentgate.log.sequencer import Sequencer
from consentgate.testing import events
from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import FrozenClock
from tests.databases import raw
from tests.functional.gate.conftest import ISS, NOTICE, World

PERSON: Final = ("customer", "1001")
ERASED: Final = ("customer", "4004")
OPERATIONS: Final = ["search", "enrol", "update", "tone_analysis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """The world, with its log kept, a folder for packages, and the first of them."""

    world: World
    out: Path
    made: Package

    def keep_log(self) -> None:
        """Give every entry a position, and sign."""
        keep_log(self.world.gate)


def keep_log(gate: ConsentGate) -> None:
    """Give every entry of a gate a position, and sign."""
    parts = gate._parts
    Sequencer(parts.database).once()
    signer_of(parts.settings, parts.database).once()


@contextmanager
def rich_world(home: Path, clock: FrozenClock, server: ChimeServer) -> Iterator[World]:
    """A deployment in which a year went by: every kind of thing that a package can hold happened in it."""
    with ConsentGate(load_settings(home), clock=clock, background=False) as gate:
        gate.add_notice(b"Acme makes a voiceprint to check that you are you.", **NOTICE)
        everything = {**NOTICE, "id": "everything", "operations": OPERATIONS}
        gate.add_notice(
            "Acme makes and keeps a voiceprint, and listens to tones. Þú mátt segja nei.".encode(),
            **everything,
        )
        since = clock() - timedelta(days=30)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
        gate.add_issuer(ISS, name="Acme IVR")
        client = gate.protect(server.client())
        world = World(gate=gate, home=home, clock=clock, server=server, client=client, ivr=gate.issuer(ISS))
        live(world)
        keep_log(gate)
        yield world
        client.close()


def live(world: World) -> None:
    """Let it happen: two years of four people."""
    ada, ben = world.caller(), world.caller("2002", age=34)
    cyd = Speaker([("customer", "3003"), ("phone", "+12175550142")], ada.evidence, adult=True)
    dan = world.caller(ERASED[1])
    # Nobody asked them yet: denied.
    world.register("tx-1", ada)
    world.denial("tx-1")
    for each in (ada, ben, dan):
        world.clock.advance(60)
        world.ivr.grant(each, notice="everything", method="ivr_dtmf", operations=OPERATIONS)
    _search(world, "tx-2", ada, results=[("vp-of-ada", 0.97), ("vp-of-somebody-else", 0.41)])
    # A profile out of a search, and two on one leg.
    task = _search(world, "tx-3", ada)
    world.client.create_voice_profile(SpeakerSearchTaskId=task)
    world.clock.advance(timedelta(days=40))
    _search(world, "tx-4", ada, ben)
    _search(world, "tx-5", dan)
    world.gate.notify(events.search_event(task, "IdentificationNoMatchesFound", at=world.clock()))
    # A refusal; a place whose law nobody knows; a request about nobody's call.
    world.ivr.refuse(cyd, method="ivr_dtmf")
    world.register("tx-6", cyd)
    world.denial("tx-6")
    nowhere = Evidence(code="ZZ", kind="account_address", source="crm", confidence="high")
    world.register("tx-7", Speaker([("customer", "5005")], [nowhere], adult=True))
    world.denial("tx-7")
    world.denial("tx-8")
    # The vendor refuses one.
    world.register("tx-9", ben)
    world.server.script.fail(error="BadRequestException")
    with pytest.raises(world.client.exceptions.BadRequestException):
        world.search("tx-9")
    world.server.script.clear()
    # One is withdrawn while its task runs.
    world.clock.advance(timedelta(days=300))
    world.register("tx-10", ada)
    world.search("tx-10")
    world.ivr.withdraw(ada, method="ivr_dtmf")
    world.register("tx-11", ada)
    world.denial("tx-11")
    erase(world, ERASED)


def erase(world: World, reference: tuple[str, str]) -> None:
    """Do by hand what erasure does: the rows that link a person, and their key, are gone."""
    parts = world.gate._parts
    speaker = Speaker([reference], [], adult=True)
    with parts.database.read() as connection:
        found = parts.book.vault.find(connection, speaker.known_as)
    with raw(parts.settings.database) as connection:
        for subject in found.values():
            for table in ("data_key", "subject_ref", "entry_subject"):
                connection.execute(f"DELETE FROM {table} WHERE subject = ?", (subject.bytes,))


def _search(
    world: World, call: str, *speakers: Speaker, results: list[tuple[str, float]] | None = None
) -> str:
    world.register(call, *speakers)
    world.clock.advance(1)
    task: str = world.search(call)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    world.server.finish(task, results=results or [])
    world.gate.poll(task)
    return task


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """The world, on SQLite. Tests may export from it; who writes to it otherwise makes a world of their own."""
    folder = tmp_path_factory.mktemp("exporter")
    clock = FrozenClock()
    make_home(folder / "home", controller="acme", clock=clock)
    with ChimeServer(clock=clock) as server, rich_world(folder / "home", clock, server) as world:
        made = world.gate.export(
            "Doe v. Acme",
            folder / "out",
            purpose="Subpoena 26-1142",
            recipient="Roe & Partners",
            requested_by="Superior Court",
            time_zone="America/Chicago",
            clear=True,
        )
        yield Exporter(world=world, out=folder / "out", made=made)


@pytest.fixture(scope="session")
def made(exporter: Exporter) -> Package:
    """The good package of everything, and what was said when it was made: the first of its ledger."""
    return exporter.made


@pytest.fixture(scope="session")
def package(made: Package) -> Path:
    """Folder of the good package of everything, for counsel; not to be changed."""
    return made.folder


@pytest.fixture(scope="session")
def narrow_package(exporter: Exporter) -> Path:
    """Folder of a package about one person for the other side: references are redacted, matches withheld."""
    return exporter.world.gate.export(
        "Doe v. Acme",
        exporter.out,
        purpose="Discovery",
        recipient="Poe LLP",
        subject=PERSON,
        role="opposing",
        time_zone="Europe/Berlin",
        prefix="ACME-",
        clear=True,
    ).folder
