"""How long the database is waited for, in seconds: what a deployment sets, with its defaults.

Invariant: an answer is waited for longer than the server works for it, so that a server that works ends a statement
itself, and its connection is kept.
"""

from typing import Final

from consentgate.values import dataclass

LIFE_SECONDS: Final = 10.0
"""After so long nothing is under way that a lost connection began, unless a setting lets it last longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each thing may take.

    Attributes:
        turn: until a write, and on PostgreSQL a question, has its turn in this process.
        connect: until a connection to PostgreSQL came about, where its address does not say.
        statement: a statement on PostgreSQL.
        lock: waiting for a lock on PostgreSQL.
        idle: a transaction on PostgreSQL in which nothing is done.
        answer: until PostgreSQL answered, whether or not it works.
        reading: a statement that reads for lists and verification.
        reading_answer: until such a one was answered.
        busy: another process's lock on a SQLite file, and the turns of this process's threads at it.
        fork: until what is being read or written in SQLite ended, before this process is forked.
    """

    turn: float = 5.0
    connect: float = 5.0
    statement: float = 5.0
    lock: float = 4.0
    idle: float = 5.0
    answer: float = 7.0
    reading: float = 60.0
    reading_answer: float = 65.0
    busy: float = 5.0
    fork: float = 5.0

    @property
    def life(self) -> float:
        """After so long nothing is under way any more that a lost connection of these times began."""
        return max(LIFE_SECONDS, self.statement + self.idle)


DEFAULT: Final = Patience()
