"""Brings the fixtures that users get too, and the databases that tests run on."""

from collections.abc import Iterator

import pytest

from tests.databases import Kind, Server, server_at

pytest_plugins = ["consentgate.testing.plugin"]

BOTH = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The PostgreSQL server of this session."""
    with server_at(tmp_path_factory.mktemp("pg")) as server:
        yield server


@pytest.fixture(scope="session", params=BOTH)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which database a test runs on: it runs on both."""
    found: Kind = request.param
    return found


@pytest.fixture
def database_url(kind: Kind, request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a fresh database on the server; None for a SQLite file, which the test places itself."""
    if kind == "sqlite":
        yield None
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.database()
    yield url
    server.drop(url)
