"""Whether the database still is what the migrations made: revision, tables, indexes, triggers, clock.

Invariant: every problem is found in one go, and each says what to run. A trigger that we did not write counts
as much as one that is missing: it could drop rows in silence.
"""

from typing import Final

from sqlalchemy import Connection, inspect, select

from consentgate.errors import SchemaMismatch
from consentgate.storage import catalogue, shape
from consentgate.storage.failures import translated
from consentgate.storage.shape import Difference
from consentgate.storage.tables import ACCEPTED_REVISIONS, VERSION_TABLE, version_table

_UPGRADE: Final = "run `consentgate db upgrade`"


def problems(connection: Connection) -> tuple[str, ...]:
    """List what is wrong with the database.

    Args:
        connection: any.

    Returns:
        A sentence for each problem, with what to run; () when there is none.

    Raises:
        Unavailable: the database cannot be read.
    """
    try:
        revision = revision_of(connection)
    except SchemaMismatch as mismatch:
        return (str(mismatch),)
    if revision is None:
        return (f"The database has no consentgate schema: {_UPGRADE}.",)
    if revision not in ACCEPTED_REVISIONS:
        wrong = f"The database is at revision {revision}, this version needs {ACCEPTED_REVISIONS[0]}"
        return (f"{wrong}: {_UPGRADE}; if the revision is newer, install the newer consentgate.",)
    with translated():
        return tuple(each.problem for each in _differences(connection))


def revision_of(connection: Connection) -> str | None:
    """Read which migration the database is at.

    Args:
        connection: any.

    Returns:
        The revision; None without our schema.

    Raises:
        SchemaMismatch: the database does not say one revision.
        Unavailable: the database cannot be read.
    """
    with translated():
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        found = [str(row[0]) for row in connection.execute(select(version_table.c.version_num))]
    if len(found) != 1:
        said = ", ".join(sorted(found)) or "none"
        raise SchemaMismatch(
            f"Table {VERSION_TABLE} must name one revision and names {said}:"
            " find out who changed it, and restore a backup."
        )
    return found[0]


def repairs(connection: Connection) -> tuple[str, ...]:
    """Give the statements that put right what can be: triggers, their functions, and indexes.

    Args:
        connection: any, to a database at the newest revision.

    Returns:
        The statements, in order.
    """
    return tuple(sql for each in _differences(connection) for sql in each.repair)


def _differences(connection: Connection) -> tuple[Difference, ...]:
    if connection.dialect.name == "sqlite":
        return shape.differences(connection)
    return catalogue.differences(connection)
