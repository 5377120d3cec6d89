"""One writer to SQLite at a time, in groups: whoever has the turn writes for all who wait, in one commit.

Invariants:

- An item's work runs inside BEGIN IMMEDIATE and its own savepoint; what it raised is what its caller gets,
  with nothing of it written and every participant (a lane) back where it was. The others are unharmed.
- A caller returns only after the commit that holds its work. When the commit fails, the database is asked
  on a new connection whether it happened, and lanes follow the answer. Until there is one nothing is written.
- No item waits for ever before it begins: its caller takes it back and gets `Unavailable`.
- Whoever ends a thread that has the turn (an interrupt of the keyboard) ends it as a failed commit would: the
  others learn what became of their work, the turn goes on.

SQLite's own lock is unfair: threads that fight for it starve for seconds. A queue does not. The turn is with the
callers themselves: a thread that does nothing but write would cost two changes of thread for each write.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consentgate.errors import ConsentGateError, InvalidInput, Unavailable
from consentgate.storage.failures import translate
from consentgate.storage.line import Line, Marks, reset
from consentgate.storage.participant import Participant
from consentgate.storage.sqlite import SqliteSession
from consentgate.storage.turn import Turn

T = TypeVar("T")

_GROUP: Final = 64
_LOOK_S: Final = 0.05


class _Item(Generic[T]):
    """Work that waits. Whoever takes ``claim`` first has it: who has the turn, or a caller who leaves."""

    __slots__ = ("claim", "ended", "ending", "failure", "result", "thread", "wake", "work")

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self.work = work
        self.result: T
        self.failure: BaseException | None = None
        self.ending: BaseException | None = None
        self.ended = False
        self.thread = threading.get_ident()
        self.claim = threading.Lock()
        self.wake = threading.Lock()
        self.wake.acquire()

    def run(self, connection: Connection) -> bool:
        try:
            self.result = self.work(connection)
        except SQLAlchemyError as failure:
            self.failure = translate(failure)
        except Exception as failure:  # noqa: BLE001  # carried to the caller, who raises it
            self.failure = failure
        except BaseException as ending:  # noqa: BLE001  # for the thread that has the turn, not for the work's caller
            self.failure = Unavailable("The write was interrupted: nothing was written.")
            self.ending = ending
        return self.failure is None


class Writer:
    """The queue, the turn and the connection of one process; opened by the first write, ended by `close`."""

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
            committed: called in the thread that has the turn after each commit.
            wait: seconds that an item waits for its turn.
        """
        self._line = Line(opener, participants)
        self.part = self._line.part  # while nobody writes
        self._committed = committed
        self._wait = wait
        self._queue: deque[_Item[object]] = deque()
        self._turn = Turn()
        self._taken: list[_Item[object]] = []
        self._closed = False
        # Of the transaction under way: what ran in it, and each participant's state before it.
        self._ran: list[_Item[object]] = []
        self._before: Marks = []

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
        leader = self._turn.holder
        if isinstance(leader, _Item) and leader.thread == threading.get_ident():
            raise InvalidInput("A write cannot be made inside another one: use its connection.")
        item = _Item(work)
        try:
            self._queue.append(item)  # type: ignore[arg-type]  # the queue does not look at results
            self._see_through(item)
        except BaseException:
            # Our own refusal, or somebody ends this thread: the interpreter's own way, or another.
            # Not begun: then it never will. Begun: it may be committed, which verification can explain.
            item.claim.acquire(blocking=False)
            # It may have the turn, or have been woken for it.
            self._leave(item)
            raise
        if item.failure is not None:
            raise item.failure
        return item.result

    def close(self) -> None:
        """Finish what waits, then close the connection."""
        own = _Item(_nothing)
        while not self._turn.take(own):
            time.sleep(_LOOK_S)
        try:
            while group := self._group():
                self._write(group)
        finally:
            self._closed = True
            self._line.drop()
            self._leave(own)

    def _see_through(self, item: _Item[T]) -> None:
        """Wait until an item ended; write it, and what waits with it, when the turn comes here."""
        until = time.monotonic() + self._wait
        while not item.ended:
            if self._turn.take(item):
                self._lead(item)
            elif not item.wake.acquire(timeout=max(0.0, until - time.monotonic())):
                if item.claim.acquire(blocking=False):
                    raise Unavailable("The database is too busy: the write did not get its turn in time.")
                # Somebody has it in hand, and may be ended before it is said that it ended: so look again.
                item.wake.acquire(timeout=_LOOK_S)

    def _lead(self, own: _Item[T]) -> None:
        """Write for all who wait until one's own item ended; then somebody else has the turn."""
        try:
            while not own.ended:
                if ending := self._write(self._group()):
                    raise ending
        finally:
            self._leave(own)

    def _leave(self, own: _Item[T]) -> None:
        """Give the turn back, if one has it: of what was taken out of the queue nothing is left waiting."""
        if self._turn.holder is own:
            for item in self._taken:
                item.claim.acquire(blocking=False)
            _finish(self._taken, Unavailable("The write was interrupted: nothing was written."))
            self._turn.give_back(own)
        self._pass_on()

    def _pass_on(self) -> None:
        """Wake the next who waits: nobody else will."""
        waiting = next((item for item in tuple(self._queue) if not item.claim.locked()), None)
        if waiting is not None:
            _wake(waiting)

    def _group(self) -> list[_Item[object]]:
        self._taken = items = list[_Item[object]]()
        while self._queue and len(items) < _GROUP:
            # Noted before it is taken out: none is lost when this thread is called away in between.
            items.append(self._queue[0])
            if not items[-1].claim.acquire(blocking=False):
                items.pop()
            self._queue.popleft()
        return items

    def _write(self, group: list[_Item[object]]) -> BaseException | None:
        """Write a group; gives back what wants to end this thread, if it came from an item's work."""
        if self._closed:
            _finish(group, Unavailable("The database was closed."))
            return None
        self._ran, rest = [], group
        try:
            while rest:
                rest = self._transaction(rest)
        except BaseException:
            self._interrupted()
            raise
        finally:
            _finish(group, Unavailable("The write was interrupted: nothing was written."))
        return next((item.ending for item in group if item.ending is not None), None)

    def _interrupted(self) -> None:
        """Treat a transaction out of which this thread was called as a commit in doubt."""
        session = self._line.session
        if session is not None:
            self._settle(session, self._ran, Unavailable("The write was interrupted: nothing was written."))

    def _transaction(self, group: list[_Item[object]]) -> list[_Item[object]]:
        """Run one group; gives back the items that a lost transaction left without their turn."""
        try:
            session = self._line.open()
            session.begin_write()
        except ConsentGateError as failure:
            _finish(group, failure)
            return []
        self._before, self._ran = self._line.marks(session), []
        ran = self._ran
        for item in group:
            ran.append(item)
            if not self._one(session, item, alone=len(group) == 1):
                self._lost(ran)
                return group[len(ran) :]
        if any(item.failure is None for item in ran):
            self._commit(session, ran)
        else:
            session.rollback()
            _finish(ran, None)
        return []

    def _one(self, session: SqliteSession, item: _Item[object], *, alone: bool) -> bool:
        """Run an item between savepoints, or alone; false when SQLite dropped the whole transaction."""
        marks = self._before if alone else self._line.marks(session)
        try:
            if not alone:
                session.savepoint()
            if item.run(session.connection):
                if not alone:
                    session.release()
            elif session.in_transaction:
                if not alone:
                    session.rollback_to_savepoint()
                reset(session, marks)
        except ConsentGateError as failure:
            item.failure = failure
            return False
        return session.in_transaction

    def _commit(self, session: SqliteSession, ran: list[_Item[object]]) -> None:
        try:
            session.commit()
        except ConsentGateError as failure:
            self._settle(session, ran, failure)
        else:
            _finish(ran, None)
            self._committed()

    def _lost(self, ran: list[_Item[object]]) -> None:
        self._line.lost(self._before)
        failure = ran[-1].failure
        if not isinstance(failure, ConsentGateError):
            failure = Unavailable("The transaction ended inside the work: nothing was written.")
        _finish(ran, failure)

    def _settle(self, session: SqliteSession, ran: list[_Item[object]], failure: ConsentGateError) -> None:
        """Find out what became of a commit that failed."""
        landed = self._line.settled(session, self._before)
        if landed:
            _finish(ran, None)
            self._committed()
        elif landed is None:
            unknown = f"Whether the write was made is not known: its commit failed. {failure}"
            _finish(ran, Unavailable(unknown))
        else:
            _finish(ran, failure)


def _nothing(_: Connection) -> None:
    """Hold the turn without writing."""


def _finish(items: Sequence[_Item[object]], failure: ConsentGateError | None) -> None:
    for item in items:
        if item.ended:
            continue
        if failure is not None and item.failure is None:
            item.failure = failure
        item.ended = True
        _wake(item)


def _wake(item: _Item[object]) -> None:
    # Awake already, or woken by another: once is enough.
    with suppress(RuntimeError):
        item.wake.release()
