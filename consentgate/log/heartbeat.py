"""Heartbeats: an entry for each hour in which nothing else was written.

So the log grows while it is kept, and the series of its checkpoints and anchors has no holes: whoever finds one knows
that something was taken away, or that nobody kept the log.

Invariants: it is appended like every entry; of several processes that look at the same time, one writes it.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from consentgate.entries.leaf import Draft
from consentgate.log.append import Lanes
from consentgate.moment import Random, floor, from_millis, uuid7
from consentgate.storage import deployment, pulse
from consentgate.storage.database import Database

EVERY: Final = timedelta(hours=1)


class Heartbeat:
    """Writes heartbeats of one tenant; used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        lanes: Lanes,
        random: Random,
        *,
        every: timedelta = EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            database: where entries are written.
            lanes: where they are appended.
            random: gives their ids.
            every: how long nothing has to have been written.
            monotonic: seconds that never jump.
        """
        self._database = database
        self._lanes = lanes
        self._random = random
        self._every = every
        self._monotonic = monotonic
        self._due = -1.0
        self._began: float | None = None

    def once(self) -> bool:
        """Write a heartbeat, if one is due.

        Returns:
            Whether it was written.

        Raises:
            Unavailable: the database is out of reach.
        """
        now = self._monotonic()
        if now < self._due:
            return False
        with self._database.read() as connection:
            left = self._left(connection)
        if left > 0:
            self._due = now + left
            return False
        self._due = now + self._every.total_seconds()
        return self._database.write(self._write)

    def _left(self, connection: Connection) -> float:
        """Say for how many seconds more no heartbeat is due."""
        every = self._every.total_seconds()
        newest = pulse.newest_at(connection, self._database.tenant)
        if newest is None:
            # A log begins with what happens, not with a heartbeat: an hour after we began to look at the earliest.
            self._began = self._monotonic() if self._began is None else self._began
            return self._began + every - self._monotonic()
        return every - (deployment.now(connection) - newest) / 1000

    def _write(self, connection: Connection) -> bool:
        if not pulse.has_turn(connection, self._database.tenant) or self._left(connection) > 0:
            return False
        at = floor(from_millis(deployment.now(connection)))
        self._lanes.append(connection, Draft(id=uuid7(at, self._random), kind="heartbeat", at=at))
        return True
