"""A long object that is read item by item is judged as if it were read at once."""

import hashlib
import io
import random
from typing import Final

import pytest

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.verify.package import longlist
from consentgate.verify.package.longlist import read_long

GOOD: Final = canonical.encode(
    {
        "at": "2026-11-22",
        "files": [
            {"path": "a", "size": 12, "more": {"files": [1, -2, None, True]}},
            {"path": 'é\\"\n', "size": 0},
            17,
            "seven",
            [],
        ],
        "v": 1,
        "w": {"files": [1, 2]},
    }
)
NESTED: Final = 28


def read(data: bytes) -> Json:
    items: list[Json] = []
    value, digest = read_long(io.BytesIO(data), "files", items.append)
    assert digest == hashlib.sha256(data).digest()
    assert isinstance(value, dict)
    return {**value, "files": items} if value.get("files") == [] else value


def at_once(data: bytes) -> Json:
    try:
        value = canonical.decode_canonical(data)
    except Malformed:
        return "malformed"
    # An empty object is no manifest either way.
    return value if isinstance(value, dict) and value else "malformed"


def item_by_item(data: bytes) -> Json:
    try:
        return read(data)
    except Malformed:
        return "malformed"


@pytest.fixture(params=[1, 7, 1 << 18], autouse=True)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longlist, "_BLOCK", request.param)


def test_what_is_canonical_is_read_whole() -> None:
    assert read(GOOD) == canonical.decode_canonical(GOOD)
    assert read(b'{"files":[]}') == {"files": []}
    assert read(b'{"a":[]}') == {"a": []}
    assert read(b'{"files":{"a":[1]}}') == {"files": {"a": [1]}}


def test_any_byte_changed_is_judged_as_if_it_were_read_at_once() -> None:
    chance = random.Random(7)  # nobody's secret
    seen = set()
    for _ in range(1500):
        data = bytearray(GOOD)
        at = chance.randrange(len(data))
        cut = slice(at, at + chance.choice((0, 1, 1, 2)))
        size = chance.choice((0, 1, 2))
        data[cut] = bytes(chance.choice(b'{}[]",:\\ 0123456789-.eu\xc3\xff\n') for _ in range(size))
        expected = at_once(bytes(data))
        assert item_by_item(bytes(data)) == expected, bytes(data)
        seen.add(expected == "malformed")
    assert seen == {True, False}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"files":[1,]}',
        b'{"files":[1]}x',
        b'{"files":[1]},',
        b'{"files":[1',
        b'{"files":[1],"files":[2]}',
        b'{"\\u0066iles":[1]}',
        b'{"files":[1] ,"v":1}',
        b'{"files":[1 ,2]}',
        b'{"v":1,"files":[1]}',
        b'{"files":[1.5]}',
        b'{"files":[{"a":1,"a":1}]}',
        b'{"files":[{"b":1,"a":1}]}',
        b'{"files":["\\ud800"]}',
        b'{"files":["\xff"]}',
        b'{"files":["\xc3',
        b'{"files":[' + b"[" * 100_000,
        b'{"files":[NaN]}',
        b'{1:2,"files":[1]}',
    ],
)
def test_nothing_else_is_read(data: bytes) -> None:
    assert at_once(data) == "malformed"
    with pytest.raises(Malformed):
        read(data)


def test_items_are_as_deep_as_they_stand() -> None:
    for depth in range(NESTED, NESTED + 5):
        data = b'{"files":[%b1%b]}' % (b"[" * depth, b"]" * depth)
        assert item_by_item(data) == at_once(data)
