"""The roles of the command on a real server: each does its whole job, and nothing else."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import make_url

from consentgate import ConsentGate
from consentgate.config.settings import Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from consentgate.errors import ConsentGateError, InvalidInput, Misconfigured, SchemaMismatch, Unavailable
from consentgate.moment import system_clock
from consentgate.storage import guards, roles, schema
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY, VERSION_TABLE, metadata
from consentgate.testing.chime import ChimeServer
from examples import quickstart
from tests.acceptance.deployment import Program
from tests.databases import Server, driver_url, engine_of, raw

pytestmark = pytest.mark.postgres

NUMBERS = itertools.count()
TABLES = sorted(metadata.tables)
OF_LEDGER = ("deployment", "entry", "statement", "artifact", "notice")
OF_LOG = [table.name for table in INSERT_ONLY if table.name not in OF_LEDGER]


@dataclass(frozen=True)
class Granted:
    """A deployment whose roles were made, with a login for each."""

    settings: Settings
    prefix: str

    def url(self, login: str) -> str:
        """Give the URL of a login that is a member of the role of that name, and of nothing else."""
        made = make_url(self.settings.database).set(username=f"{self.prefix}_login_{login}")
        return made.render_as_string(hide_password=False)

    def by(self, login: str, tenant: str = "default") -> Settings:
        """Give the settings of a process that has that login."""
        return replace(self.settings, database=self.url(login), tenant=tenant)

    def login(self, role: str, *more: str) -> str:
        """Make a login."""
        with raw(self.settings.database) as admin:
            name = f"{self.prefix}_login_{role}"
            admin.execute(f'CREATE ROLE "{name}" LOGIN')
            for each in (role, *more):
                admin.execute(f'GRANT "{self.prefix}_{each}" TO "{name}"')
        return role

    @contextmanager
    def connected(self, login: str) -> Iterator[Any]:
        """Connect as a login."""
        with psycopg.connect(driver_url(self.url(login)), autocommit=True) as connection:
            yield connection


@contextmanager
def deployment(postgres: Server, folder: Path) -> Iterator[Granted]:
    """A deployment on an empty database, and no role of it afterwards."""
    url, prefix = postgres.empty(), f"r{next(NUMBERS)}"
    made = make_home(folder / "home", controller="acme", database=url, purposes={"search": "authentication"})
    try:
        yield Granted(made.settings, prefix)
    finally:
        postgres.drop(url)
        with psycopg.connect(driver_url(postgres.url), autocommit=True) as admin:
            names = admin.execute(
                "SELECT rolname FROM pg_roles WHERE rolname ~ %s", (f"^{prefix}_",)
            ).fetchall()
            for (name,) in names:
                admin.execute(f'DROP ROLE "{name}"'.encode())


def grant(granted: Granted, **how: Any) -> None:
    with engine_of(granted.settings.database) as engine:
        roles.apply(engine, roles.statements(granted.prefix, **how))
        schema.check(engine)


@pytest.fixture(scope="module")
def chime_server() -> Iterator[ChimeServer]:
    with ChimeServer() as running:
        yield running


def search(settings: Settings, chime: ChimeServer, transaction: str = "tx-1") -> str:
    with ConsentGate(settings, background=False) as gate:
        client = gate.protect(chime.client())
        try:
            return quickstart.answer(gate, quickstart.set_up(gate), client, transaction, pressed="1")
        finally:
            client.close()


@pytest.fixture(scope="module")
def granted(
    postgres: Server, chime_server: ChimeServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Granted]:
    """With one search by the writer's login, sequenced and signed by the sequencer's."""
    with deployment(postgres, tmp_path_factory.mktemp("granted")) as made:
        grant(made)
        grant(made)
        for name in roles.ROLES:
            made.login(name)
        assert search(made.by("writer"), chime_server).startswith("wait for task ")
        assert keep_log(made.by("sequencer")) is None
        yield made


def test_reader_verifies_lists_explains_and_diagnoses(
    granted: Granted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Program(granted.settings.home, capsys)
    monkeypatch.setenv("CONSENTGATE_DATABASE", granted.url("reader"))
    assert load_settings(granted.settings.home).database == granted.url("reader")
    levels = program.json("verify")["result"]["levels"]
    assert {level["verdict"] for level in levels} == {"holds"}
    items = program.json("entries", "list")["result"]["items"]
    [intent] = [each["id"] for each in items if each["kind"] == "intent"]
    for command in (
        ("entries", "show", intent),
        ("policy", "explain", "--call", "tx-1"),
        ("log", "show"),
        ("db", "check"),
    ):
        assert program(*command).exit == 0, command
    assert program("log", "prove", intent, "--out", granted.settings.home / "receipt").exit == 0
    assert program("doctor").exit in (0, 1)
    assert "right" not in program("doctor").out


def test_owner_upgrades_and_repairs(granted: Granted) -> None:
    with raw(granted.settings.database) as admin:
        admin.execute("ALTER TABLE entry DISABLE TRIGGER consentgate_entry_row")
        admin.execute("DROP FUNCTION consentgate_version")
    with engine_of(granted.url("owner")) as engine:
        assert len(schema.upgrade(engine).repaired) == 2
        roles.apply(engine, roles.statements(granted.prefix)[len(roles.ROLES) + 2 :])
        schema.check(engine)


def test_shredder_destroys_the_three_tables_rows(granted: Granted) -> None:
    with granted.connected("shredder") as connection:
        connection.execute("BEGIN")
        for table in DESTROYABLE:
            assert connection.execute(f"DELETE FROM {table.name}").rowcount > 0
        connection.execute("SELECT consentgate_lock('{}', '{1}')")
        connection.execute("ROLLBACK")


def attempts() -> Iterator[tuple[str, str]]:
    """Everything that a role must not be able to do, by role."""
    for role in roles.ROLES[1:]:
        for table in (*TABLES, VERSION_TABLE):
            yield role, f"UPDATE {table} SET {column_of(table)} = {column_of(table)}"
            yield role, f"TRUNCATE {table}"
            yield role, f"ALTER TABLE {table} DISABLE TRIGGER USER"
            yield role, f"ALTER TABLE {table} ADD COLUMN more int"
            yield role, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
            yield role, f"DROP TABLE {table}"
            yield role, f"CREATE RULE hide AS ON INSERT TO {table} DO INSTEAD NOTHING"
            yield (
                role,
                f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION consentgate_refuse_change()",
            )
            yield role, f"CREATE INDEX ON {table} ({column_of(table)})"
            if role != "shredder" or table not in {each.name for each in DESTROYABLE}:
                yield role, f"DELETE FROM {table}"
        yield role, "SET session_replication_role = replica"
        yield role, "SELECT setval('entry_ordinal_seq', 1)"
        yield role, "CREATE OR REPLACE FUNCTION consentgate_now() RETURNS bigint LANGUAGE sql AS 'SELECT 1'"
        yield role, "DROP FUNCTION consentgate_refuse_change"
        yield role, "CREATE ROLE another"
    for role, tables in (
        ("writer", ["deployment", *OF_LOG, VERSION_TABLE]),
        ("sequencer", [*sorted(set(TABLES) - set(OF_LOG)), VERSION_TABLE]),
        ("reader", [*TABLES, VERSION_TABLE]),
        ("shredder", [*TABLES, VERSION_TABLE]),
    ):
        yield from ((role, f"INSERT INTO {table} SELECT * FROM {table}") for table in tables)
    yield "writer", "INSERT INTO entry (ordinal) VALUES (1)"
    hidden = [each.name for each in DESTROYABLE] + ["statement", "artifact", "notice"]
    yield from (("sequencer", f"SELECT FROM {table}") for table in hidden)
    yield "sequencer", "SELECT parts FROM entry"
    yield from (
        ("shredder", f"SELECT FROM {name}") for name in ("entry", "statement", "artifact", "seq", "tile")
    )
    for role in ("sequencer", "reader", "shredder"):
        yield role, "SELECT consentgate_append(" + "NULL, " * 19 + "NULL)"
    yield "reader", "SELECT nextval('entry_ordinal_seq')"


def column_of(table: str) -> str:
    return (
        f'"{next(iter(metadata.tables[table].columns)).name}"' if table in metadata.tables else "version_num"
    )


def lacks_right(connection: Any, sql: str) -> bool:
    """Try something, undo it, and say whether it was for want of a right that it failed."""
    connection.execute("BEGIN")
    try:
        connection.execute(sql.encode())
    except InsufficientPrivilege:
        return True
    finally:
        connection.execute("ROLLBACK")
    return False


@pytest.mark.parametrize("role", roles.ROLES[1:])
def test_role_can_do_nothing_else(granted: Granted, role: str) -> None:
    with granted.connected(role) as connection:
        for sql in [sql for whose, sql in attempts() if whose == role]:
            assert lacks_right(connection, sql), sql


def test_who_is_in_no_role_can_do_nothing(granted: Granted) -> None:
    with raw(granted.settings.database) as admin:
        admin.execute(f"CREATE ROLE {granted.prefix}_login_nobody LOGIN")
    with granted.connected("nobody") as connection:
        for sql in (
            "SELECT FROM entry",
            "SELECT consentgate_now()",
            "SELECT FROM consentgate_alembic_version",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(sql.encode())
    with pytest.raises(ConsentGateError, match="right"):
        ConsentGate(granted.by("nobody"), background=False)


def test_writer_that_sequences_is_told_that_it_lacks_a_right(granted: Granted) -> None:
    with ConsentGate(granted.by("writer"), background=False) as gate:
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=system_clock())
    assert "lacks a right" in str(keep_log(granted.by("writer")))
    assert keep_log(granted.by("sequencer")) is None


def test_every_table_and_function_is_thought_of() -> None:
    made = roles.statements()
    for table in TABLES:
        assert [sql for sql in made if sql.startswith("GRANT SELECT") and table in sql], table
        assert f"ALTER TABLE {table} OWNER TO consentgate_owner" in made
    assert roles.names("a", ["t"]) == (
        *(f"a_{each}" for each in roles.ROLES),
        "a_shredder_t",
        "a_writer_t",
    )


@pytest.mark.parametrize("prefix", ["", "A", "1a", "a-b", "a b", "a" * 17, "a'", 'a"'])
def test_prefix_that_cannot_be_in_a_name_is_refused(prefix: str) -> None:
    with pytest.raises(InvalidInput, match="prefix"):
        roles.statements(prefix)


@pytest.mark.parametrize("tenant", ["", "a b", "ä", "a'", "x" * 33, "a\n"])
def test_tenant_that_cannot_be_in_a_name_is_refused(tenant: str) -> None:
    with pytest.raises(InvalidInput, match="tenant"):
        roles.statements(row_security=True, tenants=[tenant])


@pytest.mark.parametrize("how", [{"row_security": True}, {"tenants": ["a"]}])
def test_row_security_goes_with_tenants(how: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="--tenant"):
        roles.statements(**how)


def test_login_that_may_not_grant_changes_nothing(granted: Granted) -> None:
    with engine_of(granted.url("reader")) as engine, pytest.raises(Unavailable, match="right"):
        roles.apply(engine, roles.statements(f"{granted.prefix}x"))


@pytest.fixture(scope="module")
def walled(
    postgres: Server, chime_server: ChimeServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Granted]:
    """Two tenants with row security, one search of each."""
    with deployment(postgres, tmp_path_factory.mktemp("walled")) as made:
        grant(made, row_security=True, tenants=["a"])
        grant(made, row_security=True, tenants=["b.2"])
        for name in (*roles.ROLES, "writer_a", "writer_b.2", "shredder_a"):
            made.login(name)
        for tenant in ("a", "b.2"):
            done = search(made.by(f"writer_{tenant}", tenant), chime_server, f"tx-{tenant}")
            assert done.startswith("wait for task ")
        assert keep_log(made.by("sequencer")) is None
        yield made


WITH_TENANT = sorted(name for name, table in metadata.tables.items() if "tenant" in table.columns)


@pytest.mark.parametrize(
    ("login", "seen"),
    [
        ("writer_a", {"a"}),
        ("writer_b.2", {"b.2"}),
        ("writer", set()),
        ("reader", {"a", "b.2"}),
        ("owner", {"a", "b.2"}),
    ],
)
def test_login_sees_the_rows_of_its_tenants_only(walled: Granted, login: str, seen: set[str]) -> None:
    with walled.connected(login) as connection:
        for setting in ("consentgate.tenant", "app.tenant"):
            connection.execute(f"SET {setting} = 'b.2'".encode())
        for table in WITH_TENANT:
            found = connection.execute(f"SELECT DISTINCT tenant FROM {table}".encode()).fetchall()
            assert {row[0] for row in found} == seen, table


def test_writer_of_a_tenant_writes_no_row_of_another(walled: Granted) -> None:
    with walled.connected("writer_a") as connection:
        for table in ("statement", "artifact", "notice", "data_key", "subject_ref", "entry_subject"):
            names = [column.name for column in metadata.tables[table].columns]
            values = ", ".join("'b.2'" if name == "tenant" else f'"{name}"' for name in names)
            with pytest.raises(InsufficientPrivilege, match="row-level security"):
                connection.execute(f"INSERT INTO {table} SELECT {values} FROM {table}".encode())
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            connection.execute(
                "SELECT code FROM consentgate_append('{}','{}','{}','{}','{}','{}','','b.2',%s,'k',"
                "consentgate_now(),0::smallint,%s,0,'','','',%s,'','{}')",
                (bytes(16), bytes(16), bytes(32)),
            )
        for escape in (f'SET ROLE "{walled.prefix}_writer_b.2"', f"SET ROLE {walled.prefix}_reader"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(escape.encode())
        connection.execute("SET row_security = off")
        assert lacks_right(connection, "SELECT FROM entry")


def test_shredder_of_a_tenant_destroys_no_row_of_another(walled: Granted) -> None:
    with walled.connected("shredder_a") as connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM data_key")
        connection.execute("ROLLBACK")
        left = connection.execute("DELETE FROM data_key WHERE tenant <> 'a'").rowcount
    assert left == 0


def test_gate_of_another_tenant_does_not_open(walled: Granted) -> None:
    for login, tenant in (("writer_a", "b.2"), ("writer", "a"), ("writer_a", "default")):
        with pytest.raises(Misconfigured, match=f"consentgate_writer_{tenant}"):
            ConsentGate(walled.by(login, tenant), background=False)


def test_who_sees_one_tenant_neither_sequences_nor_verifies(
    walled: Granted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "hides" in str(keep_log(walled.by("writer_a", "a")))
    program = Program(walled.settings.home, capsys)
    monkeypatch.setenv("CONSENTGATE_DATABASE", walled.url("writer_a"))
    assert program("verify").exit == 2
    assert "consentgate_reader" in program("verify").err
    monkeypatch.setenv("CONSENTGATE_DATABASE", walled.url("reader"))
    levels = program.json("verify")["result"]["levels"]
    assert {level["verdict"] for level in levels} == {"holds"}


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE entry NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE seq DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tile ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY more ON entry USING (false)",
        "CREATE POLICY more ON entry AS RESTRICTIVE USING (kind <> 'stop')",
        "CREATE POLICY more ON checkpoint USING (true)",
        "ALTER POLICY consentgate_all ON entry USING (kind <> 'stop')",
        "ALTER POLICY consentgate_all ON data_key WITH CHECK (false)",
        "ALTER POLICY consentgate_all ON entry TO PUBLIC",
        "ALTER POLICY consentgate_tenant_a ON notice TO PUBLIC",
        "ALTER POLICY consentgate_tenant_a ON entry_subject USING (tenant = 'b.2')",
        "ALTER POLICY consentgate_tenant_a ON entry RENAME TO consentgate_tenant_c",
        "DROP POLICY consentgate_all ON entry",
        "DROP POLICY consentgate_tenant_a ON artifact",
    ],
)
def test_any_other_row_security_is_refused(walled: Granted, damage: str) -> None:
    with engine_of(walled.settings.database) as engine, engine.connect() as connection:
        connection.exec_driver_sql(damage)
        assert found(connection)
        connection.rollback()
        assert found(connection) == []


def found(connection: Any) -> list[str]:
    problems = guards.problems(connection)
    assert all("Row security of table" in each for each in problems)
    return list(problems)


def test_row_security_that_the_command_did_not_make_is_refused(postgres: Server) -> None:
    url = postgres.database()
    with raw(url) as admin:
        admin.execute("ALTER TABLE entry ENABLE ROW LEVEL SECURITY")
    with engine_of(url) as engine, pytest.raises(SchemaMismatch, match="Row security of table entry"):
        schema.check(engine)
    postgres.drop(url)
