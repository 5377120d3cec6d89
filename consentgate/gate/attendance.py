"""Who is on calls, as this process hears of it: people join and leave, and a search may wait for that.

Invariant: what is told is an entry before anybody is woken, so that every decision rests on entries.
"""

import os
import threading
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from consentgate.gate.context import GateContext
from consentgate.gate.enrolling import read_for
from consentgate.gate.joining import Joined, LegOf, join
from consentgate.gate.request import GatedRequest
from consentgate.gate.stopping import Stopping
from consentgate.ledger import calls, registering
from consentgate.ledger.calls import LEGS, LegName
from consentgate.ledger.registering import Departure, Registration

_FIRST_LOOK_S: Final = 0.02
_LONGEST_LOOK_S: Final = 0.5


@dataclass(slots=True)
class _News:
    """Wakes whoever waits in this process; a fork leaves it behind, with its lock in whatever state."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    count: int = 0

    def tell(self) -> None:
        with self.changed:
            self.count += 1
            self.changed.notify_all()

    def wait(self, count: int, seconds: float) -> None:
        """Wait until there is more news than some, or the time is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.count != count, seconds)


class Attendance:
    """Registers calls, and waits for registrations."""

    def __init__(self, context: GateContext, leg_of: LegOf, stopping: Stopping) -> None:
        """Take everything in hand.

        Args:
            context: the gate.
            leg_of: tells which leg a stored request names.
            stopping: stops tasks that a registration makes unlawful.
        """
        self._context = context
        self._leg_of = leg_of
        self._stopping = stopping
        self._news: dict[int, _News] = {}

    def register(self, registration: Registration) -> UUID | None:
        """Say who is on a call; running tasks that this makes unlawful are stopped where a client is at hand.

        Args:
            registration: what the backend says.

        Returns:
            Id of the entry, or None when all of it stood already.

        Raises:
            RecordConflict: it takes back what was told before.
            Unavailable: nothing was written.
        """
        context = self._context
        joined: Joined | None = context.database.write(lambda c: join(context, c, registration, self._leg_of))
        if joined is None:
            return None
        self._of_process().tell()
        self._stopping.carry_out_quietly(joined.stops)
        return joined.entry

    def leave(self, departure: Departure) -> UUID | None:
        """Say who left a call.

        Args:
            departure: who left.

        Returns:
            Id of the entry, or None when all of them had left already.

        Raises:
            InvalidInput: nobody registered the call, or somebody was never on that leg.
            Unavailable: nothing was written.
        """
        book = self._context.book
        return self._context.database.write(lambda c: registering.leave(book, c, departure))

    def missing(self, call: str, leg: LegName | None) -> tuple[LegName, ...]:
        """Find the legs in question of which the ledger knows nothing.

        Args:
            call: the call's name.
            leg: the leg in question, or None for both.

        Returns:
            The legs; none where somebody on the call was erased, since nobody can make up for that.

        Raises:
            Unavailable: the database is out of reach.
            Malformed: a stored event cannot be read.
        """
        with self._context.database.read() as connection:
            state = calls.read(self._context.book, connection, call)
        wanted = LEGS if leg is None else (leg,)
        if state is not None and state.erased:
            return ()
        return tuple(each for each in wanted if state is None or each not in state.legs)

    def is_crowded(self, request: GatedRequest) -> bool:
        """Tell whether the task that a request rests on may hold several people's voices.

        Args:
            request: the request.

        Returns:
            Whether there is more than one.

        Raises:
            Unavailable: the database is out of reach.
            Malformed: something stored cannot be read.
        """
        context = self._context
        with context.database.glance() as connection:
            reading = read_for(context, connection, request)
        return len({on.speaker.first for on in reading.speakers}) > 1

    def wait(self, call: str, leg: LegName | None, seconds: float) -> None:
        """Wait until the ledger knows who is on the legs in question, or the time is over.

        Args:
            call: the call's name.
            leg: the leg in question, or None for both.
            seconds: the longest to wait.

        Raises:
            Unavailable: the database is out of reach.
            Malformed: a stored event cannot be read.
        """
        until = time.monotonic() + seconds
        look = _FIRST_LOOK_S
        news = self._of_process()
        while True:
            # Read before looking, so that nothing that comes in between is slept through.
            count = news.count
            if not self.missing(call, leg):
                return
            left = until - time.monotonic()
            if left <= 0:
                return
            # Another process cannot wake us: look again by ourselves, ever more rarely.
            news.wait(count, min(look, left))
            look = min(look * 2, _LONGEST_LOOK_S)

    def _of_process(self) -> _News:
        return self._news.setdefault(os.getpid(), _News())
