"""The program on a ledger in PostgreSQL: from init to verify."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate
from consentgate.config.settings import load_settings
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import CONNECTOR, ISS, MANIFEST, NOTICE, Program, _person
from tests.databases import Server, raw

pytestmark = [pytest.mark.postgres, pytest.mark.acceptance]


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    made = postgres.empty()
    yield made
    postgres.drop(made)


@pytest.fixture
def on_postgres(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> Program:
    program = Program(tmp_path / "home", capsys)
    made = program("init", "--controller", "acme", "--jurisdiction", "US-IL", "--database", url)
    assert made.exit == 0, made
    return program


def test_whole_story_runs_and_verifies(on_postgres: Program, tmp_path: Path) -> None:
    (tmp_path / "notice.txt").write_bytes(NOTICE)
    (tmp_path / "notice.toml").write_text(MANIFEST)
    for command in (
        ("notice", "add", tmp_path / "notice.txt", "--manifest", tmp_path / "notice.toml"),
        ("issuer", "add", ISS, "--name", "Acme IVR"),
        ("assertion", "add", "public_policy_published", "true", "--by", "privacy@acme.example"),
        ("assertion", "add", "recording_consent", '"all_parties"', "--by", "privacy@acme.example"),
    ):
        assert on_postgres(*command).exit == 0
    with ConsentGate.open(on_postgres.home) as gate, ChimeServer() as server:
        client = gate.protect(server.client())
        caller = _person("C-1", "+13125550123")
        gate.issuer(ISS).grant(caller, notice="voiceprint", method="web_esign")
        wanted = {"VoiceConnectorId": CONNECTOR, "VoiceProfileDomainId": "vpd-1", "CallLeg": "Caller"}
        for transaction in ("tx-1", "tx-2"):
            gate.register_call(transaction, caller=[caller], callee=NOBODY, purpose="authentication")
        client.start_speaker_search_task(TransactionId="tx-1", **wanted)
        gate.issuer(ISS).withdraw(caller, method="ivr_dtmf")
        with pytest.raises(ConsentDenied):
            client.start_speaker_search_task(TransactionId="tx-2", **wanted)
        client.close()
    listed = on_postgres.json("entries", "list")["result"]["items"]
    kinds = {each["kind"] for each in listed}
    assert {"statement", "call", "intent", "outcome", "denial", "stop", "writer_stop"} <= kinds
    on_postgres("log", "sequence", "--once")
    assert on_postgres("log", "sign", "--once").exit == 0
    verified = on_postgres.json("verify")
    assert {level["verdict"] for level in verified["result"]["levels"]} == {"holds"}


def test_doctor_looks_at_the_server(on_postgres: Program) -> None:
    said = on_postgres("doctor")
    assert "server" in said.out
    assert "PostgreSQL 1" in said.out
    assert "SQLite" not in said.out


def test_check_finds_what_was_replaced_and_upgrade_repairs_it(on_postgres: Program) -> None:
    assert on_postgres("db", "check").exit == 0
    url = load_settings(on_postgres.home).database
    with raw(url) as behind:
        behind.execute(
            "ALTER FUNCTION consentgate_version(text, bigint[], bytea[], text[], bytea[]) VOLATILE"
        )
        behind.execute("ALTER TABLE entry DISABLE TRIGGER consentgate_entry_row")
    found = on_postgres.json("db", "check", exit=1)
    assert len(found["findings"]) == 2
    assert on_postgres("db", "upgrade").exit == 0
    assert on_postgres("db", "check").exit == 0


def test_tampering_is_found_by_verify(on_postgres: Program) -> None:
    assert on_postgres("issuer", "add", ISS, "--name", "Acme IVR").exit == 0
    with raw(load_settings(on_postgres.home).database) as behind:
        behind.unguarded("UPDATE entry SET at = at + 1 WHERE kind = 'registry'")
    assert on_postgres("verify").exit == 1


def test_server_that_is_gone_cannot_be_judged(on_postgres: Program, postgres: Server) -> None:
    postgres.drop(load_settings(on_postgres.home).database)
    for command in (("verify",), ("entries", "list"), ("db", "check")):
        assert on_postgres(*command).exit == 3


def test_schema_by_hand_is_the_schema_of_the_program(postgres: Server, on_postgres: Program) -> None:
    url = postgres.empty()
    sql = on_postgres("db", "sql", "--dialect", "postgresql").out
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(sql.encode())
    settings = on_postgres.home / "consentgate.toml"
    settings.write_text(settings.read_text().replace(load_settings(on_postgres.home).database, url))
    assert on_postgres("db", "check").exit == 0
    postgres.drop(url)


def test_roles_are_printed_and_applied(on_postgres: Program, postgres: Server, url: str) -> None:
    printed = on_postgres("db", "roles", "--prefix", "cli")
    assert printed.exit == 0
    assert printed.out.startswith("BEGIN;")
    assert "GRANT SELECT, DELETE ON data_key, subject_ref, entry_subject TO cli_shredder;" in printed.out
    wanted = ("db", "roles", "--prefix", "cli", "--row-security", "--tenant", "default")
    try:
        result = on_postgres.json(*wanted, "--apply")["result"]
        assert (result["applied"], result["tenants"]) == (True, ["default"])
        assert "cli_writer_default" in result["roles"]
        said = on_postgres(*wanted, "--apply")
        assert "GRANT cli_writer TO my_service" in said.out
        assert on_postgres("db", "check").exit == 0
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(printed.out.encode())
    finally:
        postgres.drop(url)
        with psycopg.connect(postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
            for name in result["roles"]:
                connection.execute(f'DROP ROLE "{name}"'.encode())


def test_roles_need_a_tenant_for_row_security(on_postgres: Program) -> None:
    refused = on_postgres("db", "roles", "--row-security")
    assert refused.exit == 2
    assert "--tenant" in refused.err
