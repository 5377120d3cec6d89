"""Everything here runs on both databases, but what is about a SQLite file as such."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consentgate.storage.database import Database
from tests.functional.storage.place import database_at


@pytest.fixture(autouse=True)
def both(on_database: None) -> None:
    """Run each test on SQLite and on PostgreSQL."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database, by the system's clock."""
    with database_at(tmp_path) as found:
        yield found
