"""Members of what the vendor says, each read for itself: one that cannot be is None, and costs no other.

Pure and total: nothing is raised, whatever the value.
"""

import math
from datetime import UTC, datetime
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.moment import floor

_LONGEST: Final = 1024
_LONGEST_TIME: Final = 64


def text_of(value: object) -> str | None:
    """Read an id or a word of the vendor's.

    Args:
        value: the member.

    Returns:
        A text of sane length in Unicode, or None.
    """
    if not isinstance(value, str) or not (0 < len(value) <= _LONGEST):
        return None
    return value.encode("utf-8", "replace").decode()


def time_of(value: object) -> datetime | None:
    """Read a time: a text of RFC 3339, taken as UTC where it has no zone, or seconds since 1970.

    Args:
        value: the member.

    Returns:
        The time in UTC, or None.
    """
    try:
        if isinstance(value, str) and len(value) <= _LONGEST_TIME:
            at = datetime.fromisoformat(value)
            return floor(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return floor(datetime.fromtimestamp(value, UTC))
    except (ValueError, OverflowError, OSError, InvalidInput):
        return None
    return None


def score_of(value: object) -> float | None:
    """Read a score: the documents show texts, the service model says numbers.

    Args:
        value: the member.

    Returns:
        From 0 to 1, or None.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        score = float(value)
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) and 0 <= score <= 1 else None


def channel_of(value: object) -> int | None:
    """Read the channel of a stream.

    Args:
        value: the member.

    Returns:
        0 or 1, or None.
    """
    if isinstance(value, str) and value in ("0", "1"):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value in (0, 1) else None


def truth_of(value: object) -> bool | None:
    """Read whether something is so.

    Args:
        value: the member: true, false or their names.

    Returns:
        It, or None.
    """
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value)[:8].lower())
