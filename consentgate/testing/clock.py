"""A clock that stands still until a test moves it.

Its times are aware, UTC and whole milliseconds, like every time in consentgate. It may be read and moved from
several threads.

Example:
    >>> clock = FrozenClock()
    >>> before = clock()
    >>> clock.advance(1.5) - before
    datetime.timedelta(seconds=1, microseconds=500000)
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from consentgate.moment import floor

START: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class FrozenClock:
    """A `Clock` whose time is set by hand."""

    def __init__(self, at: datetime = START) -> None:
        self._lock = threading.Lock()
        self._at = floor(at)

    def __call__(self) -> datetime:
        """Read the clock.

        Returns:
            The time that was set last.
        """
        with self._lock:
            return self._at

    def advance(self, by: float | timedelta) -> datetime:
        """Move the clock; a negative step moves it back, as a corrected clock does.

        Args:
            by: the step, in seconds or as a timedelta.

        Returns:
            The new time.
        """
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        with self._lock:
            self._at = floor(self._at + step)
            return self._at

    def set(self, at: datetime) -> None:
        """Set the clock.

        Args:
            at: an aware time; what is finer than a millisecond is cut off.

        Raises:
            InvalidInput: if the time is naive.
        """
        moment = floor(at)
        with self._lock:
            self._at = moment
