"""Whether the database still is what the migrations made: revision, tables, triggers, clock.

Invariant: every problem is found in one go, and each says what to run. A trigger that we did not write counts
as much as one that is missing: it could drop rows in silence.
"""

from typing import Final

from sqlalchemy import Connection, inspect, text

from consentgate.storage.failures import translated
from consentgate.storage.tables import ACCEPTED_REVISIONS, INSERT_ONLY, VERSION_TABLE, metadata
from consentgate.storage.triggers import (
    POSTGRESQL_BODIES,
    postgresql_trigger_names,
    sqlite_outcome_index,
    sqlite_triggers,
)

_UPGRADE: Final = "run `consentgate db upgrade`"
_REPAIR: Final = "find out who changed it, then run `consentgate db upgrade`, which repairs it"
_SQLITE_OBJECTS: Final = text("SELECT type, name, tbl_name, sql FROM sqlite_master")
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
    revision = revision_of(connection)
    if revision is None:
        return (f"The database has no consentgate schema: {_UPGRADE}.",)
    if revision not in ACCEPTED_REVISIONS:
        wrong = f"The database is at revision {revision}, this version needs {ACCEPTED_REVISIONS[0]}"
        return (f"{wrong}: {_UPGRADE}; if the revision is newer, install the newer consentgate.",)
    with translated():
        if connection.dialect.name == "sqlite":
            return _sqlite_problems(connection)
        return _postgresql_problems(connection)


def revision_of(connection: Connection) -> str | None:
    """Read which migration the database is at.

    Args:
        connection: any.

    Returns:
        The revision; None without our schema.

    Raises:
        Unavailable: the database cannot be read.
    """
    with translated():
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # constant
    return None if found is None else str(found)


def _sqlite_problems(connection: Connection) -> tuple[str, ...]:
    found: list[str] = []
    stored = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(_SQLITE_OBJECTS)}
    found += [
        f"Table {name} is missing: restore a backup."
        for name in metadata.tables
        if ("table", name) not in stored
    ]
    expected = sqlite_triggers()
    for name, sql in expected.items():
        _, now = stored.get(("trigger", name), ("", None))
        if now != sql:
            found.append(f"Trigger {name} is {'missing' if now is None else 'altered'}: {_REPAIR}.")
    for (kind, name), (table, _) in stored.items():
        if kind == "trigger" and table in metadata.tables and name not in expected:
            found.append(f"Trigger {name} on table {table} is not ours: find out what it does and drop it.")
    if stored.get(("index", "uq_entry_outcome"), ("", None))[1] != sqlite_outcome_index():
        found.append("Index uq_entry_outcome is missing or altered: restore a backup.")
    return tuple(found)


def _postgresql_problems(connection: Connection) -> tuple[str, ...]:
    tables = {row[0] for row in connection.execute(_POSTGRESQL_TABLES)}
    found = [f"Table {name} is missing: restore a backup." for name in metadata.tables if name not in tables]
    functions = {row[0]: row[1] for row in connection.execute(_POSTGRESQL_FUNCTIONS)}
    for name, body in POSTGRESQL_BODIES.items():
        if functions.get(name) != body:
            found.append(f"Function {name} is missing or altered: {_REPAIR}.")
    stored = {
        (row[0], row[1]): (row[2], row[3])
        for row in connection.execute(_POSTGRESQL_TRIGGERS)
        if row[0] in metadata.tables
    }
    expected = {(table.name, name) for table in INSERT_ONLY for name in postgresql_trigger_names(table)}
    for table_name, name in sorted(expected):
        # "A" is ENABLE ALWAYS: also under session_replication_role = replica.
        if stored.get((table_name, name)) != ("A", "consentgate_refuse_change"):
            found.append(f"Trigger {name} is missing, off or altered: {_REPAIR}.")
    found += [
        f"Trigger {name} on table {table_name} is not ours: find out what it does and drop it."
        for table_name, name in sorted(set(stored) - expected)
    ]
    return tuple(found)
