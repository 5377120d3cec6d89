"""The line that writes: one connection, and the lanes that follow what became of its transactions.

Invariant: while the fate of a commit is not known the line stays shut: it opens again only on a connection that
could be asked, with every participant where the answer puts it.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from consentgate.errors import ConsentGateError, Unavailable
from consentgate.storage.failures import translated
from consentgate.storage.participant import Participant
from consentgate.storage.sqlite import SqliteSession

Marks: TypeAlias = list[tuple[Participant, object]]
"""Each participant's state at one moment."""


class Line:
    """A connection that opens when it is needed; used by whoever has the writer's turn.

    Attributes:
        session: the open connection, or None.
    """

    def __init__(self, opener: Callable[[], SqliteSession], participants: Sequence[Participant]) -> None:
        """Prepare; nothing is opened yet.

        Args:
            opener: opens a connection that may write.
            participants: who follows; may grow.
        """
        self._opener = opener
        self._participants = participants
        self.session: SqliteSession | None = None
        self._carried: Marks = []
        # Of a commit whose fate is not known: each participant's state before and after it.
        self._doubt: list[tuple[Participant, object, object]] = []

    def open(self) -> SqliteSession:
        """Give the open connection.

        Returns:
            It, with participants where they belong.

        Raises:
            Unavailable: the database is out of reach, or cannot tell what became of an earlier commit.
        """
        if self.session is not None:
            return self.session
        try:
            session, _ = self._reopen()
        except ConsentGateError as failure:
            if not self._doubt:
                raise
            raise Unavailable(
                f"Nothing is written until it is known whether an earlier write was made. {failure}"
            ) from failure
        return session

    def marks(self, session: SqliteSession) -> Marks:
        """Take every participant's mark.

        Args:
            session: the open connection.

        Returns:
            The marks.
        """
        return [(participant, participant.mark(session.connection)) for participant in self._participants]

    def lost(self, before: Marks) -> None:
        """Close after a transaction that the database dropped.

        Args:
            before: the marks before it.
        """
        self.drop()
        self._carried = before

    def part(self) -> None:
        """Close between two transactions; what opens next goes on where this one was."""
        if self.session is not None:
            self.lost(self.marks(self.session))

    def settled(self, session: SqliteSession, before: Marks) -> bool | None:
        """Close after a commit that failed, and find out on a new connection what became of it.

        Args:
            session: the connection that it failed on.
            before: the marks before the transaction.

        Returns:
            Whether it happened; None when nobody can tell, now or ever.
        """
        self._carried = before
        self._doubt = [(each, old, each.mark(session.connection)) for each, old in before]
        self.drop()
        try:
            _, landed = self._reopen()
        except ConsentGateError:
            return None
        return landed

    def drop(self) -> None:
        """Close the connection, if one is open; what is not committed is gone."""
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def _reopen(self) -> tuple[SqliteSession, bool | None]:
        """Connect, and let the lanes follow; with it, whether a commit in doubt happened, None if none can tell."""
        session = self._opener()
        try:
            with translated():
                answers = [each.landed(session.connection, old, new) for each, old, new in self._doubt]
        except ConsentGateError:
            session.close()
            raise
        landed = True if True in answers else False if False in answers else None
        if landed:
            self._carried = [(each, new) for each, _, new in self._doubt]
        self._doubt = []
        self.session = session
        reset(session, self._carried)
        return session, landed


def reset(session: SqliteSession, marks: Marks) -> None:
    """Put participants back.

    Args:
        session: the connection that writes from now on.
        marks: where to.
    """
    for participant, mark in marks:
        participant.reset(session.connection, mark)
