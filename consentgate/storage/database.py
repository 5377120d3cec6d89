"""The database: reads see one state of it, writes are durable when they return.

The transaction rule: `read` gives a connection that sees one committed state and cannot write; `write` runs
work in one transaction that is durable when it returns, or left no trace; nothing else begins or ends one.

Example:
    ``database.write(lambda connection: insert_fact(connection, "colour", "green"))``
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from consentgate.errors import SchemaMismatch, Unavailable
from consentgate.moment import Clock
from consentgate.storage import deployment, guards, rowsecurity
from consentgate.storage.engines import own_engine, require_driver
from consentgate.storage.participant import Participant
from consentgate.storage.patience import DEFAULT, Patience
from consentgate.storage.place import MOUNTS, refuse_lambda
from consentgate.storage.sqlite_store import SqliteStore
from consentgate.storage.store import Store

T = TypeVar("T")
# Connections of a parent process. Closing them here would end the parent's locks, its write-ahead log and its
# sessions; so they are kept from being collected.
_INHERITED: Final[list[object]] = []


class Database:
    """A database, used through connections of our own whatever the host's engine does.

    Attributes:
        tenant: whose entries this object writes and asks for.
        clock: the process's clock, and the database's.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        tenant: str = "default",
        test_clock: bool = False,
        lambda_function: str | None = None,
        mounts: Path = MOUNTS,
        pooler: bool = False,
        writers: int = 8,
        patience: Patience = DEFAULT,
    ) -> None:
        """Prepare; nothing is opened before the first read or write.

        Args:
            engine: of a SQLite file, or of a PostgreSQL database by psycopg.
            clock: the process's clock; on SQLite what ``consentgate_now()`` answers.
            tenant: a column of every key.
            test_clock: whether the clock is a test's: then the first write marks the database for ever.
            lambda_function: value of AWS_LAMBDA_FUNCTION_NAME, or None.
            mounts: the list of mounts, for telling network file systems.
            pooler: whether a proxy that pools transactions is between here and PostgreSQL; where it is not said,
                it is detected.
            writers: how many writes of this process run at once on PostgreSQL, each on a connection of its own.
            patience: how long each thing may take.

        Raises:
            Misconfigured: the database is of a kind, or in a place, that cannot hold evidence.
        """
        require_driver(engine.url)
        if engine.dialect.name == "sqlite":
            refuse_lambda(lambda_function)
        self.tenant = tenant
        self.clock = clock
        self._engine = own_engine(engine, patience)
        self._test_clock = test_clock
        self._mounts = mounts
        self._pooler = pooler
        self._writers = writers
        self._patience = patience
        self._participants: list[Participant] = []
        self._listeners: list[Callable[[], None]] = []
        self._stores: dict[int, Store] = {}
        self._closed = False

    def read(self) -> AbstractContextManager[Connection]:
        """Read in one state of the database.

        Returns:
            A context with a connection that sees one committed state for as long as the block runs.

        Raises:
            SchemaMismatch: a table is missing.
            Unavailable: the database is out of reach.
        """
        return self._current().read()

    def glance(self) -> AbstractContextManager[Connection]:
        """Read by single statements, without a transaction around them where that saves something.

        Returns:
            A context with a connection of which each statement sees one committed state.

        Raises:
            SchemaMismatch: a table is missing.
            Unavailable: the database is out of reach.
        """
        return self._current().glance()

    def write(self, work: Callable[[Connection], T], *, single: bool = False) -> T:
        """Write in one transaction.

        Args:
            work: what to do with the connection; it may be grouped with other threads' work, or be done again
                when the database asks for it, and must neither commit nor call `write`.
            single: whether it makes exactly one statement that writes, and none before it. That statement is then
                its own transaction: one round trip on PostgreSQL.

        Returns:
            What the work returned, once it is on disk.

        Raises:
            Unavailable: the turn did not come in time, or the database failed; nothing was written, or the
                message says that this is not known.
            ConsentGateError: what the work raised, with nothing written. Other errors of the work pass too.
        """
        return self._current().write(work, single=single)

    def write_each(self, work: Callable[[Connection], object]) -> None:
        """Write once on each connection that has written: for the last words of lanes.

        Args:
            work: what to do, as for `write`.

        Raises:
            Unavailable: the database is out of reach.
        """
        self._current().write_each(work)

    def join(self, participant: Participant) -> None:
        """Let something in memory follow what the database did.

        Args:
            participant: marked before and reset after each failed write, from now on.
        """
        self._participants.append(participant)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call something after each commit of this process.

        Args:
            listener: called in the thread that wrote; it must return at once and raise nothing.
        """
        self._listeners.append(listener)

    def check(self, *, every_tenant: bool = False) -> None:
        """Refuse a database that is not as the migrations made it, or hides rows from us.

        Args:
            every_tenant: whether the rows of all tenants are needed, not those of our own only.

        Raises:
            SchemaMismatch: revision, tables, triggers or settings are wrong; the text says what to run.
            Misconfigured: the database lies where it cannot hold evidence, or its row security is for other logins.
            Unavailable: it is out of reach.
        """
        with self.read() as connection:
            found = guards.problems(connection)
            if not found:
                deployment.now(connection)
                rowsecurity.require(connection, None if every_tenant else self.tenant)
        if found:
            raise SchemaMismatch("\n".join(found))
        if self._test_clock:
            self.write(lambda _: None)

    def close(self) -> None:
        """Finish pending writes and close every connection of ours, for good; the engine stays the host's."""
        self._closed = True
        store = self._stores.get(os.getpid())
        if store is not None:
            store.close()

    def _current(self) -> Store:
        if self._closed:
            raise Unavailable("The database was closed.")
        store = self._stores.get(os.getpid())
        if store is None:
            _INHERITED.extend(self._stores.values())
            # One step for the interpreter: of two threads that come here at once, both get the same.
            store = self._stores.setdefault(os.getpid(), self._store())
        return store

    def _store(self) -> Store:
        if self._engine.dialect.name == "sqlite":
            return SqliteStore(
                self._engine,
                self._participants,
                clock=self.clock,
                test_clock=self._test_clock,
                mounts=self._mounts,
                committed=self._committed,
                patience=self._patience,
            )
        # Where the ledger is a file, none of this is loaded.
        from consentgate.storage.postgres_store import PostgresStore

        return PostgresStore(
            self._engine,
            self._participants,
            clock=self.clock,
            test_clock=self._test_clock,
            pooler=self._pooler,
            committed=self._committed,
            writers=self._writers,
            patience=self._patience,
        )

    def _committed(self) -> None:
        for listener in self._listeners:
            listener()
