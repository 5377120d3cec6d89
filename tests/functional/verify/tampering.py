"""Ways to tamper with a row, and the rows of a story that cases do it to."""

from collections.abc import Callable
from typing import TypeAlias

from tests.functional.verify.damage import changing
from tests.functional.verify.place import Place

Tamper: TypeAlias = Callable[[Place], None]

Cases: TypeAlias = dict[str, tuple[Tamper, list[str]]]
"""What is done to which table, and what is found then, as `notation` writes it."""

STATEMENT = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal LIMIT 1)"
WITHDRAWAL = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal DESC LIMIT 1)"
GRANT = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal DESC LIMIT 1 OFFSET 1)"
NAMED_LATER = (
    f"(SELECT subject FROM entry_subject WHERE entry = {WITHDRAWAL}"
    f" INTERSECT SELECT subject FROM entry_subject WHERE entry = {GRANT})"
)
OF_STATEMENT = f"(SELECT subject FROM entry_subject WHERE entry = {STATEMENT})"
OF_OUTCOME = (
    "(SELECT subject FROM entry_subject WHERE kind = 'outcome' AND subject IN (SELECT subject FROM data_key))"
)
A_CALL = (
    "(SELECT s.subject FROM entry_subject s JOIN entry e ON e.id = s.entry WHERE e.kind = 'call'"
    " AND s.subject NOT IN (SELECT subject FROM data_key) ORDER BY e.ordinal LIMIT 1)"
)
SOMEBODY = "(SELECT subject FROM data_key ORDER BY subject DESC LIMIT 1)"
MIDDLE = "(SELECT ordinal FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal LIMIT 1 OFFSET 150)"
LANE = f"(SELECT w FROM entry WHERE ordinal = {MIDDLE})"
PACK = "(SELECT digest FROM artifact WHERE kind = 'pack' ORDER BY digest DESC LIMIT 1)"
OTHER_PACK = "(SELECT digest FROM artifact WHERE kind = 'pack' ORDER BY digest LIMIT 1)"
NOTICE = "'voiceprint-1'"
OTHER_NOTICE = "'voiceprint-2'"
TEXT = f"(SELECT digest FROM notice WHERE id = {NOTICE})"
EPOCH = "'log_origin.1'"


def flipped(column: str, at: int = 1) -> str:
    """The bytes of a column, the one at a place put to another value."""
    return (
        f"CAST(substr({column}, 1, {at - 1}) AS BLOB) ||"
        f" CASE substr({column}, {at}, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr({column}, {at + 1})"
    )


def flip(table: str, column: str, where: str = "TRUE") -> str:
    return f"UPDATE {table} SET {column} = CAST({flipped(column)} AS BLOB) WHERE {where}"


def sql(*statements: str) -> Tamper:
    def tamper(place: Place) -> None:
        with changing(place):
            place.sql(*statements)

    return tamper


def swap(table: str, column: str, one: str, other: str) -> Tamper:
    """Exchange the values of a column in two rows, whatever keys stand against it."""

    def tamper(place: Place) -> None:
        place.loosen(table)
        first = f"(SELECT {column} FROM {table} WHERE {{}} ORDER BY {column} LIMIT 1)"
        place.sql(
            f"CREATE TABLE kept AS SELECT {first.format(one)} AS one, {first.format(other)} AS other",
            f"UPDATE {table} SET {column} = CASE WHEN {one} THEN (SELECT other FROM kept)"
            f" ELSE (SELECT one FROM kept) END WHERE {one} OR {other}",
            "DROP TABLE kept",
        )

    return tamper


def twice(table: str, where: str = "TRUE") -> Tamper:
    """Put one row of a table into it again."""

    def tamper(place: Place) -> None:
        place.loosen(table)
        place.sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE {where} LIMIT 1")

    return tamper


def typed(table: str, column: str, value: str, where: str = "TRUE") -> Tamper:
    """Put a value of another type into a column: PostgreSQL has none to put there but nothing at all."""

    def tamper(place: Place) -> None:
        if place.server is not None:
            place.loosen(table)
        put = value if place.server is None else "NULL"
        place.sql(f"UPDATE {table} SET {column} = {put} WHERE {where}")

    return tamper
