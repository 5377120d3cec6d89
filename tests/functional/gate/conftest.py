"""A whole deployment for each test: home, ledger, issuer, notice, loopback service, protected client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, SigningIssuer, Speaker
from consentgate.config.settings import load_settings
from consentgate.ledger.book import open_parts
from consentgate.ledger.vault import month_key
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import FrozenClock
from tests.databases import Kind, Raw, raw
from tests.homes import Home
from tests.once import Once

CONNECTOR = "abcdef1ghij2klmno3pqr4"
ISS = "https://ivr.acme.example"
NOTICE = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A deployment and its surroundings."""

    gate: ConsentGate
    home: Path
    clock: FrozenClock
    server: ChimeServer
    client: Any
    ivr: SigningIssuer

    def caller(self, number: str = "1001", code: str = "US-IL", **more: Any) -> Speaker:
        """Give a speaker with an address in one jurisdiction."""
        evidence = Evidence(code=code, kind="account_address", source="crm", confidence="high")
        return Speaker([("customer", number)], [evidence], **{"adult": True, **more})

    def register(self, transaction: str, *speakers: Speaker, **more: Any) -> str | None:
        """Register a call with these speakers on the caller leg."""
        known = {"callee": NOBODY, "purpose": "authentication", "recording_consent": "all_parties"}
        return self.gate.register_call(transaction, caller=list(speakers), **{**known, **more})

    def search(self, transaction: str, **more: Any) -> Any:
        """Search as a backend would."""
        arguments = {
            "VoiceConnectorId": CONNECTOR,
            "TransactionId": transaction,
            "VoiceProfileDomainId": "vpd-1",
            "CallLeg": "Caller",
        }
        return self.client.start_speaker_search_task(**{**arguments, **more})

    def opened(self, *kinds: str) -> list[tuple[EntryRow, dict[str, Any]]]:
        """Open the parts of all entries of some kinds, in order."""
        parts = self.gate._parts
        found: list[tuple[EntryRow, dict[str, Any]]] = []
        with parts.database.read() as connection:
            for kind in kinds:
                for row in entries.of_kind(connection, parts.book.tenant, kind):
                    linked = subjects.subjects_of(connection, parts.book.tenant, [row.id])[row.id]
                    keys = list(parts.book.vault.data_keys(connection, linked).values())
                    names = (month_key("matches", row.at), month_key("unattributed", row.at), "body")
                    own = [parts.book.vault.find_key(connection, name) for name in names]
                    found.append((row, dict(open_parts(row, [*keys, *(k for k in own if k)]))))
        return sorted(found, key=lambda pair: pair[0].ordinal)

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        """The database behind the ledger's back."""
        with raw(self.gate._parts.settings.database) as connection:
            yield connection

    def ends(self) -> list[str | None]:
        """How requests ended, in order."""
        intents = {row.id for row, _ in self.opened("intent")}
        return [row.end for row, _ in self.opened("outcome", "observation") if row.re in intents]

    def parts(self, kind: str) -> dict[str, Any]:
        """Give the parts of the newest entry of a kind."""
        return self.opened(kind)[-1][1]

    def exchange(self, kind: str) -> dict[str, Any]:
        """Give what the newest entry of a kind holds of the exchange."""
        found: dict[str, Any] = self.parts(kind)["exchange.0"]
        return found

    def denial(self, transaction: str, **more: Any) -> list[str]:
        """Search, and give the codes of the denial."""
        with pytest.raises(ConsentDenied) as denied:
            self.search(transaction, **more)
        return sorted(r.code for r in denied.value.reasons)

    def unhurried(self) -> None:
        """Let a first attempt leave without another look, however slow the machine is meanwhile."""
        gate = self.gate._parts.gate
        object.__setattr__(gate, "limits", replace(gate.limits, reread_after=timedelta(minutes=1)))

    @property
    def searches(self) -> int:
        """How many searches reached the service."""
        return sum(1 for r in self.server.requests if r.path.endswith("/speaker-search-tasks"))


@pytest.fixture
def world(
    kind: Kind,
    once: Once,
    just_made: Home,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    frozen_clock: FrozenClock,
    chime: ChimeServer,
) -> Iterator[World]:
    """A deployment in US-IL's terms, with the log kept by hand."""
    folder = tmp_path_factory.getbasetemp() / f"ready-{kind}"
    ready = once.opened("ready", kind, by=lambda: _ready(just_made, folder))
    with (
        ready.copied(tmp_path / "home") as home,
        home.in_environment(),
        _gate(home.folder, frozen_clock) as gate,
    ):
        client = gate.protect(chime.client())
        yield World(
            gate=gate,
            home=home.folder,
            clock=frozen_clock,
            server=chime,
            client=client,
            ivr=gate.issuer(ISS),
        )
        client.close()


@contextmanager
def _ready(just_made: Home, folder: Path) -> Iterator[Home]:
    """A home with a notice, what US-IL's terms ask of the controller, and an issuer."""
    clock = FrozenClock()
    with just_made.copied(folder) as home:
        with home.in_environment(), _gate(home.folder, clock) as gate:
            gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
            since = clock() - timedelta(days=30)
            gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
            gate.add_issuer(ISS, name="Acme IVR")
        yield home


def _gate(home: Path, clock: FrozenClock) -> ConsentGate:
    return ConsentGate(load_settings(home), clock=clock, background=False)
