"""A bound on the answers of a PostgreSQL server, kept on this side of the connection.

A server that hangs, and a network that swallows its answers, keep no time-out that the server was told. Invariant: a
question that outlasts its bound ends as a lost connection does, and the connection is closed: what was asked may
have been done, and nothing is ever read as the answer to another question.
"""

import time
from collections.abc import Generator
from typing import Any


class Bounded:
    """psycopg's way to wait for an answer, for so long; it stands in the place of the connection's own.

    Attributes:
        seconds: how long, from now on.
    """

    def __init__(self, raw: Any, lost: type[Exception], seconds: float) -> None:
        """Take a connection in hand.

        Args:
            raw: psycopg's connection.
            lost: the driver's error for a lost connection.
            seconds: how long to wait.
        """
        self.seconds = seconds
        self._lost = lost
        self._wait = raw.wait
        self._close = raw.close

    def __call__(self, asked: Any, *more: Any, **named: Any) -> Any:
        """Wait for an answer.

        Args:
            asked: psycopg's own steps.
            *more: what else psycopg says.
            **named: likewise.

        Returns:
            The answer.
        """
        return self._wait(self._within(asked), *more, **named)

    def _within(self, asked: Any) -> Generator[Any, Any, Any]:
        """Take the steps: each gives what it waits for, and is told what came, or a few times a second: nothing."""
        until = time.monotonic() + self.seconds
        try:
            wanted = next(asked)
            while True:
                came = yield wanted
                if not came and time.monotonic() >= until:
                    self._close()
                    raise self._lost(f"connection lost: no answer within {self.seconds:g} s")
                wanted = asked.send(came)
        except StopIteration as end:
            return end.value


def bounded(raw: Any, lost: type[Exception], seconds: float) -> Bounded:
    """Bound how long a connection waits for its answers, once.

    Args:
        raw: psycopg's connection.
        lost: the driver's error for a lost connection.
        seconds: how long, at first.

    Returns:
        What it waits by.
    """
    if not isinstance(raw.wait, Bounded):
        raw.wait = Bounded(raw, lost, seconds)
    found: Bounded = raw.wait
    return found
