"""The schema on a real PostgreSQL: the same migrations, the same guards."""

from collections.abc import Iterator
from time import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from consentgate.errors import SchemaMismatch
from consentgate.storage import deployment, entries, looking, schema, subjects
from consentgate.storage.failures import Duplicate, translate
from consentgate.storage.tables import INSERT_ONLY, REVISION, VERSION_TABLE, metadata
from tests.databases import Server, engine_of
from tests.functional.storage.place import entry_row

pytestmark = pytest.mark.postgres

TRIGGER_FUNCTION = (
    "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
)


@pytest.fixture(scope="module")
def engine(postgres: Server) -> Iterator[Engine]:
    with engine_of(postgres.empty()) as found:
        assert schema.upgrade(found) == schema.Upgrade(before=None, after=REVISION, repaired=())
        yield found


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as found:
        yield found


def test_sound_database_passes_and_upgrades_to_itself(engine: Engine) -> None:
    schema.check(engine)
    assert schema.upgrade(engine).repaired == ()


def test_metadata_equals_migrations(connection: Connection) -> None:
    context = MigrationContext.configure(
        connection, opts={"include_name": lambda name, kind, _: name != VERSION_TABLE or kind != "table"}
    )
    assert compare_metadata(context, metadata) == []


def test_rows_go_in_and_come_back(connection: Connection) -> None:
    row = entry_row("outcome", re=entry_row().id, end="succeeded")
    entries.insert_entry(connection, row)
    subjects.link(connection, "default", row.id, row.kind, [row.id])
    found = entries.by_id(connection, "default", row.id)
    assert found is not None
    assert found.leaf == row.leaf
    assert found.re == row.re
    assert [each.subjects for each in subjects.entries_of(connection, "default", [row.id], ["outcome"])] == [
        (row.id,)
    ]
    assert entries.counts_by_kind(connection, "default", ["packs"]) == {"packs": 0}
    (looked,) = looking.looked_at(connection, after=0, limit=10)
    assert (looked.entry, looked.leaf) == (row.id.bytes, row.leaf)
    assert looking.unsequenced(connection) == 1
    assert abs(deployment.now(connection) / 1000 - time()) < 60


def test_second_outcome_is_a_duplicate_by_name(connection: Connection) -> None:
    intent = entry_row().id
    entries.insert_entry(connection, entry_row("outcome", re=intent, end="succeeded"))
    with pytest.raises(Duplicate) as caught:
        entries.insert_entry(connection, entry_row("outcome", re=intent, end="rejected"))
    assert caught.value.key == "uq_entry_outcome"


@pytest.mark.parametrize("replica", [False, True])
@pytest.mark.parametrize("table", [table.name for table in INSERT_ONLY])
def test_insert_only_tables_take_no_change(connection: Connection, table: str, replica: bool) -> None:
    if replica:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    columns = list(metadata.tables[table].columns)
    values = {
        column.name: (bytes(8192) if column.name == "hashes" else bytes(16))
        if column.type.python_type is bytes
        else (0 if column.type.python_type is int else "text")
        for column in columns
    }
    values |= {name: bytes(32) for name in ("hash", "key", "digest", "manifest", "root") if name in values}
    connection.execute(metadata.tables[table].insert(), values)
    name = f'"{columns[-1].name}"'
    for attempt in (f"UPDATE {table} SET {name} = {name}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(DBAPIError, match="insert-only") as caught, connection.begin_nested():
            connection.execute(text(attempt))
        assert "insert-only" in str(translate(caught.value))
    assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 1


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("ALTER TABLE entry DISABLE TRIGGER consentgate_entry_row", "consentgate_entry_row"),
        ("ALTER TABLE seq ENABLE TRIGGER consentgate_seq_truncate", "consentgate_seq_truncate"),
        ("DROP TRIGGER consentgate_tile_row ON tile", "consentgate_tile_row"),
        (
            "CREATE OR REPLACE FUNCTION consentgate_now() RETURNS bigint LANGUAGE sql AS $$ SELECT 1::bigint $$",
            "consentgate_now",
        ),
        (TRIGGER_FUNCTION.format("consentgate_refuse_change"), "consentgate_refuse_change"),
    ],
)
def test_damage_is_refused_and_repaired(engine: Engine, damage: str, named: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(damage))
    with pytest.raises(SchemaMismatch, match=named):
        schema.check(engine)
    assert named in schema.upgrade(engine).repaired[0]
    schema.check(engine)


def test_foreign_trigger_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(TRIGGER_FUNCTION.format("nothing")))
        connection.execute(
            text("CREATE TRIGGER silent BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION nothing()")
        )
    with pytest.raises(SchemaMismatch, match="silent"):
        schema.check(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER silent ON entry"))
    schema.check(engine)
