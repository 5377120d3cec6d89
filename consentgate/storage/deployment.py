"""Rows of `deployment`, and the database's clock.

Invariant: a fact, once written, stays: the table is insert-only. That is what marks a test database for ever.
"""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, text

from consentgate.entries import epoch
from consentgate.storage.failures import translated
from consentgate.storage.functions import CLOCK_FUNCTION, TEST_CLOCK
from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.tables import deployment

TEST_DATABASE: Final = "test_database"
"""Present, with value "yes", once a test clock was ever used on this database."""

LOG_ORIGIN: Final = epoch.ORIGIN
"""Origin of log 0, which is also the name of its key; those of epochs are named by `epoch.origin_fact`."""

_INSERT: Final = Prepared(insert(deployment))
_FACT: Final = Prepared(select(deployment.c.value).where(deployment.c.name == bindparam("name")))
_FACTS: Final = Prepared(select(deployment.c.name, deployment.c.value).order_by(deployment.c.name))
_NOW: Final = Prepared(text(f"SELECT {CLOCK_FUNCTION}()"))


def fact(connection: Connection, name: str) -> str | None:
    """Read a fact about this database.

    Args:
        connection: any.
        name: of the fact.

    Returns:
        Its value, or None.
    """
    found = first_of(_FACT.rows(connection, {"name": name}))
    return found[0] if found else None


def facts(connection: Connection) -> dict[str, str]:
    """Read every fact about this database.

    Args:
        connection: any.

    Returns:
        The values by name.
    """
    return {row[0]: row[1] for row in _FACTS.rows(connection, {})}


def current_log(connection: Connection) -> int:
    """Say which log of this database grows.

    Args:
        connection: any.

    Returns:
        Its number: 0, or that of the last epoch.
    """
    return epoch.current_log(facts(connection))


def insert_fact(connection: Connection, name: str, value: str) -> None:
    """Write a fact that then stands for ever.

    Args:
        connection: of `Database.write`.
        name: of the fact.
        value: of the fact.

    Raises:
        Duplicate: the fact has a value (key ``pk_deployment``).
        Unavailable: the database refused.
    """
    _INSERT.run(connection, {"name": name, "value": value})


def is_test_database(connection: Connection) -> bool:
    """Say whether a test clock was ever used on this database.

    Args:
        connection: any.

    Returns:
        Whether the mark is there.
    """
    return fact(connection, TEST_DATABASE) is not None


def mark_test_database(connection: Connection) -> None:
    """Mark the database as a test database for ever; on PostgreSQL its clock follows the test's from now on.

    Args:
        connection: of a transaction that writes.

    Raises:
        Unavailable: the database refused.
    """
    if is_test_database(connection):
        return
    insert_fact(connection, TEST_DATABASE, "yes")
    if connection.dialect.name != "sqlite":
        with translated():
            connection.exec_driver_sql(TEST_CLOCK)


def now(connection: Connection) -> int:
    """Ask the database what time it is.

    Args:
        connection: any.

    Returns:
        Milliseconds since 1970, UTC.
    """
    return int(_NOW.rows(connection, {})[0][0])
