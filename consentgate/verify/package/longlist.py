r"""A canonical JSON object of which one member is a long list, read item by item.

Invariants: what `read_long` accepts is what `decode_canonical` accepts of an object that is not empty; never more
than one item is in memory, with a block of the file.

>>> import io
>>> items = []
>>> read_long(io.BytesIO(b'{"a":1,"files":["x","y"]}'), "files", items.append)[0], items
({'a': 1, 'files': []}, ['x', 'y'])
"""

import codecs
import hashlib
import json
from collections.abc import Callable
from typing import BinaryIO, Final, cast

from consentgate.canonical import Json, decode_canonical
from consentgate.errors import Malformed

_BLOCK: Final = 1 << 18
# Says where a value ends, and no more: whether it is a strict one, `decode_canonical` says.
_ENDS: Final = json.JSONDecoder()


def read_long(file: BinaryIO, name: str, take: Callable[[Json], None]) -> tuple[Json, bytes]:
    """Read the object.

    Args:
        file: its bytes, from the first to the last.
        name: of the long list.
        take: takes each of its items in order, also of an object that turns out to be none.

    Returns:
        The object, with an empty list in the place of the long one; SHA-256 of all bytes that were read.

    Raises:
        Malformed: it is none of the profile, or another spelling of one.
    """
    text, named, rest = _Text(file), f'"{name}"', []
    sign = text.sign("{")
    while sign != "}":
        key, colon = text.value(), text.sign(":")
        if key == named and text.shows("["):
            _items(text, take)
            rest += [sign, key, colon, "[]"]
        else:
            rest += [sign, key, colon, text.value()]
        sign = text.sign(",}")
    text.end()
    return _canonical("".join((*rest, sign))), text.digest()


def _items(text: "_Text", take: Callable[[Json], None]) -> None:
    text.sign("[")
    if text.shows("]"):
        text.sign("]")
        return
    sign = ","
    while sign == ",":
        # As deep as it stands in the object.
        ((item,),) = cast("list[list[Json]]", _canonical(f"[[{text.value()}]]"))
        take(item)
        sign = text.sign(",]")


def _canonical(text: str) -> Json:
    data = text.encode()
    return decode_canonical(data, limit=len(data))


class _Text:
    """The text of a file, block by block."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0
        self._whole = False

    def value(self) -> str:
        """Give the text of the next value. Something always stands behind it: a number alone might go on."""
        while (end := self._end()) is None:
            self._more()
        found = self._text[self._at : end]
        self._at = end
        return found

    def sign(self, allowed: str) -> str:
        """Give the next sign."""
        if not self._shown() or self._text[self._at] not in allowed:
            raise Malformed("This is not JSON.")
        self._at += 1
        return self._text[self._at - 1]

    def shows(self, sign: str) -> bool:
        """Tell whether this is the next sign."""
        return self._shown() and self._text[self._at] == sign

    def end(self) -> None:
        """Require that nothing more stands there."""
        if self._shown():
            raise Malformed("This is not JSON.")

    def digest(self) -> bytes:
        return self._hash.digest()

    def _end(self) -> int | None:
        try:
            _, end = _ENDS.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        return end if end < len(self._text) else None

    def _shown(self) -> bool:
        while self._at == len(self._text) and not self._whole:
            self._more()
        return self._at < len(self._text)

    def _more(self) -> None:
        if self._whole:
            raise Malformed("This is not JSON.")
        # Of a value that is longer than a block, each attempt reads as much again.
        block = self._file.read(max(_BLOCK, len(self._text) - self._at))
        self._hash.update(block)
        self._whole = not block
        more = self._decoded(block)
        if more is None:
            # Out here: the error carries all of the bytes.
            raise Malformed("The JSON is not UTF-8.")
        self._text, self._at = self._text[self._at :] + more, 0

    def _decoded(self, block: bytes) -> str | None:
        try:
            return self._decoder.decode(block, final=self._whole)
        except UnicodeDecodeError:
            return None
