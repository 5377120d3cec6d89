"""SQLite's tables, indexes and triggers of ours, compared word for word with what the migrations make.

Invariants:

- Everything that SQLite's own catalogue says about our tables is compared, so that a table rebuilt without a
  key, a dropped index or a trigger of somebody else's is found, whatever the case its names are typed in.
- What a host keeps in the same file is not looked at.
- Only what holds no rows is repaired: triggers and indexes.

A trigger or a unique index that we did not make counts as much as one that is missing: it could drop rows in
silence.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

from sqlalchemy import Connection, NullPool, create_engine, text

from consentgate.storage.tables import metadata, version_table
from consentgate.storage.triggers import sqlite_triggers
from consentgate.values import dataclass

REPAIR: Final = "find out who changed it, then run `consentgate db upgrade`, which repairs it"
"""What to do about an object that an upgrade makes again."""

_RESTORE: Final = "find out who changed it, and restore a backup"
_OURS: Final = frozenset((*metadata.tables, version_table.name))
_CATALOGUE: Final = text("SELECT type, name, tbl_name, sql FROM sqlite_master")
# Which names need quotes is a matter of the SQLAlchemy that made them.
_QUOTED: Final = re.compile(r'"([a-z_]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An object of the catalogue: its table, its name as typed, and the text that made it, or None."""

    table: str
    name: str
    sql: str | None

    @property
    def same(self) -> tuple[str, str]:
        """What is compared: spaces and needless quotes make no difference."""
        return self.table, _QUOTED.sub(r"\1", " ".join((self.sql or "").split()))


_Catalogue: TypeAlias = Mapping[tuple[str, str], _Made]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not as the migrations made it.

    Attributes:
        problem: a sentence, with what to do.
        repair: the statements that put it right; () where only a person can.
    """

    problem: str
    repair: tuple[str, ...] = ()


def differences(connection: Connection) -> tuple[Difference, ...]:
    """Compare a SQLite database with what the migrations make.

    Args:
        connection: any, to a database at the newest revision.

    Returns:
        Every difference; () when there is none.
    """
    stored = _catalogue(connection)
    return (*_lost(stored), *_foreign(stored))


@cache
def expected() -> _Catalogue:
    """Make our tables in memory, once in a process, to see what SQLite says of them.

    Returns:
        The objects, by type and lower-case name.
    """
    with create_engine("sqlite://", poolclass=NullPool).connect() as connection:
        metadata.create_all(connection)
        version_table.create(connection)
        for trigger in sqlite_triggers().values():
            connection.exec_driver_sql(trigger)
        return _catalogue(connection)


def _catalogue(connection: Connection) -> _Catalogue:
    made = (
        (row[0], _Made(table=row[2].lower(), name=row[1], sql=row[3]))
        for row in connection.execute(_CATALOGUE)
    )
    return {(kind, each.name.lower()): each for kind, each in made if each.table in _OURS}


def _lost(stored: _Catalogue) -> Iterator[Difference]:
    wrong: set[str] = set()
    for (kind, name), made in sorted(expected().items(), key=lambda item: item[0][0] != "table"):
        now = stored.get((kind, name))
        # What stood on a table that is gone went with it; a key's own index is what its table's text says.
        if (now is not None and now.same == made.same) or made.table in wrong:
            continue
        state = "missing" if now is None else "altered"
        if made.sql is None or kind == "table":
            wrong.add(made.table)
            yield Difference(problem=f"{kind.capitalize()} {name} is {state}: {_RESTORE}.")
        else:
            repair = (f"DROP {kind} IF EXISTS {name}", made.sql)
            yield Difference(problem=f"{kind.capitalize()} {name} is {state}: {REPAIR}.", repair=repair)


def _foreign(stored: _Catalogue) -> Iterator[Difference]:
    for (kind, name), made in stored.items():
        if (kind, name) not in expected() and made.sql is not None:
            what = f"{kind.capitalize()} {made.name} on table {made.table}"
            yield Difference(problem=f"{what} is not ours: find out what it does and drop it.")
