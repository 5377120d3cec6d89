"""Who else writes to a SQLite file: before version 3.51.3 two that write in the same instant can damage it.

Invariants: it is said once in a process, by a warning of ``logging``, after a write, when nothing is held; nothing is
asked where SQLite is sound. ``PRAGMA data_version`` changes exactly when another connection has committed.
"""

import logging
import os
import sqlite3
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from consentgate.moment import to_millis
from consentgate.storage.failures import translated
from consentgate.storage.tables import entry

SOUND_SQLITE: Final = (3, 51, 3)
"""The first version in which two processes may write to a file in the same instant."""

_LAST: Final = 1000

_logger: Final = logging.getLogger(__name__)
_told: Final[set[int]] = set()

_recent: Final = select(entry.c.w, entry.c.kind, entry.c.at).order_by(entry.c.ordinal.desc()).limit(_LAST)
_last: Final = _recent.subquery()
_ended: Final = select(_last.c.w).where(_last.c.kind == "writer_stop")
_OPEN: Final = select(func.count(_last.c.w.distinct())).where(
    _last.c.at >= bindparam("since"), _last.c.w.not_in(_ended)
)


class Neighbours:
    """Notices, on the one connection of a process that writes, that another one does.

    Attributes:
        seen: whether another one wrote.
    """

    def __init__(self) -> None:
        """Notice nothing yet."""
        self.seen = False

    def say(self) -> None:
        """Warn of what was seen, the first time in this process; called while nothing is held."""
        if self.seen and os.getpid() not in _told:
            _told.add(os.getpid())
            _logger.warning(
                "Another connection writes to the ledger's file, too. SQLite %s can damage its write-ahead log when"
                " two write in the same instant: let one process write, or use SQLite %s or later. Keep backups.",
                sqlite3.sqlite_version,
                ".".join(map(str, SOUND_SQLITE)),
            )


def is_sound() -> bool:
    """Say whether two processes may write in the same instant.

    Returns:
        Whether this process's SQLite is new enough.
    """
    return sqlite3.sqlite_version_info >= SOUND_SQLITE


def open_lanes(connection: Connection, *, since: datetime) -> int:
    """Count the lanes that wrote lately and did not say that they end: on SQLite a process has one.

    Args:
        connection: any.
        since: how late counts; the last thousand entries are looked at.

    Returns:
        How many.

    Raises:
        SchemaMismatch: the table is missing.
        Unavailable: the database is out of reach.
    """
    with translated():
        return int(connection.execute(_OPEN, {"since": to_millis(since)}).scalar_one())
