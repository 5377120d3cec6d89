"""Writes to a database by themselves, and a participant that follows them."""

from sqlalchemy import Connection

from consentgate.storage import deployment
from consentgate.storage.database import Database


def names(database: Database) -> set[str]:
    with database.read() as connection:
        return set(deployment.facts(connection))


def fact(database: Database, name: str) -> None:
    database.write(lambda c: deployment.insert_fact(c, name, "1"))


class Recorder:
    """A participant that counts what was inserted, as a lane does."""

    def __init__(self, answer: bool | None = None) -> None:
        self.count = 0
        self.answer = answer

    def mark(self, connection: Connection) -> object:
        assert not connection.closed
        return self.count

    def reset(self, connection: Connection, mark: object) -> None:
        assert isinstance(mark, int)
        assert not connection.closed
        self.count = mark

    def landed(self, connection: Connection, before: object, after: object) -> bool | None:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        return None if before == after else self.answer
