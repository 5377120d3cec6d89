"""Whether entries have waited too long for a signature: then nothing more is sent on the strength of this log.

It costs a decision a comparison. What waits is read once an hour, and again where something could be overdue: what is
committed later than the oldest entry that waits is overdue later than that one.

Invariants: overdue is said after looking, never from memory; what cannot be read raises, and so denies. A checkpoint
counts only where it is the log's own.
"""

from datetime import datetime, timedelta
from typing import Final

from consentgate.entries import epoch
from consentgate.log.ownnotes import OwnNotes
from consentgate.moment import from_millis
from consentgate.storage import deployment, pulse
from consentgate.storage.database import Database

_LOOK_EVERY: Final = timedelta(hours=1)


class Unsigned:
    """Watches how long the entries of a tenant wait."""

    def __init__(self, database: Database, *, limit: timedelta, notes: OwnNotes) -> None:
        """Prepare; nothing is read.

        Args:
            database: whose entries.
            limit: how long they may wait.
            notes: tells the log's own checkpoints.
        """
        self._database = database
        self._notes = notes
        self._limit = limit
        # From when to when nothing can be overdue.
        self._calm: tuple[datetime, datetime] | None = None

    def since(self) -> datetime | None:
        """Look since when entries have waited.

        Returns:
            The time of the oldest that no checkpoint covers, or None where there is none.

        Raises:
            Misconfigured: the log's public key cannot be read.
            Unavailable: the database is out of reach.
        """
        with self._database.read() as connection:
            known = deployment.facts(connection)
            log = epoch.current_log(known)
            own = self._notes.of(log, epoch.origins(known).get(log))
            found = pulse.waiting(connection, self._database.tenant, log=log, own=own)
        return from_millis(found.since) if found.since is not None else None

    def overdue(self, now: datetime) -> bool:
        """Say whether entries have waited too long.

        Args:
            now: the time.

        Returns:
            Whether they have.

        Raises:
            Misconfigured: the log's public key cannot be read.
            Unavailable: the database is out of reach.
        """
        calm = self._calm
        if calm is not None and calm[0] <= now < calm[1]:
            return False
        since = self.since()
        if since is not None and now - since > self._limit:
            return True
        self._calm = (now, min((since or now) + self._limit, now + _LOOK_EVERY))
        return False
