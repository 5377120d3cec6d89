"""Whether the database still is what the migrations made: revision, tables, indexes, triggers, clock.

Invariant: every problem is found in one go, and each says what to run. A trigger that we did not write counts
as much as one that is missing: it could drop rows in silence.
"""

from typing import Final

from sqlalchemy import Connection, inspect, select, text

from consentgate.errors import SchemaMismatch
from consentgate.storage import shape
from consentgate.storage.failures import translated
from consentgate.storage.tables import (
    ACCEPTED_REVISIONS,
    INSERT_ONLY,
    VERSION_TABLE,
    metadata,
    version_table,
)
from consentgate.storage.triggers import POSTGRESQL_BODIES, postgresql_repairs, postgresql_trigger_names

_UPGRADE: Final = "run `consentgate db upgrade`"
_POSTGRESQL_TRIGGERS: Final = text(
    "SELECT c.relname, t.tgname, t.tgenabled::text, p.proname FROM pg_trigger t"
    " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid"
    " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
)
_POSTGRESQL_FUNCTIONS: Final = text(
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
)
_POSTGRESQL_TABLES: Final = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


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
        if connection.dialect.name == "sqlite":
            return tuple(each.problem for each in shape.differences(connection))
        return _postgresql_problems(connection)


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
    if connection.dialect.name == "sqlite":
        return tuple(sql for each in shape.differences(connection) for sql in each.repair)
    return postgresql_repairs()


def _postgresql_problems(connection: Connection) -> tuple[str, ...]:
    tables = {row[0] for row in connection.execute(_POSTGRESQL_TABLES)}
    found = [f"Table {name} is missing: restore a backup." for name in metadata.tables if name not in tables]
    functions = {row[0]: row[1] for row in connection.execute(_POSTGRESQL_FUNCTIONS)}
    for name, body in POSTGRESQL_BODIES.items():
        if functions.get(name) != body:
            found.append(f"Function {name} is missing or altered: {shape.REPAIR}.")
    stored = {
        (row[0], row[1]): (row[2], row[3])
        for row in connection.execute(_POSTGRESQL_TRIGGERS)
        if row[0] in metadata.tables
    }
    expected = {(table.name, name) for table in INSERT_ONLY for name in postgresql_trigger_names(table)}
    for table_name, name in sorted(expected):
        # "A" is ENABLE ALWAYS: also under session_replication_role = replica.
        if stored.get((table_name, name)) != ("A", "consentgate_refuse_change"):
            found.append(f"Trigger {name} is missing, off or altered: {shape.REPAIR}.")
    found += [
        f"Trigger {name} on table {table_name} is not ours: find out what it does and drop it."
        for table_name, name in sorted(set(stored) - expected)
    ]
    return tuple(found)
