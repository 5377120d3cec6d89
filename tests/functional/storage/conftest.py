"""Everything here runs on both databases, but what is about a SQLite file as such."""

import pytest


@pytest.fixture(autouse=True)
def both(on_database: None) -> None:
    """Run each test on SQLite and on PostgreSQL."""
