"""Whatever a column holds, verification says so, and says all else as well.

SQLite keeps any value in any column. PostgreSQL keeps to the types, once its checks are gone: odd values of the right
type, and nothing at all.
"""

import sqlite3
import tempfile
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consentgate.cli.main import run
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY
from tests.acceptance.deployment import checked
from tests.functional.verify.place import Place

TABLES = {table.name: table for table in (*INSERT_ONLY, *DESTROYABLE)}
# This home has no anchor: test_anchors.py has one.
COLUMNS = sorted((t.name, column.name) for t in TABLES.values() for column in t.c if t.name != "anchor")
BAD_TEXT = "CAST(x'ff00fe' AS TEXT)"
ODD = [
    "'text'",
    "x'00'",
    "x''",
    "''",
    "7",
    "0.5",
    BAD_TEXT,
    "NULL",
    str(1 << 62),
    str(-(1 << 62)),
    "'\n\x1b\u2028'",
]
REFUSALS = (sqlite3.IntegrityError, psycopg.errors.IntegrityError, psycopg.errors.DataError)
REFUSED_TYPES = (psycopg.errors.DatatypeMismatch, psycopg.errors.CannotCoerce)

# Rows of entries may have other numbers, and the last of a table any number above the others.
FREE = {("entry", "ordinal")}


def set_value(place: Place, table: str, column: str, value: str, row: int) -> bool:
    """Set one value in one row; tells whether the database took it, and as another one."""
    if value == BAD_TEXT and place.server is not None:
        return False
    if value == "NULL":
        place.loosen(table)
    key = [each.name for each in TABLES[table].primary_key]
    order = ", ".join(f'"{name}"' for name in key)
    where = " AND ".join(f'"{name}" = ?' for name in key)
    kept = f'"{column}"::text' if place.server else f'typeof("{column}") || hex(CAST("{column}" AS BLOB))'
    with place.raw() as raw:
        count = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        values = raw.execute(
            f"SELECT {order} FROM {table} ORDER BY {order} LIMIT 1 OFFSET {row % count}"
        ).fetchone()
        before = raw.execute(f"SELECT {kept} FROM {table} WHERE {where}", values).fetchall()
        try:
            raw.execute(f'UPDATE {table} SET "{column}" = {value} WHERE {where}', values)
        except (*REFUSALS, *REFUSED_TYPES):
            return False
        # Where a column of the key was set, the row is under another one.
        return bool(raw.execute(f"SELECT {kept} FROM {table} WHERE {where}", values).fetchall() != before)


@pytest.mark.parametrize(("table", "column"), [each for each in COLUMNS if each not in FREE])
def test_each_column_may_hold_anything_and_hides_nothing(
    pristine: Place, tmp_path: Path, table: str, column: str
) -> None:
    taken = 0
    for number, value in enumerate(("x'00'", "7", BAD_TEXT if pristine.server is None else "NULL")):
        with pristine.copied(tmp_path / str(number)) as place:
            if set_value(place, table, column, value, 3):
                taken += 1
                verified = place.verify().verification
                assert verified.exit_code == 1, value
                assert [each.name for each in verified.levels][-1] == "links"
    assert taken


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    where=st.sampled_from([each for each in COLUMNS if each not in FREE]),
    value=st.sampled_from(ODD),
    row=st.integers(0, 400),
)
@example(where=("entry", "at"), value=str(1 << 62), row=0)
@example(where=("entry", "at"), value=str(-(1 << 62)), row=0)
@example(where=("tree_state", "size"), value=str(-(1 << 62)), row=0)
@example(where=("checkpoint", "at"), value=str(1 << 62), row=1)
@example(where=("data_key", "tenant"), value="x'00'", row=0)
@example(where=("deployment", "value"), value=BAD_TEXT, row=0)
def test_any_value_anywhere_is_a_finding_and_never_an_error(
    pristine: Place, where: tuple[str, str], value: str, row: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pristine.copied(Path(folder) / "copy") as place:
        taken = set_value(place, *where, value, row)
        assert place.exit() in ({1, 3} if taken else {0, 1, 3})


@pytest.mark.parametrize("value", [BAD_TEXT, str(1 << 62), "x'ff'", "NULL", "'\n\x1b\u2028'"])
@pytest.mark.parametrize("column", ["end", "kind", "parts", "tenant", "at", "ordinal"])
def test_odd_values_can_be_printed(
    place: Place, capsys: pytest.CaptureFixture[str], column: str, value: str
) -> None:
    if column == "ordinal" and not value.isdecimal():
        value = str(-(1 << 62))
    if not set_value(place, "entry", column, value, 100):
        # Nothing but PostgreSQL refuses a value, and only for its type.
        assert place.server is not None
        return
    assert run(["verify", "--home", str(place.home), "--json"]) == 1
    document = checked(capsys.readouterr().out)
    assert (document["exit"], document["result"]["entries"]) == (1, 313)
    assert run(["verify", "--home", str(place.home)]) == 1
    assert "broken" in capsys.readouterr().out
