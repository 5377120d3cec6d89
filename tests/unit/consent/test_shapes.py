from dataclasses import dataclass, field
from datetime import datetime

import pytest

from consentgate.consent.shapes import from_bytes, named, read, to_bytes, write
from consentgate.errors import Malformed
from tests.unit.consent.samples import AT


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    flag: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    title: str = field(metadata=named("t"))
    at: datetime | None = None
    words: frozenset[str] = frozenset()
    inner: tuple[Inner, ...] = ()
    listed: tuple[str, ...] = ("default",)


OUTER = Outer(title="x", at=AT, words=frozenset("ba"), inner=(Inner(flag=True),), listed=())
STORED = b'{"at":"2026-11-22T12:00:00.250Z","inner":[{"flag":true}],"listed":[],"t":"x","words":["a","b"]}'


def test_the_stored_form_is_pinned() -> None:
    assert to_bytes(OUTER) == STORED
    assert from_bytes(Outer, STORED) == OUTER


def test_what_is_absent_takes_its_default() -> None:
    assert write(Outer(title="x")) == {"t": "x", "words": [], "listed": ["default"]}
    assert read(Outer, {"t": "x"}, closed=True) == Outer(title="x")


@pytest.mark.parametrize(
    "data",
    [
        STORED.replace(b'["a","b"]', b'["b","a"]'),
        STORED.replace(b'["a","b"]', b'["a","a"]'),
        STORED.replace(b":[]", b": []"),
        STORED.replace(b'"inner"', b'"inne"'),
        STORED.replace(b"true", b"null"),
        STORED.replace(b"true", b"1"),
        STORED.replace(b"12:00:00.250Z", b"12:00:00.25Z"),
        b'{"inner":[{"flag":true,"x":1}],"listed":[],"t":"x","words":[]}',
        b'{"inner":[3],"listed":[],"t":"x","words":[]}',
        b'{"listed":["default"],"words":[]}',
        b'{"at":null,"t":"x"}',
        b'{"t":"x"}',
        b"[]",
        b"",
    ],
)
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        from_bytes(Outer, data)


def test_messages_name_the_path() -> None:
    with pytest.raises(Malformed, match=r"inner\[1\]\.flag is not true or false"):
        read(Outer, {"t": "x", "inner": [{"flag": False}, {"flag": 0}]}, closed=True)
    with pytest.raises(Malformed, match=r"inner\[0\] is not an object"):
        read(Outer, {"t": "x", "inner": [()]}, closed=True)
    with pytest.raises(Malformed, match="inner is not a list"):
        read(Outer, {"t": "x", "inner": {}}, closed=True)


def test_a_value_without_a_shape_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="complex"):
        write(Outer(title=1j))  # type: ignore[arg-type]  # the point
