"""Times and ids: aware UTC datetimes with millisecond precision, and UUIDv7 made from them.

Invariants: every datetime that leaves this module is UTC and a whole millisecond; `from_text(to_text(t))` is
t; the stored text sorts like the time. The clock and the source of randomness are values that callers pass
down; only `system_clock` and `system_random` read the machine.

>>> to_text(from_millis(1795348800000))
'2026-11-22T12:00:00.000Z'
"""

import re
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from consentgate.errors import InvalidInput, Malformed

Clock: TypeAlias = Callable[[], datetime]
Random: TypeAlias = Callable[[int], bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Some releases of Python read hour 24 as the midnight after.
_FIELDS = r"\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}"
_TEXT = re.compile(_FIELDS + r"\.\d{3}Z", re.ASCII)
_ANY = re.compile(_FIELDS + r"(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def system_clock() -> datetime:
    """Read the machine's clock.

    Returns:
        Now, rounded down to the millisecond.
    """
    return floor(datetime.now(UTC))


def system_random(size: int) -> bytes:
    """Read the machine's randomness.

    Args:
        size: how many bytes.

    Returns:
        Bytes fit for keys.
    """
    return secrets.token_bytes(size)


def floor(at: datetime) -> datetime:
    """Round down to the millisecond, in UTC.

    Args:
        at: an aware time in any zone.

    Returns:
        The same time in UTC, without microseconds below the millisecond.

    Raises:
        InvalidInput: the time has no zone, or lies outside the years 1 to 9999 in UTC.
    """
    if not isinstance(at, datetime):
        raise InvalidInput("A time is a datetime.")
    if at.tzinfo is not UTC:
        at = _in_utc(at)
    below = at.microsecond % 1000
    return at.replace(microsecond=at.microsecond - below, fold=0) if below or at.fold else at


def to_text(at: datetime) -> str:
    """Write a time as every stored form has it.

    Args:
        at: an aware time.

    Returns:
        For example ``2026-11-22T12:00:00.000Z``; always 24 characters.

    Raises:
        InvalidInput: the time has no zone.
    """
    if getattr(at, "tzinfo", None) is not UTC:
        at = floor(at)
    return at.isoformat(timespec="milliseconds")[:23] + "Z"


def from_text(text: str) -> datetime:
    """Read a time in exactly the form that `to_text` writes.

    Args:
        text: for example ``2026-11-22T12:00:00.000Z``.

    Returns:
        The time in UTC.

    Raises:
        Malformed: any other form, or no such time.
    """
    if not isinstance(text, str):
        raise Malformed("A time is read from text.")
    if not _TEXT.fullmatch(text):
        raise Malformed("This is not a UTC time such as 2026-11-22T12:00:00.000Z.")
    return _at(text)


def from_any(text: str) -> datetime:
    """Read a time that others wrote: an RFC 3339 time in UTC.

    Args:
        text: with ``Z`` or ``+00:00``, with none or up to nine digits of a second's fraction.

    Returns:
        The time in UTC, rounded down to the millisecond.

    Raises:
        Malformed: any other form, or no such time.
    """
    if not isinstance(text, str):
        raise Malformed("A time is read from text.")
    match = _ANY.fullmatch(text)
    if match is None:
        raise Malformed("This is not a UTC time such as 2026-11-22T12:00:00.000Z.")
    return _at(f"{text[:19]}.{match[1] or '0':0<3.3}Z")


def to_millis(at: datetime) -> int:
    """Count the milliseconds since 1970.

    Args:
        at: an aware time.

    Returns:
        The count, rounded down; negative before 1970.

    Raises:
        InvalidInput: the time has no zone.
    """
    return (floor(at) - _EPOCH) // _MILLISECOND


def from_millis(count: int) -> datetime:
    """Make a time of milliseconds since 1970.

    Args:
        count: as `to_millis` gives it.

    Returns:
        The time in UTC.

    Raises:
        InvalidInput: the time lies outside the years 1 to 9999.
    """
    try:
        return _EPOCH + count * _MILLISECOND
    except OverflowError as error:
        raise InvalidInput("The time is out of range.") from error


def uuid7(at: datetime, random: Random) -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562, section 5.7).

    Args:
        at: the time that it carries, to the millisecond.
        random: gives the other 74 bits.

    Returns:
        The id.

    Raises:
        InvalidInput: the time has no zone or lies before 1970.
    """
    millis = to_millis(at)
    if millis < 0:
        raise InvalidInput("A UUIDv7 cannot carry a time before 1970.")
    noise = int.from_bytes(random(10), "big")
    high, low = noise >> 62 & 0xFFF, noise & (1 << 62) - 1
    return uuid.UUID(int=millis << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low)


def uuid7_text(at: datetime, random: Random) -> str:
    """Make a UUIDv7 as text.

    Args:
        at: the time that it carries, to the millisecond.
        random: gives the other 74 bits.

    Returns:
        36 lower-case characters.

    Raises:
        InvalidInput: the time has no zone or lies before 1970.
    """
    return str(uuid7(at, random))


def parse_uuid(text: str) -> uuid.UUID:
    """Read the text of a UUIDv7, in lower case with four hyphens.

    Args:
        text: as `uuid7_text` writes it.

    Returns:
        The id.

    Raises:
        Malformed: any other form, version or variant.
    """
    if not isinstance(text, str):
        raise Malformed("An id is read from text.")
    if not _UUID7.fullmatch(text):
        raise Malformed("This is not a UUIDv7 in lower case.")
    return uuid.UUID(text)


def _in_utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise InvalidInput("A time needs a zone; use datetime.now(UTC).")
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput("The time is out of range.") from error


def _at(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed("There is no such time.") from error
