"""The database: reads see one state of it, writes are durable when they return.

The transaction rule: `read` gives a connection that sees one committed state and cannot write; `write` runs
work in one transaction that is durable when it returns, or left no trace; nothing else begins or ends one.

Example:
    ``database.write(lambda connection: insert_fact(connection, "colour", "green"))``
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from consentgate.errors import ConsentGateError, Misconfigured, SchemaMismatch
from consentgate.moment import Clock
from consentgate.storage import deployment, guards
from consentgate.storage.failures import translated
from consentgate.storage.participant import Participant
from consentgate.storage.place import MOUNTS, refuse_lambda
from consentgate.storage.sqlite import SqliteSession, own_engine
from consentgate.storage.writer import Writer

T = TypeVar("T")

_IDLE_READERS: Final = 8

# Connections of a parent process. Closing them here would end the parent's locks and its write-ahead log; so
# they are kept from being collected.
_INHERITED: Final[list[object]] = []


class _Process:
    """What belongs to one process: its writer and its idle readers. A fork leaves them behind."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.idle: deque[SqliteSession] = deque()


class Database:
    """A SQLite database, used through connections of our own whatever the host's engine does.

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
        wait: float = 5.0,
    ) -> None:
        """Prepare; nothing is opened before the first read or write.

        Args:
            engine: of a SQLite file.
            clock: what ``consentgate_now()`` answers.
            tenant: a column of every key.
            test_clock: whether the clock is a test's: then the first write marks the database for ever.
            lambda_function: value of AWS_LAMBDA_FUNCTION_NAME, or None.
            mounts: the list of mounts, for telling network file systems.
            wait: seconds that a write waits for its turn.

        Raises:
            Misconfigured: the database is of a kind, or in a place, that cannot hold evidence.
        """
        if engine.dialect.name != "sqlite":
            raise Misconfigured(f"This version keeps its ledger in SQLite, not in {engine.dialect.name}.")
        refuse_lambda(lambda_function)
        self.tenant = tenant
        self.clock = clock
        self._engine = own_engine(engine)
        self._test_clock = test_clock
        self._mounts = mounts
        self._wait = wait
        self._participants: list[Participant] = []
        self._listeners: list[Callable[[], None]] = []
        self._processes: dict[int, _Process] = {}

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read in one state of the database.

        Yields:
            A connection that sees one committed state for as long as the block runs.

        Raises:
            SchemaMismatch: a table is missing.
            Unavailable: the database is out of reach.
        """
        process = self._current()
        session = self._reader(process)
        try:
            session.begin_read()
            with translated():
                yield session.connection
            session.rollback()
        except BaseException:
            session.close()
            raise
        if len(process.idle) < _IDLE_READERS:
            process.idle.append(session)
        else:
            session.close()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Write in one transaction.

        Args:
            work: what to do with the connection; it may be grouped with other threads' work, and must neither
                commit nor call `write`.

        Returns:
            What the work returned, once it is on disk.

        Raises:
            Unavailable: the turn did not come in time, or the database failed; nothing was written, or the
                message says that this is not known.
            ConsentGateError: what the work raised, with nothing written. Other errors of the work pass too.
        """
        return self._current().writer.submit(work)

    def join(self, participant: Participant) -> None:
        """Let something in memory follow what the database did.

        Args:
            participant: marked before and reset after each failed write, from now on.
        """
        self._participants.append(participant)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call something after each commit of this process.

        Args:
            listener: called in the writer's thread; it must return at once and raise nothing.
        """
        self._listeners.append(listener)

    def check(self) -> None:
        """Refuse a database that is not as the migrations made it.

        Raises:
            SchemaMismatch: revision, tables, triggers or settings are wrong; the text says what to run.
            Misconfigured: the database lies where it cannot hold evidence.
            Unavailable: it is out of reach.
        """
        with self.read() as connection:
            found = guards.problems(connection)
            if not found:
                deployment.now(connection)
        if found:
            raise SchemaMismatch("\n".join(found))
        if self._test_clock:
            self.write(lambda _: None)

    def close(self) -> None:
        """Finish pending writes and close every connection of ours; the engine stays the host's."""
        process = self._current()
        process.writer.close()
        while process.idle:
            process.idle.pop().close()

    def _current(self) -> _Process:
        process = self._processes.get(os.getpid())
        if process is None:
            _INHERITED.extend(self._processes.values())
            writer = Writer(self._open_writer, self._participants, committed=self._committed, wait=self._wait)
            # One step for the interpreter: of two threads that come here at once, both get the same.
            process = self._processes.setdefault(os.getpid(), _Process(writer))
        return process

    def _reader(self, process: _Process) -> SqliteSession:
        try:
            return process.idle.pop()
        except IndexError:
            session = SqliteSession(self._engine, clock=self.clock, mounts=self._mounts)
            session.read_only()
            return session

    def _open_writer(self) -> SqliteSession:
        session = SqliteSession(self._engine, clock=self.clock, mounts=self._mounts)
        try:
            if self._test_clock:
                _mark(session)
        except ConsentGateError:
            session.close()
            raise
        return session

    def _committed(self) -> None:
        for listener in self._listeners:
            listener()


def _mark(session: SqliteSession) -> None:
    session.begin_write()
    with translated():
        if not deployment.is_test_database(session.connection):
            deployment.insert_fact(session.connection, deployment.TEST_DATABASE, "yes")
    session.commit()
