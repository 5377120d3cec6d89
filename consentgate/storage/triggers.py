"""The triggers that keep `INSERT_ONLY` tables insert-only, as DDL text for each database.

Invariants:

- No UPDATE, no DELETE; on PostgreSQL no TRUNCATE either, and the triggers also fire in replica mode.
- SQLite's ``INSERT OR REPLACE`` deletes a row without firing a DELETE trigger, so a BEFORE INSERT trigger
  refuses every row whose key exists. Its message is the name of the key, which is how `failures` learns
  which key it was on both databases.
- The text here is what the database stores, character for character; `shape` and `guards` compare the two.

They are guard rails against accidents and a compromised application. An owner of the database can drop them:
what that owner changes afterwards is found by verification against the signed log.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Table, UniqueConstraint

from consentgate.storage.functions import REFUSAL_FUNCTION
from consentgate.storage.tables import INSERT_ONLY, uq_entry_outcome

_PREFIX: Final = "consentgate"

# Bits of pg_trigger.tgtype: 1 row, 2 before, 8 delete, 16 update, 32 truncate.
_ROW_TRIGGER: Final = 1 | 2 | 8 | 16
_TRUNCATE_TRIGGER: Final = 2 | 32


def keys_of(table: Table) -> dict[str, tuple[tuple[str, ...], str]]:
    """List the unique keys of a table.

    Args:
        table: one of our tables.

    Returns:
        The columns of each key and the condition under which it holds ("" is always), by the key's name.
    """
    primary = tuple(column.name for column in table.primary_key.columns)
    keys = {str(table.primary_key.name or f"pk_{table.name}"): (primary, "")}
    uniques = [item for item in table.constraints if isinstance(item, UniqueConstraint)]
    for unique in sorted(uniques, key=lambda item: str(item.name)):
        keys[str(unique.name)] = (tuple(column.name for column in unique.columns), "")
    if table is uq_entry_outcome.table:
        keys[str(uq_entry_outcome.name)] = (("tenant", "re"), "kind = 'outcome'")
    return keys


def sqlite_triggers() -> dict[str, str]:
    """Give SQLite's triggers.

    Returns:
        The CREATE TRIGGER statement of each, by name.
    """
    return {name: sql for table in INSERT_ONLY for name, sql in _sqlite_triggers_of(table)}


def postgresql_triggers(table: Table) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Give PostgreSQL's triggers of a table: one against UPDATE and DELETE, one against TRUNCATE.

    Args:
        table: one of `INSERT_ONLY`.

    Returns:
        What ``pg_trigger.tgtype`` says of each, and the statements that make it, by name.
    """
    made: dict[str, tuple[int, tuple[str, ...]]] = {}
    for suffix, event, each, kind in (
        ("row", "UPDATE OR DELETE", "ROW", _ROW_TRIGGER),
        ("truncate", "TRUNCATE", "STATEMENT", _TRUNCATE_TRIGGER),
    ):
        name = f"{_PREFIX}_{table.name}_{suffix}"
        how = f"BEFORE {event} ON {table.name} FOR EACH {each} EXECUTE FUNCTION {REFUSAL_FUNCTION}()"
        made[name] = (
            kind,
            (
                f"DROP TRIGGER IF EXISTS {name} ON {table.name}",
                f"CREATE TRIGGER {name} {how}",
                f"ALTER TABLE {table.name} ENABLE ALWAYS TRIGGER {name}",
            ),
        )
    return made


def _sqlite_triggers_of(table: Table) -> Iterator[tuple[str, str]]:
    for event in ("UPDATE", "DELETE"):
        name = f"{_PREFIX}_{table.name}_{event.lower()}"
        refusal = f"SELECT RAISE(ABORT, '{_PREFIX}: {table.name} is insert-only')"
        yield name, f"CREATE TRIGGER {name} BEFORE {event} ON {table.name} BEGIN {refusal}; END"
    name = f"{_PREFIX}_{table.name}_insert"
    checks = " ".join(_exists_check(table.name, key, *what) for key, what in keys_of(table).items())
    yield name, f"CREATE TRIGGER {name} BEFORE INSERT ON {table.name} BEGIN {checks} END"


def _exists_check(table: str, key: str, columns: tuple[str, ...], condition: str) -> str:
    same = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
    scope = f" AND {condition} AND NEW.{condition}" if condition else ""
    return (
        f"SELECT RAISE(ABORT, '{_PREFIX}: key {key} exists')"  # noqa: S608  # names of our own tables
        f" WHERE EXISTS (SELECT 1 FROM {table} WHERE {same}{scope});"
    )
