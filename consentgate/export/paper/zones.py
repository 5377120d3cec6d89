"""Local time beside UTC: every time that people read is told in both, and the zone is named.

Invariants: a time is never shown without its zone or its distance from UTC; UTC comes first.

>>> from consentgate.moment import from_text
>>> Zone("America/Chicago").local(from_text("2026-11-22T12:00:00.000Z"))
'2026-11-22 06:00:00 CST (UTC-06:00)'
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from consentgate.errors import Malformed, Misconfigured
from consentgate.moment import from_text, to_text

UNKNOWN: Final = (
    "This machine knows no time zone of that name. Name one such as America/Chicago; where every name is refused, "
    "the table of zones is missing: pip install tzdata brings one."
)


class Zone:
    """The zone whose local times stand beside UTC.

    Attributes:
        name: its IANA name.
    """

    def __init__(self, name: str) -> None:
        """Find the zone.

        Args:
            name: an IANA name, for example ``America/Chicago``.

        Raises:
            Misconfigured: the machine does not know it, or has no table of zones at all.
        """
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise Misconfigured(UNKNOWN) from problem
        self.name = name

    def local(self, at: datetime) -> str:
        """Write a time as clocks in the zone showed it.

        Args:
            at: the time.

        Returns:
            For example ``2026-11-22 06:00:00 CST (UTC-06:00)``.
        """
        there = at.astimezone(self._zone)
        far = there.strftime("%z")
        word = there.tzname() or ""
        # Zones without letters of their own are called by their distance, which stands there anyhow.
        named = f"{word} " if word.isalpha() and word != "UTC" else ""
        return f"{there:%Y-%m-%d %H:%M:%S} {named}(UTC{far[:3]}:{far[3:5]})"

    def day(self, at: datetime) -> str:
        """Write the day that it was in the zone.

        Args:
            at: the time.

        Returns:
            For example ``22 November 2026``.
        """
        there = at.astimezone(self._zone)
        return f"{there.day} {MONTHS[there.month - 1]} {there.year}"

    def local_text(self, text: str) -> str:
        """Write a stored time as clocks in the zone showed it.

        Args:
            text: a time as entries hold it.

        Returns:
            The local time; an empty text where it is no time.
        """
        at = stored(text)
        return "" if at is None else self.local(at)

    def told(self, text: str) -> str:
        """Write a stored time in both ways.

        Args:
            text: a time as entries hold it; anything else is shown as it is.

        Returns:
            For example ``2026-11-22 12:00:00 UTC, 2026-11-22 06:00:00 CST (UTC-06:00)``.
        """
        at = stored(text)
        return text if at is None else f"{utc(at)}, {self.local(at)}"


def utc(at: datetime) -> str:
    """Write a time in UTC, to the second.

    Args:
        at: the time.

    Returns:
        For example ``2026-11-22 12:00:00 UTC``.
    """
    return f"{to_text(at)[:19].replace('T', ' ')} UTC"


def stored(text: str) -> datetime | None:
    """Read a time as entries hold it.

    Args:
        text: the text.

    Returns:
        The time, or None where it is none: what entries of others hold need not be.
    """
    # Statements of others say seconds, ours milliseconds.
    if len(text) not in (20, 24) or not text.endswith("Z"):
        return None
    try:
        return from_text(text if len(text) == 24 else f"{text[:-1]}.000Z")
    except Malformed:
        return None


MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
