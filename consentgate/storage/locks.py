"""Locks that order a withdrawal against an intent: numbers that stand for references, calls and the controller.

Invariants: one transaction asks for all its numbers at once and takes them in ascending order, so that two never wait
for each other in a circle; one that learns under its locks that it needs more gives them back first. A transaction
reads what a lock guards in a later statement than the one that took it. On SQLite the write lock, which every write
transaction holds from its start, is all of them.
"""

from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, func, select

from consentgate.storage.failures import translated
from consentgate.storage.functions import LOCK_FUNCTION

_HOLD: Final = select(
    getattr(func, LOCK_FUNCTION)(
        bindparam("shared", type_=ARRAY(BigInteger)), bindparam("alone", type_=ARRAY(BigInteger))
    )
)

_MARK: Final = "SAVEPOINT consentgate_locks"
_GIVE_BACK: Final = "ROLLBACK TO SAVEPOINT consentgate_locks"


def hold(connection: Connection, *, shared: Collection[int] = (), alone: Collection[int] = ()) -> None:
    """Take locks until the end of the transaction.

    Args:
        connection: of `Database.write`, before anything that the locks guard is read.
        shared: numbers that others may share.
        alone: numbers that nobody else may hold meanwhile.

    Raises:
        Unavailable: another transaction held one of them for too long.
    """
    if not are_needed(connection):
        return
    with translated():
        connection.execute(_HOLD, {"shared": sorted(set(shared) - set(alone)), "alone": sorted(set(alone))})


def hold_settled(connection: Connection, wanted: Callable[[], Collection[int]]) -> None:
    """Take locks of which only who holds them knows which they are, for oneself alone, until the transaction ends.

    Args:
        connection: of `Database.write`, not of a single statement, before anything else is locked.
        wanted: reads which numbers are needed; asked again under the locks until it wants no more.

    Raises:
        Unavailable: another transaction held one of them for too long.
    """
    held: frozenset[int] = frozenset()
    more = frozenset(wanted())
    while are_needed(connection) and not more <= held:
        with translated():
            # Locks go with the savepoint that they were taken after: so the larger set is in order too.
            connection.exec_driver_sql(_GIVE_BACK if held else _MARK)
        held |= more
        hold(connection, alone=held)
        more = frozenset(wanted())


def are_needed(connection: Connection) -> bool:
    """Say whether a transaction has to take locks of its own.

    Args:
        connection: the one that writes.

    Returns:
        False where the write lock is all of them.
    """
    return connection.dialect.name != "sqlite"
