"""The one thread of a process that writes to SQLite, in groups: one commit for all who wait.

Invariants:

- An item's work runs inside BEGIN IMMEDIATE and its own savepoint; what it raised is what its caller gets,
  with nothing of it written and every participant (a lane) back where it was. The others are unharmed.
- A caller returns only after the commit that holds its work. When the commit fails, the database is asked
  on a new connection whether it happened, and lanes follow the answer. Until there is one nothing is written.
- No item waits for ever before it begins: its caller takes it back and gets `Unavailable`.

SQLite's own lock is unfair: threads that fight for it starve for seconds. A queue does not.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consentgate.errors import ConsentGateError, InvalidInput, Unavailable
from consentgate.storage.failures import translate, translated
from consentgate.storage.participant import Participant
from consentgate.storage.sqlite import SqliteSession

T = TypeVar("T")

_GROUP: Final = 64


class _Item(Generic[T]):
    """Work that waits. Whoever takes ``claim`` first has it: the writer, or a caller who leaves."""

    __slots__ = ("claim", "done", "ended", "failure", "result", "work")

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.result: T
        self.failure: BaseException | None = None
        self.ended = False
        self.claim = threading.Lock()
        self.done = threading.Lock()
        self.done.acquire()

    def run(self, connection: Connection) -> bool:
        try:
            self.result = self.work(connection)
        except SQLAlchemyError as failure:
            self.failure = translate(failure)
        except BaseException as failure:  # noqa: BLE001  # carried to the caller, who raises it
            self.failure = failure
        return self.failure is None


class Writer:
    """The thread, its queue and its connection; started by the first write, ended by `close`."""

    def __init__(
        self,
        opener: Callable[[], SqliteSession],
        participants: Sequence[Participant],
        *,
        committed: Callable[[], None],
        wait: float,
    ) -> None:
        """Prepare a writer; nothing is opened yet.

        Args:
            opener: opens a connection that may write.
            participants: who follows; may grow.
            committed: called in the writer's thread after each commit.
            wait: seconds that an item waits for its turn.
        """
        self._opener = opener
        self._participants = participants
        self._committed = committed
        self._wait = wait
        self._queue: queue.SimpleQueue[_Item[object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._session: SqliteSession | None = None
        self._carried: list[tuple[Participant, object]] = []
        # Of a commit whose fate is not known: each participant's state before and after it.
        self._doubt: list[tuple[Participant, object, object]] = []

    def submit(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction of the writer's and wait for its commit.

        Args:
            work: what to do; it must not commit.

        Returns:
            What the work returned; it is durable.

        Raises:
            Unavailable: the turn did not come in time, the database failed, or the writer is closed.
            InvalidInput: called from inside work.
            ConsentGateError: whatever else the work raised, with nothing of it written.
        """
        item = _Item(work)
        self._enqueue(item)
        try:
            if not item.done.acquire(timeout=self._wait):
                if item.claim.acquire(blocking=False):
                    raise Unavailable("The database is too busy: the write did not get its turn in time.")
                item.done.acquire()
        except KeyboardInterrupt:
            # Not begun: then it never will. Begun: it may be committed, which verification can explain.
            item.claim.acquire(blocking=False)
            raise
        if item.failure is not None:
            raise item.failure
        return item.result

    def close(self) -> None:
        """Finish what waits, then end the thread and close the connection."""
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._queue.put(None)
        if thread is not None:
            thread.join()

    def _enqueue(self, item: _Item[T]) -> None:
        with self._lock:
            if self._closed:
                raise Unavailable("The database was closed.")
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="consentgate-writer", daemon=True)
                self._thread.start()
            elif threading.current_thread() is self._thread:
                raise InvalidInput("A write cannot be made inside another one: use its connection.")
            self._queue.put(item)  # type: ignore[arg-type]  # the queue does not look at results

    def _run(self) -> None:
        group: list[_Item[object]] = []
        try:
            while (first := self._queue.get()) is not None:
                group = [item for item in [first, *self._waiting()] if item.claim.acquire(blocking=False)]
                while group:
                    group = self._transaction(group)
        finally:
            self._drop_session()
            _finish([*group, *self._waiting()], Unavailable("The database's writer ended before the write."))

    def _waiting(self) -> list[_Item[object]]:
        items: list[_Item[object]] = []
        while len(items) < _GROUP - 1:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                self._queue.put(None)  # the end: finish this group first
                break
            items.append(item)
        return items

    def _transaction(self, group: list[_Item[object]]) -> list[_Item[object]]:
        """Run one group; gives back the items that a lost transaction left without their turn."""
        try:
            session = self._open()
            session.begin_write()
        except ConsentGateError as failure:
            _finish(group, failure)
            return []
        before = self._marks(session)
        ran: list[_Item[object]] = []
        for item in group:
            ran.append(item)
            if not self._one(session, item):
                self._lost(ran, before)
                return group[len(ran) :]
        self._commit(session, before, ran)
        return []

    def _one(self, session: SqliteSession, item: _Item[object]) -> bool:
        """Run an item between savepoints; false when SQLite dropped the whole transaction."""
        marks = self._marks(session)
        try:
            session.savepoint()
            if item.run(session.connection):
                session.release()
            elif session.in_transaction:
                session.rollback_to_savepoint()
                _reset(session, marks)
        except ConsentGateError as failure:
            item.failure = failure
            return False
        return session.in_transaction

    def _commit(
        self, session: SqliteSession, before: list[tuple[Participant, object]], ran: list[_Item[object]]
    ) -> None:
        try:
            session.commit()
        except ConsentGateError as failure:
            self._settle(session, before, ran, failure)
        else:
            _finish(ran, None)
            self._committed()

    def _lost(self, ran: list[_Item[object]], before: list[tuple[Participant, object]]) -> None:
        self._drop_session()
        self._carried = before
        failure = ran[-1].failure
        if not isinstance(failure, ConsentGateError):
            failure = Unavailable("The transaction ended inside the work: nothing was written.")
        _finish(ran, failure)

    def _settle(
        self,
        session: SqliteSession,
        before: list[tuple[Participant, object]],
        ran: list[_Item[object]],
        failure: ConsentGateError,
    ) -> None:
        """Find out what became of a commit that failed."""
        self._carried = before
        self._doubt = [(each, old, each.mark(session.connection)) for each, old in before]
        self._drop_session()
        try:
            _, landed = self._reopen()
        except ConsentGateError:
            landed = None
        if landed:
            _finish(ran, None)
            self._committed()
        elif landed is None:
            _finish(
                ran, Unavailable(f"Whether the write was made is not known: its commit failed. {failure}")
            )
        else:
            _finish(ran, failure)

    def _open(self) -> SqliteSession:
        if self._session is not None:
            return self._session
        try:
            session, _ = self._reopen()
        except ConsentGateError as failure:
            if not self._doubt:
                raise
            raise Unavailable(
                f"Nothing is written until it is known whether an earlier write was made. {failure}"
            ) from failure
        return session

    def _reopen(self) -> tuple[SqliteSession, bool | None]:
        """Connect, and let the lanes follow; with it, whether a commit in doubt happened, None if none can tell."""
        session = self._opener()
        try:
            with translated():
                answers = [each.landed(session.connection, old, new) for each, old, new in self._doubt]
        except ConsentGateError:
            session.close()
            raise
        landed = True if True in answers else False if False in answers else None
        if landed:
            self._carried = [(each, new) for each, _, new in self._doubt]
        self._doubt = []
        self._session = session
        _reset(session, self._carried)
        return session, landed

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _marks(self, session: SqliteSession) -> list[tuple[Participant, object]]:
        return [(participant, participant.mark(session.connection)) for participant in self._participants]


def _reset(session: SqliteSession, marks: Sequence[tuple[Participant, object]]) -> None:
    for participant, mark in marks:
        participant.reset(session.connection, mark)


def _finish(items: Sequence[_Item[object]], failure: ConsentGateError | None) -> None:
    for item in items:
        if item.ended:
            continue
        if failure is not None and item.failure is None:
            item.failure = failure
        item.ended = True
        item.done.release()
