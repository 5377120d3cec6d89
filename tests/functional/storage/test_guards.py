import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url

from consentgate.errors import InvalidInput, Misconfigured, SchemaMismatch, Unavailable
from consentgate.moment import system_clock
from consentgate.storage import deployment, schema, shape
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine, require_driver
from consentgate.storage.tables import (
    ACCEPTED_REVISIONS,
    DESTROYABLE,
    INSERT_ONLY,
    REVISION,
    VERSION_TABLE,
    metadata,
)
from consentgate.storage.triggers import sqlite_triggers
from tests.functional.storage.place import database_at, engine_at, entry_row, inserted

pytestmark = pytest.mark.sqlite_file  # its schema; PostgreSQL: tests/integration/test_schema.py

INDEXES = sorted(str(index.name) for table in metadata.tables.values() for index in table.indexes)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    engine = engine_at(tmp_path)
    schema.upgrade(engine)
    engine.dispose()
    return tmp_path / "ledger.db"


@pytest.fixture
def raw(file: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, isolation_level=None)
    yield connection
    connection.close()


def complaint(file: Path) -> str:
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch) as caught:
        schema.check(engine)
    database = Database(engine, clock=system_clock)
    with pytest.raises(SchemaMismatch) as again:
        database.check()
    database.close()
    engine.dispose()
    assert str(again.value) == str(caught.value)
    return str(caught.value)


def test_metadata_equals_migrations(file: Path) -> None:
    engine = engine_at(file.parent)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: name != VERSION_TABLE or kind != "table"}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_expected_shape_is_what_the_migrations_make(file: Path, raw: sqlite3.Connection) -> None:
    names = {*metadata.tables, VERSION_TABLE}
    rows = raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    made = {(kind, name): (table, sql) for kind, name, table, sql in rows if table in names}
    assert {key: (each.table, each.sql) for key, each in shape.expected().items()} == made


def test_head_of_the_migrations_is_the_accepted_revision() -> None:
    script = ScriptDirectory(str(schema.migrations_folder()))
    assert script.get_current_head() == REVISION == ACCEPTED_REVISIONS[0]


def test_every_table_is_insert_only_or_destroyable() -> None:
    assert {table.name for table in (*INSERT_ONLY, *DESTROYABLE)} == set(metadata.tables)
    assert all(not column.nullable for table in metadata.tables.values() for column in table.columns)


def test_sound_database_passes(file: Path) -> None:
    engine = engine_at(file.parent)
    schema.check(engine)
    database = Database(engine, clock=system_clock)
    database.check()
    database.close()
    engine.dispose()


def test_upgrade_twice_changes_nothing(file: Path) -> None:
    engine = engine_at(file.parent)
    assert schema.upgrade(engine) == schema.Upgrade(before=REVISION, after=REVISION, repaired=())
    engine.dispose()


def test_database_without_schema_is_refused(tmp_path: Path) -> None:
    assert "consentgate db upgrade" in complaint(tmp_path / "ledger.db")


def test_missing_table_is_a_schema_mismatch(tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    database = Database(engine, clock=system_clock)
    with pytest.raises(SchemaMismatch), database.read() as connection:
        deployment.facts(connection)
    with pytest.raises(SchemaMismatch):
        database.write(lambda c: deployment.insert_fact(c, "a", "b"))
    database.close()
    engine.dispose()


def test_other_revision_is_refused_and_not_touched(file: Path, raw: sqlite3.Connection) -> None:
    raw.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    assert "9999" in complaint(file)
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch, match="newer"):
        schema.upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize("name", sorted(sqlite_triggers()))
def test_dropped_trigger_is_refused_and_repaired(file: Path, raw: sqlite3.Connection, name: str) -> None:
    raw.execute(f"DROP TRIGGER {name}")
    assert f"{name} is missing" in complaint(file)
    engine = engine_at(file.parent)
    assert name in schema.upgrade(engine).repaired[0]
    schema.check(engine)
    engine.dispose()


