"""A process's PostgreSQL: sessions that read, and the writers.

Invariant: however many threads there are, as many of them glance at once as sessions are kept open. A session that
many threads need for a moment would else be opened for each of them and closed again at once, and a new one costs
more than the question itself; and the server has only so many.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from consentgate.errors import ConsentGateError, Unavailable
from consentgate.moment import Clock
from consentgate.storage import deployment
from consentgate.storage.failures import translated
from consentgate.storage.participant import Participant
from consentgate.storage.patience import Patience
from consentgate.storage.postgres import PostgresSession
from consentgate.storage.postgres_writers import PostgresWriters
from consentgate.storage.turns import Turns

T = TypeVar("T")

_GLANCES: Final = 8
# The background threads read too.
_IDLE_READERS: Final = _GLANCES + 2


class PostgresStore:
    """Reads and writes on sessions of their own; safe to use from many threads."""

    def __init__(
        self,
        engine: Engine,
        participants: Sequence[Participant],
        *,
        clock: Clock,
        test_clock: bool,
        pooler: bool,
        committed: Callable[[], None],
        writers: int,
        patience: Patience,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            engine: of our own.
            participants: who follows; may grow.
            clock: the process's clock.
            test_clock: whether it is a test's: then the first write marks the database, whose clock follows it.
            pooler: whether a proxy that pools transactions is known to be in the way.
            committed: called in the writing thread after each commit.
            writers: how many writes run at once.
            patience: how long each thing may take.
        """
        self._engine = engine
        self._clock = clock if test_clock else None
        self._pooler = pooler
        self._patience = patience
        self._marked = not test_clock
        self._idle: deque[PostgresSession] = deque()
        self._glances = Turns(_GLANCES)
        self._wait = patience.turn
        self._closed = False
        self._writers = PostgresWriters(
            self._open_writer, participants, committed=committed, wait=patience.turn, count=writers
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one state of the database.

        Yields:
            A connection that sees one committed state and cannot write.
        """
        session = self._reader()
        try:
            session.begin_read()
            with translated():
                yield session.connection
        except BaseException as error:
            self._leave(session, error)
            raise
        self._leave(session)

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """Open the database for single statements.

        Yields:
            A connection of which each statement sees what is committed when it begins.

        Raises:
            Unavailable: the turn did not come in time.
        """
        who = object()
        try:
            if not self._glances.take(who, wait=self._wait):
                raise Unavailable("The database is too busy: a question did not get its turn in time.")
            session = self._reader()
            try:
                session.begin_glance()
                with translated():
                    yield session.connection
            except BaseException as error:
                self._leave(session, error)
                raise
            self._leave(session)
        finally:
            self._glances.give(who)

    def write(self, work: Callable[[Connection], T], *, single: bool) -> T:
        """Run work in a transaction; several may run at once, in lanes of their own.

        Args:
            work: what to do.
            single: whether it makes exactly one statement that writes, which is the transaction then.

        Returns:
            What the work returned; it is durable.
        """
        return self._writers.write(work, single=single)

    def write_each(self, work: Callable[[Connection], object]) -> None:
        """Run work once on each connection that has written.

        Args:
            work: what to do.
        """
        self._writers.write_each(work)

    def close(self) -> None:
        """Let running writes finish, then close every connection; what is being read closes its own."""
        self._closed = True
        self._writers.close()
        while self._idle:
            self._idle.pop().close()

    def _reader(self) -> PostgresSession:
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                return self._session(writes=False)
            if session.alive():
                return session
            session.close()

    def _leave(self, session: PostgresSession, error: BaseException | None = None) -> None:
        """End what was read, and keep the session where that went well."""
        try:
            if session.in_transaction and (error is None or isinstance(error, Exception)):
                # By COMMIT: after a ROLLBACK the driver forgets its prepared statements.
                session.commit()
        except ConsentGateError:
            session.close()
            if error is None:
                raise
            return
        if not self._closed and session.alive() and len(self._idle) < _IDLE_READERS:
            self._idle.append(session)
        else:
            session.close()

    def _session(self, *, writes: bool) -> PostgresSession:
        return PostgresSession(
            self._engine, clock=self._clock, writes=writes, pooler=self._pooler, patience=self._patience
        )

    def _open_writer(self) -> PostgresSession:
        session = self._session(writes=True)
        if not self._marked:
            try:
                session.begin_write()
                with translated():
                    deployment.mark_test_database(session.connection)
                session.commit()
            except ConsentGateError:
                session.close()
                raise
            self._marked = True
        return session
