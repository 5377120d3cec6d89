"""What a decision costs must not grow with the ledger."""

import re
from pathlib import Path

import pytest

from consentgate.storage.glance import _QUESTION
from tests.functional.storage.place import database_at

LISTS = {"epochs": 1, "calls": 1, "hmacs": 2, "kinds": 3, "tenant_wide": 3}


@pytest.mark.sqlite_file  # its plans; in PostgreSQL a function goes step by step by keys
def test_every_step_of_the_question_goes_by_a_narrow_index(tmp_path: Path) -> None:
    with database_at(tmp_path) as database, database.read() as connection:
        statement = _QUESTION._made(tuple(LISTS.items()))
        values: dict[str, object] = {"tenant": "default", "last": b"\xff" * 16}
        values |= {f"{name}_{n}": b"" for name, length in LISTS.items() for n in range(length)}
        statement.rows(connection, values)
        compiled = statement._compiled["sqlite"]
        raw = connection.connection.dbapi_connection
        assert raw is not None
        cursor = raw.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {compiled.text}", compiled.arguments(values))
        steps = [row[3] for row in cursor.fetchall()]
    tables = [step for step in steps if re.search(r"\b(entry|entry_subject|subject_ref|data_key)\b", step)]
    assert len(tables) >= 9
    for step in tables:
        # The tenant alone is the whole ledger.
        assert re.match(r"SEARCH .*\(tenant=\? AND ", step), step
