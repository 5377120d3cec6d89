"""The port behind `Database`: what belongs to one process and one kind of database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Store(Protocol):
    """Reads and writes of one process. A fork leaves it behind, and its connections with it."""

    def read(self) -> AbstractContextManager[Connection]:
        """Open one state of the database.

        Returns:
            A context with a connection that sees one committed state and cannot write.
        """
        ...

    def glance(self) -> AbstractContextManager[Connection]:
        """Open the database for single statements.

        Returns:
            A context with a connection of which each statement sees what is committed when it begins.
        """
        ...

    def write(self, work: Callable[[Connection], T], *, single: bool) -> T:
        """Run work in a transaction, durable on return; or, in doubt, look up whether it is.

        Args:
            work: what to do; it neither commits nor writes through the store again.
            single: whether it makes exactly one statement that writes, and none before it.

        Returns:
            What the work returned.
        """
        ...

    def write_each(self, work: Callable[[Connection], object]) -> None:
        """Run work once on each connection that has written.

        Args:
            work: what to do.
        """
        ...

    def close(self) -> None:
        """Finish what runs and close every connection."""
        ...
