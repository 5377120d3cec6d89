"""What `doctor` says of SQLite: its version, and whether several processes write to the file."""

import sqlite3
from datetime import timedelta
from typing import Final

from consentgate.config.check import Check
from consentgate.config.settings import Settings
from consentgate.config.times import patience_of
from consentgate.errors import ConsentGateError
from consentgate.moment import system_clock
from consentgate.storage.neighbours import SOUND_SQLITE, is_sound, open_lanes
from consentgate.storage.readonly import read_only

_LATELY: Final = timedelta(minutes=10)


def sqlite_check(settings: Settings) -> Check:
    """Look at the library, and at who wrote to the file lately.

    Args:
        settings: of a deployment whose database is a file.

    Returns:
        The check; a warning where two that write in the same instant could damage the file.
    """
    found = f"SQLite {sqlite3.sqlite_version}"
    if is_sound():
        return Check(name="SQLite", verdict="ok", found=found)
    lanes = _lanes(settings)
    seen = f"; {lanes} seem to have written in the last ten minutes" if lanes > 1 else ""
    wanted = ".".join(map(str, SOUND_SQLITE))
    return Check(
        name="SQLite",
        verdict="warn",
        found=f"{found}: two processes that write at the same moment can damage its write-ahead log{seen}",
        cure=f"Let one process write, or use a Python with SQLite {wanted} or later. Keep backups.",
    )


def _lanes(settings: Settings) -> int:
    try:
        with read_only(settings.database, patience_of(settings.times)) as connection:
            return open_lanes(connection, since=system_clock() - _LATELY)
    except ConsentGateError:
        # What is wrong with the database is a check of its own.
        return 0
