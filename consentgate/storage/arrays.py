"""PostgreSQL's arrays as text: the driver's own way takes ten times as long for the short lists of an append.

Invariant: only what needs no quoting becomes text: numbers, bytes as hexadecimal digits, words of our own.
"""

from collections.abc import Iterable
from typing import Final

_WORD: Final = frozenset("abcdefghijklmnopqrstuvwxyz_")


def numbers(items: Iterable[int]) -> str:
    """Write whole numbers.

    Args:
        items: them.

    Returns:
        What PostgreSQL reads as ``bigint[]``.
    """
    return "{" + ",".join(map(str, items)) + "}"


def octets(items: Iterable[bytes]) -> str:
    """Write byte strings.

    Args:
        items: them.

    Returns:
        What PostgreSQL reads as ``bytea[]``.
    """
    return "{" + ",".join(['"\\\\x' + each.hex() + '"' for each in items]) + "}"


def words(items: Iterable[str]) -> str:
    """Write names of kinds.

    Args:
        items: them, of small letters and underscores, none of them empty or ``null``.

    Returns:
        What PostgreSQL reads as ``text[]``.

    Raises:
        ValueError: one is of something else.
    """
    found = list(items)
    if not all(each and each != "null" and _WORD.issuperset(each) for each in found):
        raise ValueError("A kind's name has small letters and underscores only.")
    return "{" + ",".join(found) + "}"
