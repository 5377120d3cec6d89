"""A process's SQLite: the turns of those who write, and the idle readers."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from consentgate.errors import ConsentGateError
from consentgate.moment import Clock
from consentgate.storage import deployment, forks
from consentgate.storage.failures import translated
from consentgate.storage.neighbours import Neighbours, is_sound
from consentgate.storage.participant import Participant
from consentgate.storage.patience import Patience
from consentgate.storage.sqlite import SqliteSession
from consentgate.storage.writer import Writer

T = TypeVar("T")

_IDLE_READERS: Final = 8


class SqliteStore:
    """Reads on connections of their own; writes on one connection, which has one caller at a time."""

    def __init__(
        self,
        engine: Engine,
        participants: Sequence[Participant],
        *,
        clock: Clock,
        test_clock: bool,
        mounts: Path,
        committed: Callable[[], None],
        patience: Patience,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            engine: of our own.
            participants: who follows; may grow.
            clock: what ``consentgate_now()`` answers.
            test_clock: whether it is a test's: then the first write marks the database.
            mounts: the list of mounts.
            committed: called after each commit.
            patience: how long each thing may take.
        """
        self._engine = engine
        self._clock = clock
        self._test_clock = test_clock
        self._mounts = mounts
        self._patience = patience
        self._idle: deque[SqliteSession] = deque()
        self._closed = False
        self._neighbours = Neighbours()
        self._writer = Writer(self._open_writer, participants, committed=committed, wait=patience.turn)
        forks.keep(self)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one state of the database.

        Yields:
            A connection that cannot write.
        """
        with forks.passing(self._patience.fork):
            session = self._reader()
            try:
                session.begin_read()
                with translated():
                    yield session.connection
                session.rollback()
            except BaseException:
                session.close()
                raise
            if not self._closed and len(self._idle) < _IDLE_READERS:
                self._idle.append(session)
            else:
                session.close()

    glance = read

    def write(self, work: Callable[[Connection], T], *, single: bool) -> T:  # noqa: ARG002  # every write is the same here
        """Run work in a transaction, by this thread or by another that writes for it.

        Args:
            work: what to do.
            single: makes no difference.

        Returns:
            What the work returned.
        """
        try:
            with forks.passing(self._patience.fork):
                return self._writer.submit(work)
        finally:
            self._neighbours.say()

    def write_each(self, work: Callable[[Connection], object]) -> None:
        """Run work on the connection that writes.

        Args:
            work: what to do.
        """
        with forks.passing(self._patience.fork):
            self._writer.submit(work)

    def close(self) -> None:
        """Finish pending writes and close every connection; what is being read closes its own."""
        self._closed = True
        with forks.passing(self._patience.fork):
            self._writer.close()
        self._close_idle()

    def part(self) -> None:
        """Close every connection, before a fork; the next ones go on where these were."""
        self._writer.part()
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _reader(self) -> SqliteSession:
        try:
            return self._idle.pop()
        except IndexError:
            session = self._session()
            session.read_only()
            return session

    def _session(self) -> SqliteSession:
        return SqliteSession(self._engine, clock=self._clock, mounts=self._mounts, patience=self._patience)

    def _open_writer(self) -> SqliteSession:
        session = self._session()
        try:
            if self._test_clock:
                _mark(session)
            if not is_sound():
                session.neighbours = self._neighbours
        except ConsentGateError:
            session.close()
            raise
        return session


def _mark(session: SqliteSession) -> None:
    session.begin_write()
    with translated():
        deployment.mark_test_database(session.connection)
    session.commit()
