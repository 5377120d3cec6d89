"""A home with a little of everything in its database, made once; copies of it, to tamper with."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from consentgate.config.verification import Verified, verify_deployment
from consentgate.entries.leaf import Draft
from consentgate.moment import floor, system_clock, system_random, uuid7
from consentgate.testing.chime import ChimeServer
from tests.databases import Raw, Server, raw, settle

ISS = "https://ivr.acme.example"
DATABASE = "consentgate.db"
NOTICE: dict[str, Any] = {
    "id": "voiceprint",
    "version": "2026-02",
    "language": "en",
    "in_writing": True,
    "elements": ["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
    "consent_form": "written_release",
    "purposes": ["authentication"],
    "operations": ["search"],
    "validity": "P2Y",
}
ANNA = ("customer", "c-1")
PHONE = ("phone", "+13125550123")
BEN = ("customer", "c-2")


@dataclass(frozen=True)
class Place:
    """A home, and what it was before its last entries; its database is a file in it, or lies on a server."""

    folder: Path
    server: Server | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.home / DATABASE

    @property
    def url(self) -> str:
        return load_settings(self.home).database

    @contextmanager
    def copied(self, folder: Path) -> Iterator["Place"]:
        """Make a copy, database and all, for as long as the block runs."""
        shutil.copytree(self.folder, folder)
        copy = Place(folder, self.server)
        if self.server is not None:
            settle(copy.home, self.server.copied(self.url))
        try:
            yield copy
        finally:
            if self.server is not None:
                self.server.drop(copy.url)

    def keep_old(self, state: str = "log.state") -> None:
        """Remember database and state as they are now."""
        shutil.copy(self.home / state, self.folder / "old.state")
        if self.server is None:
            shutil.copy(self.database, self.folder / "old.db")
        else:
            (self.folder / "old.url").write_text(self.server.copied(self.url))

    @property
    def old_url(self) -> str:
        """Where the older copy is."""
        if self.server is None:
            return f"sqlite:///{self.folder / 'old.db'}"
        return (self.folder / "old.url").read_text()

    def set_state(self, **members: object) -> None:
        """Change what the signer remembers."""
        path = self.home / "log.state"
        state = json.loads(path.read_text()) | members
        path.write_text(json.dumps(state, separators=(",", ":"), sort_keys=True) + "\n")

    def roll_back(self) -> None:
        """Put the database back to its older copy."""
        if self.server is None:
            shutil.copy(self.folder / "old.db", self.database)
            return
        self.server.drop(self.url)
        settle(self.home, self.server.copied((self.folder / "old.url").read_text()))

    def roll_state_back(self) -> None:
        shutil.copy(self.folder / "old.state", self.home / "log.state")

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        """The database without anything that guards it."""
        with raw(self.url) as connection:
            connection.disarm()
            yield connection

    def sql(self, *statements: str) -> None:
        with self.raw() as connection:
            for statement in statements:
                connection.execute(statement)

    def loosen(self, table: str) -> None:
        """Make a table anew without its keys, so that it takes any row twice, and nothing in place of a value."""
        self.sql(
            f"CREATE TABLE loose AS SELECT * FROM {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE loose RENAME TO {table}",
        )

    def verify(self, *, vkey: str | None = None, with_keys: bool = True) -> Verified:
        settings = load_settings(self.home)
        return verify_deployment(settings, vkey=vkey, with_keys=with_keys, step=lambda: None)

    def exit(self) -> int:
        return self.verify().verification.exit_code

    def found(self) -> list[tuple[str, str]]:
        return [(each.kind, each.where) for each in self.verify().verification.findings]

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.found()}

    def verdicts(self) -> dict[str, str]:
        levels = self.verify().verification.levels
        return {each.name: each.verdict for each in levels if each.verdict != "holds"}

    def work(self, work: Callable[[ConsentGate], object]) -> None:
        """Do honest work, and keep the log."""
        with ConsentGate(load_settings(self.home), background=False) as gate:
            work(gate)
        assert keep_log(load_settings(self.home)) is None

    def one(self, query: str) -> Any:
        return self.all(query)[0]

    def row(self, query: str) -> tuple[Any, ...]:
        """The first row."""
        with raw(self.url) as connection:
            return tuple(connection.execute(query).fetchone())

    def all(self, query: str) -> list[Any]:
        """The first value of each row."""
        with raw(self.url) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]


def person(*references: tuple[str, str]) -> Speaker:
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    return Speaker(list(references), [evidence], adult=True)


def build(folder: Path, server: Server | None) -> Place:
    """Make the home: in its first state, of which a copy is kept, there are no withdrawal and no search."""
    place = Place(folder, server)
    url = f"sqlite:///{DATABASE}" if server is None else server.database()
    make_home(place.home, controller="acme", database=url)
    place.work(_first)
    place.keep_old()
    place.work(_second)
    return place


def _first(gate: ConsentGate) -> None:
    gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
    gate.assert_("public_policy_published", True, by="privacy@acme.example", since=system_clock())
    gate.add_issuer(ISS, name="Acme IVR")
    issuer = gate.issuer(ISS)
    for reference in (ANNA, BEN):
        issuer.grant(person(reference), notice="voiceprint", method="ivr_dtmf")
    gate._parts.database.write(lambda connection: heartbeats(gate, connection, 300))


def heartbeats(gate: ConsentGate, connection: Connection, count: int) -> None:
    """Append entries about nobody, each at a time of its own."""
    at: datetime | None = None
    for _ in range(count):
        # On a busy machine this takes longer than the clocks of process and database may differ.
        while (now := floor(system_clock())) == at:
            pass
        at = now
        draft = Draft(id=uuid7(at, system_random), kind="heartbeat", at=at)
        gate._parts.lanes.append(connection, draft)


def _second(gate: ConsentGate) -> None:
    on_line: dict[str, Any] = {"callee": NOBODY, "purpose": "authentication"}
    gate.register_call("tx-1", caller=[person(BEN)], recording_consent="all_parties", **on_line)
    with ChimeServer() as server:
        client = gate.protect(server.client())
        server.script.results(("vp-somebody-else", 0.93))
        client.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4",
            TransactionId="tx-1",
            VoiceProfileDomainId="vpd-1",
            CallLeg="Caller",
        )
        client.close()
    gate.register_call("tx-2", caller=[person(ANNA)], **on_line)
    gate.register_call("tx-2", caller=[person(BEN)], **on_line)
    # The phone comes first: the statement lies under the phone's key, and finds Anna by a link alone.
    gate.issuer(ISS).withdraw(person(PHONE, ANNA), method="ivr_dtmf")
