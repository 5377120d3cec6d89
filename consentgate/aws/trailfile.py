"""Files of CloudTrail, record by record, however long they are: one JSON object with the list ``Records``.

Invariants: never more than one record and a chunk are in memory; what is no such file is refused with the place in
it, also where it is compressed, cut off, or made to exhaust whoever reads it.
"""

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from consentgate.errors import InvalidInput

LONGEST_RECORD: Final = 4 << 20
"""Characters: the vendor's records have 256 KB at most."""

_CHUNK: Final = 1 << 18
_GZIP: Final = b"\x1f\x8b"
_LIST: Final = "Records"
_SPACE: Final = " \t\r\n"


def records_in(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a file, compressed or not.

    Args:
        path: the file.

    Yields:
        The records, in the file's order.

    Raises:
        InvalidInput: it cannot be read, or is no file of CloudTrail.
    """
    try:
        with path.open("rb") as file:
            compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            yield from records(gzip.GzipFile(fileobj=file) if compressed else file, str(path))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror or 'no gzip'}).") from error
    except (EOFError, zlib.error) as error:
        raise InvalidInput(f"{path} is a damaged gzip file.") from error


def records(file: BinaryIO | gzip.GzipFile, name: str) -> Iterator[dict[str, Any]]:
    """Read the records of what is open.

    Args:
        file: its bytes.
        name: what to call it in messages.

    Yields:
        The records, in the file's order.

    Raises:
        InvalidInput: it is no file of CloudTrail.
    """
    text, found = _Text(file, name), False
    text.require("{")
    more = not text.take("}")
    while more:
        member = text.value()
        text.require(":")
        if member == _LIST and not found:
            found = True
            yield from _listed(text)
        else:
            text.value()
        more = text.goes_on("}")
    if not found or not text.is_over():
        raise text.wrong(f'not one JSON object with a list "{_LIST}"')


def _listed(text: "_Text") -> Iterator[dict[str, Any]]:
    text.require("[")
    more = not text.take("]")
    while more:
        value = text.value()
        if not isinstance(value, dict):
            raise text.wrong("a record that is no object")
        yield value
        more = text.goes_on("]")


class _Text:
    """What was read and not taken yet."""

    def __init__(self, file: BinaryIO | gzip.GzipFile, name: str) -> None:
        self._file = file
        self._name = name
        self._decoder = json.JSONDecoder()
        # A file may begin with a byte order mark; a sequence may be cut by a chunk's end.
        self._characters = codecs.getincrementaldecoder("utf-8-sig")()
        self._kept = ""
        self._at = 0
        self._before = 0
        self._ended = False

    def take(self, sign: str) -> bool:
        """Take a sign, if it comes next."""
        self._skip()
        if not self._kept.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def require(self, sign: str) -> None:
        """Take a sign that has to come next."""
        if not self.take(sign):
            raise self.wrong(f"no {sign} where one has to be")

    def goes_on(self, end: str) -> bool:
        """Take a comma, or else the end of what it would go on with."""
        if self.take(","):
            return True
        self.require(end)
        return False

    def is_over(self) -> bool:
        """Whether nothing follows."""
        self._skip()
        return self._at == len(self._kept)

    def value(self) -> Any:
        """Take a value."""
        self._skip()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._kept, self._at)
            except (ValueError, RecursionError) as error:
                # Perhaps it goes on in what was not read yet.
                if isinstance(error, RecursionError) or not self._more():
                    raise self.wrong("no JSON") from error
                continue
            # A number at the end of what was read may have more digits.
            if end == len(self._kept) and self._more():
                continue
            self._at = end
            return value

    def wrong(self, what: str) -> InvalidInput:
        """Say what is wrong, and where."""
        return InvalidInput(
            f"{self._name} is no file of CloudTrail: {what}, near character {self._before + self._at}."
        )

    def _skip(self) -> None:
        while True:
            while self._at < len(self._kept) and self._kept[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._kept) or not self._more():
                return

    def _more(self) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        if len(self._kept) - self._at > LONGEST_RECORD:
            raise self.wrong("a record that is too long")
        chunk = self._file.read(_CHUNK)
        self._ended = not chunk
        self._before += self._at
        try:
            self._kept = self._kept[self._at :] + self._characters.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            raise self.wrong("no UTF-8") from error
        self._at = 0
        return True
