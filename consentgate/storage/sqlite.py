"""One SQLite connection of our own: out of the host's pool, with our settings, in explicit transactions.

Invariants:

- The connection comes from no pool of the host's: its settings never reach the host's work.
- WAL and ``synchronous=FULL`` are set and then read back: a commit that returned is on disk.
- Of those that write to one file in this process one has its transaction at a time, in the order of their coming.
- Transactions begin and end by our own statements only. The one that SQLAlchemy begins by itself on first use
  stays open for ever and means nothing, since the driver is in autocommit mode.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine

from consentgate.errors import ConsentGateError, SchemaMismatch, Unavailable
from consentgate.moment import Clock, to_millis
from consentgate.storage import forks
from consentgate.storage.failures import translate, translated
from consentgate.storage.fileturns import turns_of
from consentgate.storage.functions import CLOCK_FUNCTION
from consentgate.storage.neighbours import Neighbours
from consentgate.storage.patience import DEFAULT, Patience
from consentgate.storage.place import MOUNTS, refuse_memory, refuse_network
from consentgate.storage.turns import Turns

_FULL: Final = 2


class SqliteSession:
    """A connection and its transactions. Used by one thread at a time.

    Attributes:
        connection: what storage functions take.
        neighbours: who is to notice, before each write, that another connection wrote; None where nobody is.
    """

    def __init__(
        self, engine: Engine, *, clock: Clock | None, mounts: Path = MOUNTS, patience: Patience = DEFAULT
    ) -> None:
        """Open a connection.

        Args:
            engine: where to.
            clock: what ``consentgate_now()`` answers; without one the function is not there.
            mounts: the list of mounts.
            patience: how long a write waits for others in this process, and then for another process's lock.

        Raises:
            Misconfigured: the database lies where SQLite cannot keep evidence.
            SchemaMismatch: the database does not take our settings.
            Unavailable: it cannot be opened, or not in this process.
        """
        forks.opening(self)
        with translated():
            self.connection: Connection = engine.connect()
            self.connection.execution_options(isolation_level="AUTOCOMMIT")
            self._raw: Any = self.connection.connection.driver_connection
            self.connection.detach()
            self.connection.exec_driver_sql("SELECT 1")
        self.neighbours: Neighbours | None = None
        self._busy = patience.busy
        self._version: int | None = None
        self._turns: Turns
        self._turn: object | None = None
        self._driver_error: type[Exception] = self.connection.dialect.loaded_dbapi.Error
        try:
            self._settle(clock, mounts)
        except ConsentGateError:
            self.close()
            raise

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; SQLite ends it by itself after some failures."""
        return bool(self._raw.in_transaction)

    def begin_read(self) -> None:
        """Begin a transaction that sees one state of the database."""
        self._run("BEGIN")

    def begin_write(self) -> None:
        """Begin a transaction that holds the database's write lock from the start.

        Raises:
            Unavailable: somebody else held it for too long.
        """
        # Noted before it is taken: whoever is called away in between gives it back with `close`.
        self._turn = object()
        if not self._turns.take(self._turn, wait=self._busy):
            self._give_turn()
            raise Unavailable("The database is too busy: others in this process write to it without a pause.")
        try:
            self._begin_write()
        except ConsentGateError:
            self._give_turn()
            raise

    def commit(self) -> None:
        """Commit: durable on return.

        Raises:
            Unavailable: the commit failed, or whether it did is not known.
        """
        self._run("COMMIT")
        self._give_turn()

    def rollback(self) -> None:
        """End the transaction, if one is open, with nothing written."""
        if self.in_transaction:
            self._run("ROLLBACK")
        self._give_turn()

    def savepoint(self) -> None:
        """Remember this point of the transaction."""
        self._run("SAVEPOINT item")

    def release(self) -> None:
        """Keep what was written since the savepoint."""
        self._run("RELEASE item")

    def rollback_to_savepoint(self) -> None:
        """Drop what was written since the savepoint."""
        self._run("ROLLBACK TO item")
        self._run("RELEASE item")

    def read_only(self) -> None:
        """Let this connection never write."""
        self._run("PRAGMA query_only = ON")

    def close(self) -> None:
        """Close the connection; what is not committed is gone."""
        # The driver's connection first: SQLAlchemy only forgets one that is detached and invalidated, while a
        # plain close would end its own transaction and fail where the driver does.
        try:
            self._raw.close()
            forks.closed(self)
            self.connection.invalidate()
            self.connection.close()
        finally:
            self._give_turn()

    def _begin_write(self) -> None:
        if self.neighbours is not None and not self.neighbours.seen:
            version = int(self._run("PRAGMA data_version").fetchone()[0])
            self.neighbours.seen = self._version not in (None, version)
            self._version = version
        self._run("BEGIN IMMEDIATE")

    def _give_turn(self) -> None:
        if self._turn is not None:
            self._turns.give(self._turn)
            self._turn = None

    def _settle(self, clock: Clock | None, mounts: Path) -> None:
        self.rollback()
        path = next((row[2] for row in self._run("PRAGMA database_list") if row[1] == "main"), "")
        refuse_memory(path)
        refuse_network(path, mounts=mounts)
        if clock is not None:
            self._raw.create_function(CLOCK_FUNCTION, 0, lambda: to_millis(clock()))
        self._run(f"PRAGMA busy_timeout = {max(1, round(self._busy * 1000))}")
        self._run("PRAGMA synchronous = FULL")
        # On macOS only this reaches the disk; elsewhere it does nothing.
        self._run("PRAGMA fullfsync = ON")
        mode = self._run("PRAGMA journal_mode = WAL").fetchone()[0]
        level = self._run("PRAGMA synchronous").fetchone()[0]
        if mode != "wal" or level < _FULL:
            raise SchemaMismatch(
                f"SQLite runs here with journal_mode {mode} and synchronous {level}, not wal and {_FULL}."
                " Put the database file on a local disk that supports a write-ahead log; then run"
                " `consentgate db check`."
            )
        self._turns = turns_of(path)

    def _run(self, sql: str) -> Any:
        try:
            return self._raw.execute(sql)
        except self._driver_error as error:
            raise translate(error) from None
