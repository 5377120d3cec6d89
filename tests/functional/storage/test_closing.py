"""A database that was closed: nothing opens it again, and what is being read at that moment is read to its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event

from consentgate.errors import Unavailable
from consentgate.storage import deployment
from consentgate.storage.database import Database
from tests.functional.storage.place import database_at


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with database_at(tmp_path) as found:
        found.write(lambda connection: deployment.insert_fact(connection, "before", "1"))
        yield found


@pytest.fixture
def opened() -> Iterator[list[Connection]]:
    """Connections that any engine gives out from now on."""
    connections: list[Connection] = []

    def note(connection: Connection) -> None:
        connections.append(connection)

    event.listen(Engine, "engine_connect", note)
    yield connections
    event.remove(Engine, "engine_connect", note)


def test_closed_database_is_not_opened_again(database: Database, opened: list[Connection]) -> None:
    with database.read():
        assert len(opened) == 1
    database.close()
    with pytest.raises(Unavailable, match="closed"), database.read():
        pass
    with pytest.raises(Unavailable, match="closed"), database.glance():
        pass
    with pytest.raises(Unavailable, match="closed"):
        database.write(lambda _: None)
    with pytest.raises(Unavailable, match="closed"):
        database.write_each(lambda _: None)
    assert len(opened) == 1


def test_database_is_closed_as_often_as_one_likes(database: Database, opened: list[Connection]) -> None:
    database.close()
    database.close()
    assert opened == []


def test_what_is_being_read_is_read_to_its_end(database: Database, opened: list[Connection]) -> None:
    with database.read() as connection:
        database.close()
        assert "before" in deployment.facts(connection)
    assert [each.closed for each in opened] == [True]
