"""The loopback service for load: as many searches at once as anybody asks for, and none remembered for long.

The service itself takes 25 searches at once and keeps each for seven days; here it is only the other end of the wire,
the same for every side that is measured. Run as a file; it prints its address first, and ends when it is terminated.
"""

import signal
import threading
import uuid
from typing import Final

from consentgate.moment import Clock
from consentgate.testing.chime import VOICE, ChimeServer
from consentgate.testing.model import Values
from consentgate.testing.script import Match
from consentgate.testing.tasks import TaskBook
from consentgate.testing.voice import Voice

_KEPT: Final = 100


class Busy(Voice):
    """The voice service, with a new book of searches whenever one is full."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._clock = clock
        self._left = 0

    def _start_search(self, values: Values, matches: tuple[Match, ...] | None) -> Values:
        if not self._left:
            self.searches = TaskBook(self._clock, lambda: str(uuid.uuid4()), at_most=None)
            self._left = _KEPT
        self._left -= 1
        return super()._start_search(values, matches)


def main() -> None:
    """Serve until terminated."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with ChimeServer(services={VOICE: Busy}) as server:
        print(server.url, flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
