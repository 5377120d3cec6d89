"""Turns of threads: so many at once, and who came first goes first.

Invariants: a turn that is given back goes to whoever waits longest. A semaphore of the standard library lets a thread
that comes at the right moment overtake all who wait, and under load some of those wait for seconds. Whose a turn is
stands where it is counted, and giving it back twice does no harm: so who is interrupted just after taking it, or
while giving it back, can give it back again, and none is lost for ever.
"""

import threading
from typing import Final


class Turns:
    """Some turns, all free at first."""

    def __init__(self, count: int) -> None:
        """Make them.

        Args:
            count: how many threads may have a turn at once.
        """
        self._count: Final = count
        self._changing = threading.Lock()
        self._taken: set[object] = set()
        # In the order in which they came; each waits at a lock of its own.
        self._waiting: dict[object, threading.Lock] = {}

    def take(self, who: object, *, wait: float) -> bool:
        """Wait for a turn.

        Args:
            who: whose it will be, an object of its own for each time.
            wait: seconds, at most.

        Returns:
            Whether it came. In any case, an interrupt's too, `give` it back in the end.
        """
        called = threading.Lock()
        with self._changing:
            if not self._waiting and len(self._taken) < self._count:
                self._taken.add(who)
                return True
            called.acquire()
            self._waiting[who] = called
        called.acquire(timeout=wait)
        with self._changing:
            self._waiting.pop(who, None)
            return who in self._taken

    def give(self, who: object) -> None:
        """Give a turn back, to whoever waits longest, if anybody does; or stop waiting for one.

        Args:
            who: whose it was; nothing is done where they have none.
        """
        with self._changing:
            self._waiting.pop(who, None)
            self._taken.discard(who)
            self._call()

    def _call(self) -> None:
        while self._waiting and len(self._taken) < self._count:
            who = next(iter(self._waiting))
            self._taken.add(who)
            # It has its turn from here on, whether it is called or finds out when its time is over.
            self._waiting.pop(who).release()
