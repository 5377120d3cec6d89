"""SQLite keeps any value in any column: whatever it is, verification says so, and says all else as well."""

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from consentgate.cli.main import run
from consentgate.storage.tables import DESTROYABLE, INSERT_ONLY
from tests.acceptance.deployment import checked
from tests.functional.verify.place import Place

COLUMNS = sorted((table.name, column.name) for table in (*INSERT_ONLY, *DESTROYABLE) for column in table.c)
BAD_TEXT = "CAST(x'ff00fe' AS TEXT)"
ODD = [
    "'text'",
    "x'00'",
    "x''",
    "''",
    "7",
    "0.5",
    BAD_TEXT,
    str(1 << 62),
    str(-(1 << 62)),
    "char(10, 27, 8232)",
]

# Rows of entries may have other numbers, and the last of a table any number above the others.
FREE = {("entry", "ordinal")}


def set_value(place: Place, table: str, column: str, value: str, row: int) -> bool:
    """Set one value in one row; tells whether the database took it, and as another one."""
    with place.raw() as raw:
        key = [name for _, name, _, _, _, part in raw.execute(f"PRAGMA table_info({table})") if part]
        count = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        order = ", ".join(f'"{name}"' for name in key)
        where = " AND ".join(f'"{name}" = ?' for name in key)
        found = raw.execute(f"SELECT {order} FROM {table} ORDER BY {order} LIMIT 1 OFFSET ?", (row % count,))
        values = found.fetchone()
        same = (
            f'SELECT typeof("{column}") = typeof({value}) AND "{column}" = {value} FROM {table} WHERE {where}'
        )
        if raw.execute(same, values).fetchone()[0]:
            return False
        try:
            raw.execute(f'UPDATE {table} SET "{column}" = {value} WHERE {where}', values)
        except sqlite3.IntegrityError:
            return False
        return True


@pytest.mark.parametrize(("table", "column"), [each for each in COLUMNS if each not in FREE])
def test_each_column_may_hold_anything_and_hides_nothing(place: Place, table: str, column: str) -> None:
    kept = place.database.read_bytes()
    for value in ("x'00'", "7", BAD_TEXT):
        place.database.write_bytes(kept)
        if set_value(place, table, column, value, 3):
            verified = place.verify().verification
            assert verified.exit_code == 1, value
            assert [each.name for each in verified.levels][-1] == "links"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
    with tempfile.TemporaryDirectory() as folder:
        place = pristine.copied(Path(folder) / "copy")
        taken = set_value(place, *where, value, row)
        assert place.exit() in ({1, 3} if taken else {0, 1, 3})


@pytest.mark.parametrize("value", [BAD_TEXT, str(1 << 62), "x'ff'", "char(10, 27, 8232)"])
@pytest.mark.parametrize("column", ["end", "kind", "parts", "tenant", "at", "ordinal"])
def test_odd_values_can_be_printed(
    place: Place, capsys: pytest.CaptureFixture[str], column: str, value: str
) -> None:
    if column == "ordinal" and not value.isdecimal():
        value = str(-(1 << 62))
    assert set_value(place, "entry", column, value, 100)
    assert run(["verify", "--home", str(place.home), "--json"]) == 1
    document = checked(capsys.readouterr().out)
    assert (document["exit"], document["result"]["entries"]) == (1, 313)
    assert run(["verify", "--home", str(place.home)]) == 1
    assert "broken" in capsys.readouterr().out