def test_replaced_trigger_is_refused(file: Path, raw: sqlite3.Connection) -> None:
    raw.execute("DROP TRIGGER consentgate_entry_delete")
    raw.execute("CREATE TRIGGER consentgate_entry_delete BEFORE DELETE ON entry BEGIN SELECT 1; END")
    assert "consentgate_entry_delete is altered" in complaint(file)


@pytest.mark.parametrize("name", INDEXES)
def test_dropped_or_altered_index_is_refused_and_repaired(
    file: Path, raw: sqlite3.Connection, name: str
) -> None:
    for damage in ((), (f"CREATE INDEX {name} ON deployment (value)",)):
        raw.execute(f"DROP INDEX {name}")
        for sql in damage:
            raw.execute(sql)
        assert f"Index {name} is {'altered' if damage else 'missing'}" in complaint(file)
        engine = engine_at(file.parent)
        assert name in schema.upgrade(engine).repaired[0]
        schema.check(engine)
        engine.dispose()


def test_unique_index_that_rows_break_is_not_repaired(file: Path, raw: sqlite3.Connection) -> None:
    raw.execute("DROP INDEX uq_entry_outcome")
    raw.execute("DROP TRIGGER consentgate_entry_insert")
    for id_ in (b"a" * 16, b"b" * 16):
        raw.execute(
            'INSERT INTO entry (id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
            " VALUES (?, 't', 'outcome', 0, 0, ?, 0, zeroblob(16), '', x'', zeroblob(32), '')",
            (id_, id_),
        )
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch, match="consentgate verify"):
        schema.upgrade(engine)
    engine.dispose()
    assert "consentgate_entry_insert is missing" in complaint(file)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (("DROP TABLE artifact",), "Table artifact is missing: find out who changed it, and restore"),
        (
            (
                "DROP TABLE entry_subject",
                "CREATE TABLE entry_subject (tenant TEXT, entry BLOB, subject BLOB, kind TEXT)",
                "CREATE INDEX ix_entry_subject_subject ON entry_subject (tenant, subject, kind, entry)",
            ),
            "Table entry_subject is altered",
        ),
        (("ALTER TABLE subject_ref DROP COLUMN suppression",), "Table subject_ref is altered"),
        (("ALTER TABLE notice ADD COLUMN more TEXT",), "Table notice is altered"),
        (
            (
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'length(w) = 16', 'length(w) > 1')",
            ),
            "Table entry is altered",
        ),
    ],
)
def test_changed_tables_are_refused_and_left_to_the_operator(
    file: Path, raw: sqlite3.Connection, damage: tuple[str, ...], named: str
) -> None:
    for sql in damage:
        raw.execute(sql)
    assert complaint(file).startswith(named)
    assert "\n" not in complaint(file)
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch, match=named.partition(":")[0]):
        schema.upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize(
    "foreign",
    [
        "CREATE TRIGGER silent AFTER INSERT ON ENTRY_SUBJECT BEGIN DELETE FROM entry_subject; END",
        "CREATE TRIGGER silent AFTER UPDATE ON Consentgate_Alembic_Version BEGIN SELECT 1; END",
        "CREATE TRIGGER silent BEFORE INSERT ON entry BEGIN SELECT RAISE(IGNORE); END",
        "CREATE UNIQUE INDEX silent ON Seq (hash)",
    ],
)
def test_what_is_not_ours_is_refused_and_left_to_the_operator(
    file: Path, raw: sqlite3.Connection, foreign: str
) -> None:
    raw.execute(foreign)
    assert "silent on table" in complaint(file)
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch, match="not ours: find out what it does and drop it"):
        schema.upgrade(engine)
    engine.dispose()


