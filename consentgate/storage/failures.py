"""What a database error means to us: translated once, at the boundary, and never with the values of a row.

Invariant: no message of this module carries a parameter of a statement; they hold ciphertext, pseudonyms and
keyed hashes, and an exception ends up in somebody's log.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeGuard

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from consentgate.errors import ConsentGateError, Damaged, SchemaMismatch, Unavailable

# SQLite: our triggers' message. PostgreSQL: psycopg names the constraint in quotes.
_KEY: Final = re.compile(r"(?:key |constraint \")((?:pk|uq)_[a-z_]+)")
# A table without our triggers has one unique key, and SQLite names its columns.
_PRIMARY: Final = re.compile(r"unique constraint failed: ([a-z_]+)\.")
_NO_SCHEMA: Final = ("no such table", "no such column", "does not exist", "no such function")
# Why psycopg did not connect; such an error carries no SQLSTATE.
_CONNECTING: Final = re.compile("connection (failed|timeout|to server)")
_CONNECT_CAUSES: Final = (
    ('database "', "there is no database of this name: check the URL, or make it"),
    ('role "', "user or password are wrong: check the URL"),
    ("authentication", "user or password are wrong: check the URL"),
    ("too many clients", "it has no connection left: raise max_connections, or use fewer processes"),
)
LOCKED: Final = "another process held the database's write lock for too long"
"""How an error says that a SQLite file was busy."""

_CAUSES: Final = (
    ("full", "the disk, or the size allowed to the database, is full: free some space"),
    ("locked", LOCKED),
    ("busy", LOCKED),
    ("readonly", "the database file cannot be written: check its owner and mode, and those of its folder"),
    ("unable to open", "the database file cannot be opened: check the path and its folder's mode"),
    ("disk i/o", "reading or writing the database file failed: check the disk"),
    ("not a database", "the file is not a database: check the path"),
    ("insert-only", "a row of an insert-only table was to be changed: that is refused"),
)


# PostgreSQL's SQLSTATE, or how it begins; the first that fits.
_AGAIN_STATES: Final = ("40001", "40P01")
# A page, an index or an inner structure that cannot be what was written.
_DAMAGED_STATES: Final = ("XX001", "XX002")
_NO_SCHEMA_STATES: Final = ("42P01", "42703", "42883", "3F000")
_STATE_CAUSES: Final = (
    ("55P03", "another transaction held a lock for too long"),
    ("57014", "a statement took too long"),
    ("25006", "the server takes no writes: is it the primary?"),
    ("23001", "a row of an insert-only table was to be changed: that is refused"),
    ("23000", "a row of an insert-only table was to be changed: that is refused"),
    ("23", "a row breaks one of its constraints"),
    ("28", "user or password are wrong: check the URL"),
    ("3D000", "there is no database of this name: check the URL, or make it"),
    ("42501", "the database user lacks a right: grant it what the deployment guide lists"),
    ("53100", "its disk is full: free some space"),
    ("53300", "it has no connection left: raise max_connections, or use fewer processes"),
    ("57P", "it was shut down, or ended the connection"),
    ("08", "the connection was lost"),
)
# Rows that two callers make at once who both came first; done again, the second finds the first one's.
_FIRST: Final = frozenset(
    ("pk_subject_ref", "pk_artifact", "pk_notice", "uq_statement_key", "uq_entry_outcome")
)


class Duplicate(ConsentGateError):
    """A row with this key is already there; the caller knows what that means.

    Attributes:
        key: name of the unique key, for example ``uq_entry_id``.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"A row with the same key is already in the database ({key}).")

    def __reduce__(self) -> tuple[type["Duplicate"], tuple[str]]:
        return type(self), (self.key,)


class InTheWay(Unavailable):
    """Two transactions were in each other's way, and the database ended this one: it may be done again."""


def is_repeatable(failure: Exception) -> TypeGuard[ConsentGateError]:
    """Tell whether work that failed may be done again, with nothing of it written.

    Args:
        failure: as `translate` gives it.

    Returns:
        True where two transactions were in each other's way, or made the same row for the first time.
    """
    return isinstance(failure, InTheWay) or (isinstance(failure, Duplicate) and failure.key in _FIRST)


def translate(error: Exception) -> ConsentGateError:
    """Say what a database error means to whoever must act.

    Args:
        error: an error of SQLAlchemy or of the driver itself.

    Returns:
        The error to raise in its place: `Duplicate`, `SchemaMismatch`, `InTheWay`, `Damaged` or `Unavailable`.
    """
    driver = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(driver).lower()
    key = _KEY.search(text)
    if key is not None:
        return Duplicate(key[1])
    state = getattr(driver, "sqlstate", None)
    if isinstance(state, str):
        return _of_state(state, type(driver).__name__)
    if _CONNECTING.search(text):
        found = (cause for words, cause in _CONNECT_CAUSES if words in text)
        return Unavailable(f"The database is out of reach: {next(found, 'check URL, server and network')}.")
    primary = _PRIMARY.search(text)
    if primary is not None:
        return Duplicate(f"pk_{primary[1]}")
    if any(words in text for words in _NO_SCHEMA):
        return SchemaMismatch()
    if "malformed" in text:
        return Damaged()
    for words, cause in _CAUSES:
        if words in text:
            return Unavailable(f"The database refused: {cause}.")
    kind = type(driver).__name__
    if isinstance(error, IntegrityError):
        return Unavailable(f"The database refused a row that breaks one of its constraints ({kind}).")
    return Unavailable(f"The database is out of reach or failed ({kind}).")


def _of_state(state: str, kind: str) -> ConsentGateError:
    """Say what an error of PostgreSQL means, by its SQLSTATE."""
    if state in _AGAIN_STATES:
        return InTheWay()
    if state in _NO_SCHEMA_STATES:
        return SchemaMismatch()
    if state in _DAMAGED_STATES:
        return Damaged()
    for prefix, cause in _STATE_CAUSES:
        if state.startswith(prefix):
            return Unavailable(f"The database refused: {cause}.")
    return Unavailable(f"The database is out of reach or failed ({kind}).")


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors in place of the database's.

    Yields:
        Nothing; run database work inside.

    Raises:
        Duplicate: a row with the same unique key exists.
        Damaged: what was stored cannot be read back.
        SchemaMismatch: a table, column or function is missing.
        Unavailable: the database refused or is out of reach.
    """
    try:
        yield
    except UnicodeDecodeError:
        # PostgreSQL checks text when it takes it, not when it gives it back; the error holds the text.
        raise Damaged from None
    except SQLAlchemyError as error:
        # Without the cause: SQLAlchemy's text shows the statement's parameters.
        raise translate(error) from None
