"""A ledger on a real PostgreSQL, and a look behind its back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate.entries.leaf import Leaf, decode
from consentgate.log.append import Lanes
from consentgate.moment import system_clock
from consentgate.storage import stored
from consentgate.storage.database import Database
from consentgate.storage.postgres import PostgresSession
from tests.databases import Raw
from tests.functional.log.place import draft


@dataclass
class Ledger:
    url: str
    database: Database
    lanes: Lanes

    def append(self, connection: Connection) -> Any:
        return self.lanes.append(connection, draft(system_clock()))

    def leaves(self) -> list[Leaf]:
        with self.database.read() as connection:
            return [decode(row["leaf"]) for row in stored.entries(connection)]


def pid(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def backend_of(connection: Connection) -> int:
    """Like `pid`, without asking the server."""
    raw_connection: Any = connection.connection.dbapi_connection
    return int(raw_connection.info.backend_pid)


def cut_after(monkeypatch: pytest.MonkeyPatch, behind: Raw, method: str) -> None:
    """Let a session's next such statement reach the server, and lose the connection before its answer is heard."""
    whole: Callable[[PostgresSession], None] = getattr(PostgresSession, method)

    def cut(self: PostgresSession) -> None:
        monkeypatch.setattr(PostgresSession, method, whole)
        whole(self)
        end(behind, self.backend[0])
        self.connection.exec_driver_sql("SELECT 1")

    monkeypatch.setattr(PostgresSession, method, cut)


def end(behind: Raw, backend: int) -> None:
    assert behind.execute("SELECT pg_terminate_backend(?, 5000)", (backend,)).fetchone()[0]
