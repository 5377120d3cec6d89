"""A PostgreSQL server that takes questions and answers none: nobody waits for longer than the bound."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from consentgate.errors import Unavailable
from consentgate.moment import system_clock
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.patience import Patience
from tests.functional.faults.conftest import Behind

pytestmark = pytest.mark.postgres

BOUND = 0.3
ASK = text("SELECT 1")


@pytest.fixture
def database(behind: Behind) -> Iterator[Database]:
    """A database of little patience."""
    patience = Patience(connect=2, answer=BOUND, reading_answer=BOUND)
    opened = Database(open_engine(behind.url, patience), clock=system_clock, patience=patience)
    yield opened
    behind.proxy.set("pass")
    opened.close()


def write(database: Database) -> Any:
    return database.write(lambda connection: connection.execute(ASK).scalar())


def glance(database: Database) -> Any:
    with database.glance() as connection:
        return connection.execute(ASK).scalar()


def read(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(ASK).scalar()


@pytest.mark.parametrize("ask", [write, glance, read], ids=lambda ask: str(ask.__name__))
@pytest.mark.parametrize("used", [True, False], ids=["connected", "not yet connected"])
def test_server_that_never_answers_is_not_waited_for(
    behind: Behind, database: Database, ask: Callable[[Database], Any], used: bool
) -> None:
    if used:
        assert ask(database) == 1
    behind.proxy.set("stall")
    began = time.monotonic()
    with pytest.raises(Unavailable):
        ask(database)
    # A connection at most comes about besides.
    assert time.monotonic() - began < BOUND + 2 + 3
    behind.proxy.set("pass")
    assert ask(database) == 1
