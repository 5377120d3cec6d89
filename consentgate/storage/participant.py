"""The port through which lanes follow the database: what is in memory must not outlive a rollback."""

from typing import Protocol

from sqlalchemy import Connection


class Participant(Protocol):
    """Something in memory that must follow what the database did, such as a lane.

    Marks are values: taking one changes nothing that another mark of the same state would show.
    """

    def mark(self, connection: Connection) -> object:
        """Remember the present state.

        Args:
            connection: the one that writes.

        Returns:
            The state.
        """
        ...

    def reset(self, connection: Connection, mark: object) -> None:
        """Go to a state that was marked, perhaps on an earlier connection.

        Args:
            connection: the one that writes from now on.
            mark: the state.
        """
        ...

    def landed(self, connection: Connection, before: object, after: object) -> bool | None:
        """Look up whether a commit in doubt happened; asked until the database answers.

        Args:
            connection: a new one.
            before: the state before the transaction.
            after: the state at its commit.

        Returns:
            Whether it did; None when nothing of this participant's was in it.
        """
        ...