def test_tables_of_a_host_do_not_disturb(file: Path, raw: sqlite3.Connection) -> None:
    for sql in (
        "CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        "CREATE INDEX ix_entries ON entries (name)",
        "CREATE TRIGGER on_entries AFTER INSERT ON entries BEGIN SELECT 1; END",
        "CREATE VIEW people AS SELECT * FROM entry_subject",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "ANALYZE",
    ):
        raw.execute(sql)
    engine = engine_at(file.parent)
    schema.check(engine)
    assert schema.upgrade(engine).repaired == ()
    engine.dispose()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (f"INSERT INTO {VERSION_TABLE} VALUES ('9999')", f"{REVISION}, 9999"),
        (f"DELETE FROM {VERSION_TABLE}", "none"),
    ],
)
def test_version_table_names_one_revision(file: Path, raw: sqlite3.Connection, sql: str, said: str) -> None:
    raw.execute(sql)
    assert f"names {said}: find out who changed it, and restore a backup" in complaint(file)
    engine = engine_at(file.parent)
    with pytest.raises(SchemaMismatch, match="must name one revision"):
        schema.upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize("table", [table.name for table in INSERT_ONLY])
def test_insert_only_tables_take_no_change(file: Path, raw: sqlite3.Connection, table: str) -> None:
    columns = [column.name for column in metadata.tables[table].columns]
    sample: dict[str, object] = {"leaf": b"l", "about": 0, "n": 0, "idx": 0, "hashes": bytes(8192)}
    values = [
        sample.get(name, 0 if metadata.tables[table].columns[name].type.python_type is int else None)
        for name in columns
    ]
    sixteen = {"id", "w", "entry"}
    blobs = [
        (bytes(16) if name in sixteen else bytes(32))
        if value is None and metadata.tables[table].columns[name].type.python_type is bytes
        else ("text" if value is None else value)
        for name, value in zip(columns, values, strict=True)
    ]
    marks = ", ".join("?" for _ in columns)
    quoted = ", ".join(f'"{name}"' for name in columns)
    insert = f"INTO {table} ({quoted}) VALUES ({marks})"
    raw.execute(f"INSERT {insert}", blobs)
    for attempt in (
        f"DELETE FROM {table}",
        f'UPDATE {table} SET "{columns[-1]}" = "{columns[-1]}"',
        f'UPDATE OR REPLACE {table} SET "{columns[0]}" = "{columns[0]}"',
    ):
        with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
            raw.execute(attempt)
    for attempt in (
        f"INSERT OR REPLACE {insert}",
        f"REPLACE {insert}",
        f"INSERT OR IGNORE {insert}",
        f'INSERT {insert} ON CONFLICT DO UPDATE SET "{columns[-1]}" = "{columns[-1]}"',
    ):
        with pytest.raises(sqlite3.IntegrityError, match="consentgate: key"):
            raw.execute(attempt, blobs)
    assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)


@pytest.mark.parametrize("table", sorted({table.name for table in INSERT_ONLY} - {"entry"}))
@pytest.mark.parametrize("rowid", ["rowid", "oid", "_rowid_"])
def test_no_hidden_key_lets_a_row_be_replaced(raw: sqlite3.Connection, table: str, rowid: str) -> None:
    columns = ", ".join(f'"{column.name}"' for column in metadata.tables[table].columns)
    with pytest.raises(sqlite3.OperationalError, match=r"rowid|oid"):
        raw.execute(f"INSERT OR REPLACE INTO {table} ({rowid}, {columns}) SELECT 1, * FROM {table}")


def test_replacing_by_any_key_of_an_entry_is_refused(tmp_path: Path) -> None:
    first = entry_row("outcome", re=entry_row().id, end="succeeded")
    with database_at(tmp_path) as database:
        inserted(database, first)
    raw = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    fresh = {"id": bytes(16), "w": b"w" * 16, "n": 7, "re": b"", "kind": "call", "ordinal": 99}
    for same in (
        {"ordinal": 1},
        {"rowid": 1},
        {"id": first.id.bytes},
        {"w": first.w, "n": 0},
        {"re": first.re, "kind": "outcome"},
    ):
        row = {**fresh, **{k: v.bytes if hasattr(v, "bytes") else v for k, v in same.items()}}
        ordinal = "rowid" if "rowid" in same else "ordinal"
        row["ordinal"] = row.get("rowid", row["ordinal"])
        with pytest.raises(sqlite3.IntegrityError, match="consentgate: key"):
            raw.execute(
                f"INSERT OR REPLACE INTO entry ({ordinal},"
                ' id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts)'
                " VALUES (:ordinal, :id, 'default', :kind, 0, 0, :w, :n, :re, '', x'', zeroblob(32), '')",
                row,
            )
    assert raw.execute("SELECT count(*) FROM entry").fetchone() == (1,)
    raw.close()


