"""C2SP tlog-tiles entry bundles: up to 256 entries in a file, each behind its length.

Invariant: a bundle holds exactly the entries of the tile of level 0 with its index and width.

    >>> decode(encode([b"a", b""]))
    (b'a', b'')
    >>> bundle_path(1234067)
    'tile/entries/x001/x234/067'
"""

from collections.abc import Iterable
from typing import Final

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.tiles import TILE_WIDTH, tile_path

_LONGEST: Final = 0xFFFF
_PREFIX: Final = 2


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """Name a bundle as tlog-tiles does.

    Args:
        index: the bundle's index.
        width: how many entries it holds; below 256 it is a partial one.

    Returns:
        The relative path.

    Raises:
        InvalidInput: a number is out of range.
    """
    return tile_path(0, index, width).replace("tile/0/", "tile/entries/", 1)


def encode(entries: Iterable[bytes]) -> bytes:
    """Write a bundle.

    Args:
        entries: their bytes, at most 65,535 each.

    Returns:
        The file's bytes.

    Raises:
        InvalidInput: an entry is too long.
    """
    pieces: list[bytes] = []
    for each in entries:
        if len(each) > _LONGEST:
            raise InvalidInput(f"An entry of a bundle has at most {_LONGEST} bytes.")
        pieces += [len(each).to_bytes(_PREFIX, "big"), each]
    return b"".join(pieces)


def decode(data: bytes) -> tuple[bytes, ...]:
    """Read a bundle.

    Args:
        data: the file's bytes.

    Returns:
        The entries.

    Raises:
        Malformed: the file ends inside an entry, or holds more than 256.
    """
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _PREFIX
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise Malformed("The entry bundle ends inside an entry.")
        entries.append(data[start:at])
        if len(entries) > TILE_WIDTH:
            raise Malformed(f"An entry bundle holds at most {TILE_WIDTH} entries.")
    return tuple(entries)
