"""Homes by the machine's clock, each with a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from tests.databases import Server, server


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A PostgreSQL server of the test's own, to do harm to."""
    with server() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Settings:
    """A home in a database of the session's server, or in a file."""
    return make_home_at(tmp_path, database_url)


def make_home_at(folder: Path, url: str | None) -> Settings:
    """Make a home; where its database is stands in its settings, so that other processes find it."""
    return make_home(folder / "home", controller="acme", database=url or "sqlite:///consentgate.db").settings