def test_destroyable_rows_can_be_deleted(raw: sqlite3.Connection) -> None:
    raw.execute("INSERT INTO data_key VALUES ('t', zeroblob(16), 'k', x'00')")
    assert raw.execute("DELETE FROM data_key").rowcount == 1


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_database_in_memory_is_refused(url: str) -> None:
    database = Database(create_engine(url), clock=system_clock)
    with pytest.raises(Misconfigured, match="memory"), database.read():
        pass
    with pytest.raises(Misconfigured, match="memory"):
        schema.upgrade(create_engine(url))
    database.close()


def test_lambda_and_other_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Lambda"):
        Database(engine_at(tmp_path), clock=system_clock, lambda_function="search")
    with pytest.raises(Misconfigured, match="mysql"):
        open_engine("mysql://nobody@localhost/none")
    with pytest.raises(Misconfigured, match=r"asyncpg: use postgresql\+psycopg"):
        require_driver(make_url("postgresql+asyncpg://nobody@localhost/none"))


@pytest.mark.parametrize(("system", "refused"), [("nfs4", True), ("cifs", True), ("ext4", False)])
def test_network_file_system_is_refused(tmp_path: Path, file: Path, system: str, refused: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"root / ext4 rw 0 0\nnas:/x {tmp_path} {system} rw 0 0\nother /other nfs rw 0 0\nodd\n"
    )
    engine = engine_at(tmp_path)
    database = Database(engine, clock=system_clock, mounts=mounts)
    if refused:
        with pytest.raises(Misconfigured, match=system), database.read():
            pass
    else:
        database.check()
    database.close()
    engine.dispose()


def test_unreadable_list_of_mounts_refuses_nothing(tmp_path: Path, file: Path) -> None:
    engine = engine_at(tmp_path)
    database = Database(engine, clock=system_clock, mounts=tmp_path / "none")
    database.check()
    database.close()
    engine.dispose()


def test_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    engine = engine_at(tmp_path / "none")
    database = Database(engine, clock=system_clock)
    with pytest.raises(Unavailable, match="cannot be opened"), database.read():
        pass
    with pytest.raises(Unavailable, match=r"^The database refused: .* cannot be opened"):
        database.write(lambda _: None)
    database.close()


def test_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else entirely" * 100)
    engine = engine_at(tmp_path)
    database = Database(engine, clock=system_clock)
    with pytest.raises(Unavailable, match="not a database"), database.read():
        pass
    database.close()
    engine.dispose()


def test_test_clock_marks_the_database_for_ever(tmp_path: Path, file: Path) -> None:
    engine = engine_at(tmp_path)
    for _ in range(2):
        database = Database(engine, clock=system_clock, test_clock=True)
        database.check()
        database.close()
    database = Database(engine, clock=system_clock)
    with database.read() as connection:
        assert deployment.is_test_database(connection)
    database.close()
    engine.dispose()


def test_schema_is_rendered_for_both_databases() -> None:
    rendered = ""
    for dialect in ("sqlite", "postgresql"):
        rendered = schema.sql(dialect)
        for table in metadata.tables:
            assert f"CREATE TABLE {table} " in rendered
        assert f"INSERT INTO {VERSION_TABLE}" in rendered
    assert "ENABLE ALWAYS TRIGGER consentgate_entry_truncate" in rendered
    with pytest.raises(InvalidInput):
        schema.sql("oracle")


def test_sql_rendered_for_sqlite_makes_a_database_that_passes(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "ledger.db")
    raw.executescript(schema.sql("sqlite"))
    raw.close()
    engine = engine_at(tmp_path)
    schema.check(engine)
    engine.dispose()


def test_nothing_is_missing_from_what_is_checked(file: Path, raw: sqlite3.Connection) -> None:
    stored = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    assert stored == set(sqlite_triggers())
    assert len(stored) == 3 * len(INSERT_ONLY)
