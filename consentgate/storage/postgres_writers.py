"""The sessions of a process that write to PostgreSQL, each with its own lanes.

Invariants:

- A caller returns only after its commit. When the connection is lost meanwhile, the database is asked on a new one
  whether it happened, after what the lost one began was brought to an end; lanes follow the answer.
- While that is not known the lost connection's lanes wait for it, and other writes go on in other lanes. The next
  session that opens takes waiting lanes over.
- Work is done again, a few times, when the database says that two transactions were in each other's way, or that two
  made the same row for the first time: then nothing of it was written.
- No write waits for ever for its turn, and none overtakes another that waits.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consentgate.errors import ConsentGateError, InvalidInput, Unavailable
from consentgate.storage.failures import is_repeatable, translate, translated
from consentgate.storage.participant import Participant
from consentgate.storage.postgres import PostgresSession
from consentgate.storage.turns import Turns
from consentgate.values import dataclass

T = TypeVar("T")

_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 0.01
_FRESH_SECONDS: Final = 0.5

_Marks: TypeAlias = list[tuple[Participant, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lanes:
    """Lanes of a connection that is gone: where they are, and where they are if a commit in doubt happened."""

    before: _Marks
    after: _Marks
    backend: tuple[int, str]
    since: float

    @property
    def doubt(self) -> bool:
        return self.before != self.after

    def happened(self, connection: Connection) -> bool:
        pairs = zip(self.before, self.after, strict=True)
        with translated():
            return any(
                each.landed(connection, old, new) for (each, old), (_, new) in pairs
            )  # None: no part in it

    def put(self, session: PostgresSession, *, landed: bool) -> None:
        for participant, mark in self.after if landed else self.before:
            participant.reset(session.connection, mark)


class _Again(Exception):  # a signal inside this module
    """Nothing was written; the work may be done again."""

    def __init__(self, failure: ConsentGateError) -> None:
        self.failure = failure


class PostgresWriters:
    """Some sessions that write; safe to use from many threads."""

    def __init__(
        self,
        opener: Callable[[], PostgresSession],
        participants: Sequence[Participant],
        *,
        committed: Callable[[], None],
        wait: float,
        count: int,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            opener: opens a session that may write.
            participants: who follows; may grow.
            committed: called in the writing thread after each commit.
            wait: seconds that a write waits for its turn.
            count: how many writes run at once, each with a session of its own; others wait for their turn.
        """
        self._opener = opener
        self._participants = participants
        self._committed = committed
        self._wait = wait
        self._idle: deque[PostgresSession] = deque()
        self._waiting: deque[_Lanes] = deque()
        self._count = count
        self._turns = Turns(count)
        self._inside = threading.local()
        self._closed = False

    def write(self, work: Callable[[Connection], T], *, single: bool) -> T:
        """Run work in a transaction.

        Args:
            work: what to do.
            single: whether it makes exactly one statement that writes, and none before it: then that statement
                is the transaction.

        Returns:
            What the work returned; it is durable.

        Raises:
            Unavailable: the turn did not come in time, or the database failed; nothing was written, or it says so.
            InvalidInput: called from inside work.
        """
        if getattr(self._inside, "write", False):
            raise InvalidInput("A write cannot be made inside another one: use its connection.")
        who = object()
        try:
            try:
                self._inside.write = True
                if not self._turns.take(who, wait=self._wait):
                    raise Unavailable("The database is too busy: the write did not get its turn in time.")
                return self._repeated(work, single)
            finally:
                self._turns.give(who)
        finally:
            # Once more: an interrupt may have struck while it was given back.
            self._inside.write = False
            self._turns.give(who)

    def write_each(self, work: Callable[[Connection], object]) -> None:
        """Run work once on each session that is open and idle.

        Args:
            work: what to do.

        Raises:
            Unavailable: the database is out of reach.
        """
        failure: ConsentGateError | None = None
        for session in [self._idle.popleft() for _ in range(len(self._idle))]:
            try:
                self._once(session, work, single=False)
            except (_Again, ConsentGateError) as error:
                failure = error.failure if isinstance(error, _Again) else error
        if failure:
            raise failure

    def close(self) -> None:
        """Let running writes finish, then close every connection."""
        self._closed = True
        turns = [object() for _ in range(self._count)]
        for who in turns:
            self._turns.take(who, wait=self._wait)
        while self._idle:
            self._idle.pop().close()
        for who in turns:
            self._turns.give(who)

    def _repeated(self, work: Callable[[Connection], T], single: bool) -> T:
        failure: ConsentGateError = Unavailable()
        for attempt in range(_ATTEMPTS):
            if attempt:
                # Not even for no time at all: that gives the processor away.
                time.sleep(attempt * _PAUSE_SECONDS)
            try:
                result = self._once(self._session(), work, single=single)
            except _Again as again:
                failure = again.failure
            else:
                self._committed()
                return result
        raise failure

    def _once(self, session: PostgresSession, work: Callable[[Connection], T], *, single: bool) -> T:
        before = self._marks(session)
        committing = False
        results: list[T] = []
        try:
            if single:
                session.begin_single()
                committing = True
            else:
                session.begin_write()
            results.append(work(session.connection))
            if not single:
                committing = True
                session.commit()
        except BaseException as error:
            lanes = self._lanes(session, before, self._marks(session) if committing else before)
            if not isinstance(error, Exception):
                # An interrupt, perhaps in the middle of an exchange with the server.
                session.close()
                self._waiting.append(lanes)
                raise
            failure = translate(error) if isinstance(error, SQLAlchemyError) else error
            if self._kept(session, lanes):
                if is_repeatable(failure):
                    raise _Again(failure) from None
                if failure is error:
                    raise
                raise failure from None
            if not isinstance(failure, ConsentGateError):
                self._waiting.append(lanes)
                raise
            self._require_settled(lanes, failure, committing=committing, single=single)
        else:
            self._idle.append(session)
        return results[0]

    def _kept(self, session: PostgresSession, lanes: _Lanes) -> bool:
        """Take a session back to where it was before a write that failed; false when its connection is lost."""
        if not session.lost:
            with suppress(ConsentGateError):
                session.rollback()
                lanes.put(session, landed=lanes.doubt and lanes.happened(session.connection))
                self._idle.append(session)
                return True
        session.close()
        return False

    def _require_settled(
        self, lanes: _Lanes, failure: ConsentGateError, *, committing: bool, single: bool
    ) -> None:
        """Find out what became of a write whose connection was lost; returns when it was committed as a whole."""
        if not committing:
            self._waiting.append(lanes)
            raise _Again(failure)
        landed = self._settled(lanes) if lanes.doubt else None
        if landed is None:
            raise Unavailable(
                f"Whether the write was made is not known: its commit failed. {failure}"
            ) from failure
        if not landed:
            raise _Again(failure)
        if single:
            self._committed()
            raise Unavailable("The write was made, but the database's answer was lost.") from failure

    def _settled(self, lanes: _Lanes) -> bool | None:
        try:
            session = self._opener()
        except ConsentGateError:
            self._waiting.append(lanes)
            return None
        landed = self._adopted(session, lanes)
        self._idle.append(session)
        return landed

    def _adopted(self, session: PostgresSession, lanes: _Lanes) -> bool | None:
        """Let a new session take lanes over; tells whether a commit in doubt happened, None if that is not known."""
        landed: bool | None = False
        if lanes.doubt:
            try:
                landed = lanes.happened(session.connection)
                if not landed:
                    ended = session.ended(lanes.backend, since=lanes.since)
                    landed = lanes.happened(session.connection) if ended else None
            except ConsentGateError:
                landed = None
        if landed is None:
            self._waiting.append(lanes)
        else:
            lanes.put(session, landed=landed)
        return landed

    def _session(self) -> PostgresSession:
        """Take an idle session that is alive, or open one, which takes waiting lanes over."""
        if self._closed:
            raise Unavailable("The database was closed.")
        while True:
            try:
                session = self._idle.pop()
            except IndexError:
                break
            # One that is gone all the same is found out by the write, which is then made on another.
            if session.alive(within=_FRESH_SECONDS):
                return session
            marks = self._marks(session)
            session.close()
            self._waiting.append(self._lanes(session, marks, marks))
        session = self._opener()
        try:
            waiting = self._waiting.popleft()
        except IndexError:
            return session
        self._adopted(session, waiting)
        return session

    def _lanes(self, session: PostgresSession, before: _Marks, after: _Marks) -> _Lanes:
        return _Lanes(before=before, after=after, backend=session.backend, since=time.monotonic())

    def _marks(self, session: PostgresSession) -> _Marks:
        return [(participant, participant.mark(session.connection)) for participant in self._participants]
