"""A database opened for verification: read, and in no way changed.

`Database` sets a file up for writing, which is a write itself, and refuses places where SQLite cannot keep
evidence. A verifier looks at copies too: on read-only media, on a network, in another journal mode.

Invariants: the connection cannot write (``mode=ro``), and no setting of the file is touched; beside a file in
write-ahead mode SQLite may lay an empty log, as for any reader. All reads see one state; text that is no UTF-8
comes through, with its odd bytes as lone surrogates, and hides nothing else.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from consentgate.errors import Misconfigured, Unavailable
from consentgate.storage import rowsecurity
from consentgate.storage.engines import open_engine, own_engine
from consentgate.storage.failures import LOCKED, translated
from consentgate.storage.patience import DEFAULT, Patience


@contextmanager
def read_only(database: str, patience: Patience = DEFAULT) -> Iterator[Connection]:
    """Open a database to verify it.

    Args:
        database: its SQLAlchemy URL; of PostgreSQL a standby or a restored copy will do.
        patience: how long each thing may take.

    Yields:
        A connection that sees one committed state for as long as the block runs.

    Raises:
        Misconfigured: it lives in memory, is of another kind, or hides rows from this login.
        Unavailable: it is out of reach, or no database.
    """
    url = make_url(database)
    if url.get_backend_name() != "sqlite":
        with _snapshot(database, patience) as connection:
            yield connection
        return
    if not url.database:
        raise Misconfigured("The database lives in memory: there is nothing to verify.")
    connection = _begun(Path(url.database), patience)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _snapshot(database: str, patience: Patience) -> Iterator[Connection]:
    # Where the ledger is a file, none of this is loaded.
    from consentgate.storage.postgres import PostgresSession

    engine = own_engine(open_engine(database, patience), patience)
    session = PostgresSession(engine, writes=False, standby=True, patience=patience)
    try:
        _take_any_text(session.connection.connection.dbapi_connection)
        session.begin_read()
        with translated():
            # The state that all reads see is the one of the first.
            session.connection.exec_driver_sql("SELECT 1").all()
        rowsecurity.require(session.connection, None)
        yield session.connection
    finally:
        session.close()


def _take_any_text(raw: Any) -> None:
    from psycopg.adapt import Buffer, Loader

    class AnyText(Loader):
        def load(self, data: Buffer) -> str:
            return _text(bytes(data))

    raw.adapters.register_loader("text", AnyText)


def _begun(path: Path, patience: Patience) -> Connection:
    try:
        return _opened(path, "mode=ro", patience)
    except Unavailable as error:
        # A write-ahead log needs a shared file beside it, which a read-only folder does not take. Where the
        # log is empty nobody writes, and the file alone is the whole state.
        log = path.with_name(f"{path.name}-wal")
        if LOCKED in str(error) or (log.exists() and log.stat().st_size):
            raise
        return _opened(path, "mode=ro&immutable=1", patience)


def _opened(path: Path, how: str, patience: Patience) -> Connection:
    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, isolation_level=None)
        raw.text_factory = _text
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    with translated():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {max(1, round(patience.busy * 1000))}")
            connection.exec_driver_sql("BEGIN")
            # The state that all reads see is the one of the first.
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
        except BaseException:
            connection.close()
            raise
    return connection


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
