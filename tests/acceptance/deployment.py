"""Makes the deployment of the CLI's tests, and drives the program in this process or in one of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.cli.main import run
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from consentgate.consent.reference import Reference
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import generate_signing_key, signing_key_from_pem
from consentgate.moment import system_clock, system_random, uuid7_text
from consentgate.testing.chime import ChimeServer
from tests.databases import Server, raw, settle

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "docs/formats/cli"

ISS = "https://ivr.acme.example"
OUTSIDE = "https://forms.acme.example"
CONNECTOR = "abcdef1ghij2klmno3pqr4"
PHONE = "+13125550123"
MANIFEST = """\
id = "voiceprint"
version = "2026-02"
language = "en"
in_writing = true
elements = ["collection_or_storage_disclosed", "length_of_term", "specific_purpose"]
consent_form = "written_release"
purposes = ["authentication"]
operations = ["search"]
validity = "P2Y"
jurisdictions = ["US-IL"]
"""
NOTICE = b"Acme makes a voiceprint to check that you are you, for two years.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Where everything lies, and the entries that tests name; its database is a file, or lies on a server."""

    folder: Path
    server: Server | None
    grant: str
    succeeded: str
    denial: str
    open: str

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.folder / "home"

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.home / "consentgate.db"

    @property
    def url(self) -> str:
        """Where the database is."""
        return load_settings(self.home).database

    @contextmanager
    def copied(self, folder: Path) -> Iterator["Deployment"]:
        """The same in another place, for as long as the block runs."""
        shutil.copytree(self.folder, folder)
        copy = replace(self, folder=folder)
        if self.server is None:
            yield copy
            return
        url = self.server.copied(self.url)
        settle(copy.home, url)
        yield copy
        self.server.drop(url)

    def lose(self) -> None:
        """Let the database be gone."""
        if self.server is None:
            self.database.unlink()
        else:
            self.server.drop(self.url)

    def damage(self) -> None:
        """Overwrite pages of the database."""
        if self.server is not None:
            self.server.overwrite(self.url, "entry")
            return
        data = bytearray(self.database.read_bytes())
        half = len(data) // 2
        data[half : half + 40_000] = bytes(40_000)
        self.database.write_bytes(data)

    def token(self, **members: Any) -> str:
        """Sign a statement as the outside issuer does: a withdrawal, unless told otherwise."""
        key = signing_key_from_pem((self.folder / "outside.pem").read_bytes())
        now = system_clock()
        given: dict[str, Any] = {
            "issuer": OUTSIDE,
            "id": uuid7_text(now, system_random),
            "issued_at": now,
            "references": (Reference(kind="customer", value="C-1000417"),),
            "state": "ConsentWithdrawn",
            "event_time": now,
            "method": "web_form",
            "controllers": ("acme",),
        }
        return jws.sign(claims(Statement(**(given | members))), key=key, typ=TYP)

    def sql(self, *statements: str) -> None:
        """Change the database behind the program's back."""
        with raw(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    def tamper(self, statement: str) -> None:
        """Change what is insert-only."""
        with raw(self.url) as connection:
            connection.unguarded(statement)

    def forget(self, entry: str) -> None:
        """Destroy the three rows of whom an entry is about, as an erasure will."""
        about = f"SELECT subject FROM entry_subject WHERE entry = x'{entry.replace('-', '')}'"
        tables = ("data_key", "subject_ref", "entry_subject")
        self.sql(*(f"DELETE FROM {table} WHERE subject IN ({about})" for table in tables))


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a run of the program came to."""

    exit: int
    out: str
    err: str


class Program:
    """The program in this process, on one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Output:
        """Run a command on the home."""
        return self.bare(*arguments, "--home", self.home)

    def bare(self, *arguments: str | Path) -> Output:
        """Run exactly this."""
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return Output(exit=code, out=said.out, err=said.err)

    def json(self, *arguments: str | Path, exit: int = 0) -> dict[str, Any]:  # noqa: A002  # the member's name
        """Run a command with --json, and check the object against its schema."""
        said = self(*arguments, "--json")
        document = checked(said.out)
        assert (said.exit, document["exit"]) == (exit, exit), said
        return document


def checked(out: str) -> dict[str, Any]:
    """Read standard output as the one object of PROTOCOL 8, as the schema of its command describes it."""
    document: dict[str, Any] = json.loads(out)
    noun = document["command"].partition(" ")[0]
    schema = json.loads((SCHEMAS / f"{noun}.json").read_text())
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    return document


def outside(
    *arguments: str | Path,
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
) -> Output:
    """Run the program as a process of its own; warnings are errors."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONSENTGATE_", "AWS_"))
    }
    kept |= {"PYTHONPATH": str(ROOT), "CONSENTGATE_HOME": str(home or "nowhere"), **(environment or {})}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "consentgate", *map(str, arguments)],
        env=kept,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return Output(exit=done.returncode, out=done.stdout, err=done.stderr)


def build(folder: Path, server: Server | None) -> Deployment:
    """Make the deployment: a grant, one search that succeeded, one denied, one without an end."""
    url = "sqlite:///consentgate.db" if server is None else server.database()
    made = make_home(folder / "home", controller="acme", database=url, jurisdiction="US-IL")
    (folder / "notice.txt").write_bytes(NOTICE)
    (folder / "notice.toml").write_text(MANIFEST)
    key = generate_signing_key("ES256")
    (folder / "outside.pem").write_bytes(key.pem())
    (folder / "outside.pub.pem").write_bytes(key.public.pem())
    with ConsentGate(made.settings, background=False) as gate, ChimeServer() as chime:
        _put_on_record(gate, folder)
        gate.add_issuer(OUTSIDE, name="Acme forms", key=key.public)
        caller = _person("C-1000417", PHONE)
        grant = gate.issuer(ISS).grant(caller, notice="voiceprint", method="web_esign").entry
        client = gate.protect(chime.client(retries={"max_attempts": 0}))
        chime.script.results(("vp-somebody-else", 0.930417))
        _search(gate, client, "tx-1", caller)
        with pytest.raises(ConsentDenied) as denied:
            _search(gate, client, "tx-2", _person("C-2", "+13125550124"))
        chime.script.drop()
        with pytest.raises(Exception, match=r"closed|reset|aborted"):  # the client's, whichever it is
            _search(gate, client, "tx-3", caller)
        client.close()
    assert keep_log(load_settings(folder / "home")) is None
    intents = _ids(folder / "home", "intent")
    # Until then the open request might still leave, and nobody is told that it is open.
    time.sleep(5.1)
    return Deployment(
        folder=folder,
        server=server,
        grant=grant,
        succeeded=intents[0],
        denial=denied.value.entry or "",
        open=intents[1],
    )


def _put_on_record(gate: ConsentGate, folder: Path) -> None:
    import tomllib

    gate.add_notice(NOTICE, **tomllib.loads((folder / "notice.toml").read_text()))
    for name, value in (("public_policy_published", True), ("recording_consent", "all_parties")):
        gate.assert_(name, value, by="privacy@acme.example", since=system_clock())
    gate.add_issuer(ISS, name="Acme IVR")


def _person(customer: str, phone: str) -> Speaker:
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", customer), ("phone", phone)], [evidence], adult=True)


def _search(gate: ConsentGate, client: Any, transaction: str, speaker: Speaker) -> None:
    gate.register_call(transaction, caller=[speaker], callee=NOBODY, purpose="authentication")
    client.start_speaker_search_task(
        VoiceConnectorId=CONNECTOR, TransactionId=transaction, VoiceProfileDomainId="vpd-1", CallLeg="Caller"
    )


def _ids(home: Path, kind: str) -> list[str]:
    from consentgate.config.entries import entry_list
    from consentgate.config.upkeep import reading

    with reading(load_settings(home)) as parts:
        found = entry_list(parts, kinds=[kind], only_open=False, after=None, limit=100)
    return [str(each.id) for each in found]
