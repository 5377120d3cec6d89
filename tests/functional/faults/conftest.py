"""A PostgreSQL server behind a proxy."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import make_url

from tests.databases import Server
from tests.functional.faults.proxy import Proxy


@dataclass(frozen=True)
class Behind:
    """A database, by the front door and by the back.

    Attributes:
        url: through the proxy.
        real: past it.
    """

    server: Server
    proxy: Proxy
    url: str
    real: str


@contextmanager
def behind_of(server: Server) -> Iterator[Behind]:
    """Put a proxy before a fresh database of a server."""

    def connect() -> socket.socket:
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(server.folder / ".s.PGSQL.5432"))
        return far

    real = server.database()
    # The time of a test's clock goes before each statement; a loss is meant for what comes after it.
    proxy = Proxy(connect, counts=lambda sent: b"set_config" not in sent)
    url = make_url(real).set(host="127.0.0.1", port=proxy.port, query={})
    try:
        yield Behind(server, proxy, url.render_as_string(hide_password=False), real)
    finally:
        proxy.close()
        server.drop(real)


@pytest.fixture
def behind(postgres: Server) -> Iterator[Behind]:
    """A fresh database of the session's server, behind a proxy."""
    with behind_of(postgres) as made:
        yield made
