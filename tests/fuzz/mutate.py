"""Seeded mutation: bytes, texts in pieces, and JSON values. The same seed gives the same inputs on every machine."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

LONGEST: Final = 1 << 14

# What has broken decoders elsewhere: numbers at the edges, odd texts, nesting, other alphabets.
_TOKENS: Final = (
    *(
        b"",
        b"\x00",
        b"\n",
        b"\r\n",
        b" ",
        b"\xff",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
    ),
    *(
        b"null",
        b"true",
        b"{}",
        b"[]",
        b'""',
        b'"',
        b"\\",
        b"\\u0000",
        b"\\ud800",
        b"-0",
        b"1e999",
        b"NaN",
        b"1.0",
    ),
    *(
        b"9" * 30,
        b"9" * 5000,
        b"-1",
        b"9007199254740993",
        b"[" * 200,
        b'{"a":' * 70,
        b"]" * 3,
        b",",
        b":",
        b".",
    ),
    *(
        b"=",
        b"==",
        b"-",
        b"_",
        b"+",
        b"/",
        b"A" * 50,
        b"..",
        b"b64",
        b'"crit":[]',
        b'"format":2',
        b"0x10",
        b"1_0",
        b"inf",
        b"nan",
        b"1e300",
        b"://h:x/",
    ),
    *(
        "—".encode(),
        "\u0661\u0662".encode(),
        "İ".encode(),
        b"%00",
        b"%2F",
        b"2026-02-30",
        b"T24:00:00.000Z",
        b"-----BEGIN",
    ),
)
_ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**53, 2**53 - 1, -(2**63), 10**40, 1.5, -0.0, 1e308),
    *(
        "",
        " ",
        "\x00",
        "\ud800",
        "é",
        "\u0661",
        "x" * 300,
        "2026-11-22T12:00:00.000Z",
        "2026-02-30T00:00:00.000Z",
    ),
    *("P1Y", "P0D", "P99999999999Y", "+" + "9" * 30, "phone", "US-IL", "*", "=", "A", "AA", "-----BEGIN"),
    *([], {}, [[]], [None], ["x", "x"], {"": 0}, {"é": 1}, [{}], {"a": {"a": {"a": {}}}}),
    *("0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "consentgate", "sqlite:///x?a=%", "x://y:z/"),
)


class Mutator:
    """Makes inputs out of valid samples."""

    def __init__(self, seed: str, samples: Sequence[bytes]) -> None:
        self.rng = random.Random(seed)  # not for secrets: the same seed must give the same inputs
        self._samples = samples
        self._values = [value for value in map(_parsed, samples) if value is not None]

    def inputs(self, count: int) -> Iterator[bytes]:
        """Give so many inputs: mostly near to the samples, some of them anything."""
        kinds: list[Callable[[], bytes]] = [self._near, self._near, self._pieces, self._anything]
        if self._values:
            kinds += [self._value, self._value, self._value]
        for _ in range(count):
            yield kinds[int(self.rng.random() * len(kinds))]()[:LONGEST]

    def _pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.random() * len(choices))]

    def _anything(self) -> bytes:
        if self.rng.random() < 0.5:
            return self.rng.randbytes(int(self.rng.random() * 64))
        return b"".join(self._pick(_TOKENS) for _ in range(1 + int(self.rng.random() * 6)))

    def _near(self) -> bytes:
        data = bytearray(self._pick(self._samples))
        for _ in range(1 + int(self.rng.random() ** 2 * 4)):
            self._edit(data)
        return bytes(data)

    def _edit(self, data: bytearray) -> None:
        size = len(data)
        start = int(self.rng.random() * (size + 1))
        end = min(size, start + int(self.rng.random() ** 3 * 40) + 1)
        what = int(self.rng.random() * 7)
        if what == 0 and start < size:
            data[start] ^= 1 << int(self.rng.random() * 8)
        elif what == 1 and start < size:
            data[start] = int(self.rng.random() * 256)
        elif what == 2:
            data[start:start] = self._pick(_TOKENS)
        elif what == 3:
            del data[start:end]
        elif what == 4:
            data[start:start] = data[start:end] * (1 + int(self.rng.random() * 3))
        elif what == 5:
            data[start:end] = self._pick(_TOKENS)
        else:
            other = self._pick(self._samples)
            data[start:] = other[int(self.rng.random() * (len(other) + 1)) :]

    def _pieces(self) -> bytes:
        """Edit one piece of a text that is made of pieces: what it encodes, or the piece as a whole."""
        data: bytes = self._pick(self._samples)
        mark = self._pick((b".", b"\n", b" ", b"+", b"~", b":"))
        pieces = data.split(mark)
        at = int(self.rng.random() * len(pieces))
        what = self.rng.random()
        if what < 0.4 and mark == b".":
            inner = bytearray(_unb64(pieces[at]))
            self._edit(inner)
            pieces[at] = base64.urlsafe_b64encode(inner).rstrip(b"=")
        elif what < 0.6:
            pieces[at] = self._pick(_TOKENS)
        elif what < 0.8:
            del pieces[at]
        else:
            pieces.insert(at, self._pick(pieces))
        joined: bytes = mark.join(pieces)
        return joined

    def _value(self) -> bytes:
        value = self._mutant()
        tidy = self.rng.random() < 0.8
        separators = (",", ":") if tidy else None
        text = json.dumps(value, sort_keys=tidy, separators=separators, ensure_ascii=self.rng.random() < 0.5)
        if self.rng.random() < 0.05:
            text = text.replace("{", '{"format":1,', 1)
        return text.encode("utf-8", "surrogatepass")

    def _mutant(self) -> Any:
        value = _copied(self._pick(self._values))
        for _ in range(1 + int(self.rng.random() ** 2 * 3)):
            value = self._changed(value, 0)
        return value

    def _changed(self, value: Any, depth: int) -> Any:
        if not isinstance(value, (dict, list)) or not value or self.rng.random() < 0.12 * (depth > 0):
            return _copied(self._pick(_ODD))
        what = self.rng.random()
        if isinstance(value, dict):
            name = self._pick(list(value))
            if what < 0.1:
                del value[name]
            elif what < 0.2:
                value[self._pick(("x", "", "é", "v", "kid", name + "_", name.upper()))] = _copied(
                    self._pick(_ODD)
                )
            else:
                value[name] = self._changed(value[name], depth + 1)
            return value
        at = int(self.rng.random() * len(value))
        if what < 0.1:
            del value[at]
        elif what < 0.25:
            value.insert(at, _copied(self._pick((*value, *_ODD))))
        elif what < 0.3:
            value.extend(value * 12)
        else:
            value[at] = self._changed(value[at], depth + 1)
        return value


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(member) for name, member in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _parsed(sample: bytes) -> Any:
    try:
        value = json.loads(sample)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def _unb64(piece: bytes) -> bytes:
    try:
        return base64.urlsafe_b64decode(piece + b"=" * (-len(piece) % 4))
    except ValueError:
        return piece
