"""A fresh database for each test that asks for one."""

from collections.abc import Iterator

import pytest

from consentgate.log.append import Lanes
from consentgate.moment import system_clock, system_random
from consentgate.storage.database import Database
from consentgate.storage.engines import open_engine
from consentgate.storage.patience import Patience
from tests.databases import Raw, Server, raw
from tests.integration.place import Ledger


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    made = postgres.database()
    yield made
    postgres.drop(made)


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    database = Database(open_engine(url), clock=system_clock, patience=Patience(turn=1.0))
    yield Ledger(url, database, Lanes(database, system_random))
    database.close()


@pytest.fixture
def behind(url: str) -> Iterator[Raw]:
    with raw(url) as connection:
        yield connection
