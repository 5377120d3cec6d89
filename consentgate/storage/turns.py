"""Turns of threads: so many at once, and who came first goes first.

Invariant: a turn that is given back goes to whoever waits longest. A semaphore of the standard library lets a thread
that comes at the right moment overtake all who wait, and under load some of those wait for seconds.
"""

import threading
from collections import deque


class Turns:
    """Some turns, all free at first."""

    def __init__(self, count: int) -> None:
        """Make them.

        Args:
            count: how many threads may have a turn at once.
        """
        self._free = count
        self._changing = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def take(self, *, wait: float) -> bool:
        """Wait for a turn.

        Args:
            wait: seconds, at most.

        Returns:
            Whether it came; then `give` it back.
        """
        with self._changing:
            if self._free:
                self._free -= 1
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            return mine.acquire(timeout=wait) or not self._left(mine)
        except BaseException:
            # An interrupt of the keyboard while it waited: the turn may have come in the same moment.
            if not self._left(mine):
                self.give()
            raise

    def give(self) -> None:
        """Give a turn back: to whoever waits longest, if anybody does."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1

    def _left(self, mine: threading.Lock) -> bool:
        """Stop waiting; false when the turn came meanwhile."""
        with self._changing:
            try:
                self._waiting.remove(mine)
            except ValueError:
                return False
            return True
