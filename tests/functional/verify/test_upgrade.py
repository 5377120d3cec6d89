"""A ledger that an older version filled, brought to the newest revision: no row changes, and the gate goes on."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, inspect, make_url, text

from consentgate import NOBODY, ConsentDenied, ConsentGate
from consentgate.cli.main import run
from consentgate.config.settings import load_settings
from consentgate.config.upkeep import check_database, upgrade_database
from consentgate.errors import SchemaMismatch
from consentgate.storage import guards, schema
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY, REVISION, VERSION_TABLE
from consentgate.testing.chime import ChimeServer
from tests.databases import engine_of, settle
from tests.functional.verify.place import ANNA, BEN, ISS, Place, person

OLDER = ("0001", "0002")
TABLES = [table.name for table in (*INSERT_ONLY, *DESTROYABLE)]

Rows = dict[str, list[tuple[Any, ...]]]


def rows(connection: Connection) -> Rows:
    """Every row of every table, as the driver gives it."""
    found: Rows = {}
    for table in tables_of(connection):
        key = ", ".join(str(n) for n in range(1, len(inspect(connection).get_columns(table)) + 1))
        selected = connection.execute(text(f"SELECT * FROM {table} ORDER BY {key}"))
        found[table] = [tuple(row) for row in selected]
    return found


def tables_of(connection: Connection) -> list[str]:
    """The tables that there are: a later revision may bring more."""
    there = set(inspect(connection).get_table_names())
    return [table for table in TABLES if table in there]


def fill(source: Connection, target: Connection) -> None:
    """Write what one database holds into another of an older revision: rows one by one, as an append does."""
    for table in tables_of(target):
        columns = [
            each["name"]
            for each in inspect(target).get_columns(table)
            # The database numbers them, as it did then.
            if (table, each["name"]) != ("entry", "ordinal")
        ]
        named = ", ".join(f'"{each}"' for each in columns)
        order = "ordinal" if table == "entry" else named
        values = ", ".join(f":{each}" for each in columns)
        for row in source.execute(text(f"SELECT {named} FROM {table} ORDER BY {order}")).mappings():
            target.execute(text(f"INSERT INTO {table} ({named}) VALUES ({values})"), dict(row))


@pytest.fixture(params=OLDER)
def revision(request: pytest.FixtureRequest) -> str:
    """An older revision."""
    return str(request.param)


@pytest.fixture
def old(place: Place, revision: str) -> Iterator[Place]:
    """The home, with its rows in a database of an older revision."""
    url = f"sqlite:///{place.home / 'old.db'}" if place.server is None else place.server.empty()
    config = schema._config(io.StringIO())
    with engine_of(place.url) as now, engine_of(url) as then:
        with then.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        with now.connect() as source, then.begin() as target:
            fill(source, target)
    kept = place.url
    settle(place.home, url)
    yield place
    settle(place.home, kept)
    if place.server is not None:
        place.server.drop(url)


def stored(place: Place) -> Rows:
    with engine_of(place.url) as engine, engine.connect() as connection:
        return rows(connection)


def test_old_ledger_is_refused_until_it_is_upgraded_and_says_so(
    old: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["entries", "list", "--home", str(old.home)]) == 2
    assert "db upgrade" in capsys.readouterr().err
    with pytest.raises(SchemaMismatch, match="db upgrade"):
        check_database(load_settings(old.home))


def test_old_ledger_verifies_before_and_after_with_the_same_rows(old: Place, revision: str) -> None:
    assert old.exit() == 0
    before = stored(old)
    assert {table: len(each) for table, each in before.items() if not each} == {}
    done = upgrade_database(load_settings(old.home))
    assert (done.before, done.after, done.repaired) == (revision, REVISION, ())
    assert stored(old) == before | {"anchor": []}
    assert old.found() == []
    check_database(load_settings(old.home))
    assert upgrade_database(load_settings(old.home)).before == REVISION


def test_gate_goes_on_where_the_old_version_stopped(old: Place) -> None:
    upgrade_database(load_settings(old.home))
    before = stored(old)["entry"]

    def on_line(gate: ConsentGate) -> None:
        with ChimeServer() as server:
            client = gate.protect(server.client())
            wanted = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "vpd-1"}
            for transaction, who in (("tx-8", BEN), ("tx-9", ANNA)):
                gate.register_call(
                    transaction,
                    caller=[person(who)],
                    callee=NOBODY,
                    purpose="authentication",
                    recording_consent="all_parties",
                )
            client.start_speaker_search_task(TransactionId="tx-8", CallLeg="Caller", **wanted)
            # What was withdrawn under the old revision stays so.
            with pytest.raises(ConsentDenied) as denied:
                client.start_speaker_search_task(TransactionId="tx-9", CallLeg="Caller", **wanted)
            assert "CONSENT_WITHDRAWN" in [each.code for each in denied.value.reasons]
            assert gate.issuer(ISS).withdraw(person(BEN), method="ivr_dtmf").stops
            client.close()

    old.work(on_line)
    after = stored(old)["entry"]
    assert after[: len(before)] == before
    kinds = [row[3] for row in after[len(before) :]]
    assert kinds[:5] == ["call", "call", "intent", "outcome", "denial"]
    assert {"statement", "stop"} <= {*kinds}
    assert old.found() == []


@pytest.mark.parametrize("revision", ["0001"])
def test_first_revision_is_what_it_was(old: Place, revision: str) -> None:
    """Guards against a fixture that is newer than it says."""
    with engine_of(old.url) as engine, engine.connect() as connection:
        assert guards.revision_of(connection) == revision
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
        assert found == [revision]
        if make_url(old.url).get_backend_name() == "postgresql":
            functions = connection.execute(
                text("SELECT proname FROM pg_proc WHERE proname LIKE 'consentgate%'")
            )
            assert {*functions.scalars()} == {"consentgate_now", "consentgate_refuse_change"}
        assert "anchor" not in tables_of(connection)
