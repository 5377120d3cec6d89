import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import MAX_INTEGER, b64, encode_ascii
from consentgate.entries.kinds import KINDS, about_people, is_about_people, is_part_name
from consentgate.entries.leaf import LEAF_LIMIT, Answer, Draft, LanePosition, decode, encode, leaf_of
from consentgate.entries.parts import PartRef
from consentgate.errors import ConsentGateError, InvalidInput, Malformed
from consentgate.moment import floor
from tests.tools.golden_leaves import GOLDEN, LANE, NOON, checkpoint, draft, entry_id, leaves, sealed

LEAVES = leaves()
INTENT = LEAVES["intent"]
OUTCOME = LEAVES["outcome"]
STOP = LEAVES["stop"]


def spelled(members: object) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def members(kind: str) -> dict[str, Any]:
    found = json.loads(encode(LEAVES[kind]))
    assert isinstance(found, dict)
    return found


def test_golden_checkpoint_is_met_byte_for_byte() -> None:
    vkey, note = checkpoint()
    assert (GOLDEN / "log.vkey").read_text() == vkey + "\n"
    assert (GOLDEN / "checkpoint.txt").read_text() == note


def test_every_kind_has_a_golden_leaf() -> None:
    assert len(KINDS) == 16
    assert {each.stem for each in (GOLDEN / "leaves").glob("*.json")} == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_golden_leaf_is_met_byte_for_byte(kind: str) -> None:
    golden = (GOLDEN / "leaves" / f"{kind}.json").read_bytes()
    assert encode(LEAVES[kind]) == golden
    assert decode(golden) == LEAVES[kind]
    assert LEAVES[kind].hash == hashlib.sha256(b"\0" + golden).digest()
    assert golden == spelled(json.loads(golden))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_leaf_is_spelled_as_canonical_json_in_ascii(kind: str) -> None:
    assert encode_ascii(members(kind)) == encode(LEAVES[kind])


@given(
    st.integers(1, MAX_INTEGER),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_leaf_is_spelled_as_canonical_json_in_ascii(n: int, w: bytes, prev: bytes, at: datetime) -> None:
    data = encode(dataclasses.replace(OUTCOME, n=n, w=w, prev=prev, at=floor(at)))
    assert encode_ascii(json.loads(data)) == data
    assert encode(decode(data)) == data


def test_a_first_leaf_that_follows_a_lane_is_spelled_as_canonical_json() -> None:
    data = encode(leaf_of(draft("heartbeat", 1), w=LANE, n=0, after=LanePosition(w=bytes(16), n=3)))
    assert encode_ascii(json.loads(data)) == data


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_leaf_with_an_unknown_or_missing_member_is_refused(kind: str) -> None:
    for name in members(kind):
        if name not in ("after", "parts"):
            with pytest.raises(Malformed):
                decode(spelled({each: value for each, value in members(kind).items() if each != name}))
    with pytest.raises(Malformed):
        decode(spelled(members(kind) | {"x": 1}))


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("intent", "v", 2),
        ("intent", "v", True),
        ("intent", "v", "1"),
        ("intent", "kind", "intents"),
        ("intent", "kind", 1),
        ("intent", "kind", "call"),
        ("intent", "id", "5f0c2a6e-3b1d-4c8a-9e57-0d2f6b7a8c91"),
        ("intent", "id", str(entry_id(1)).upper()),
        ("intent", "id", None),
        ("intent", "at", "2026-11-22T12:00:00Z"),
        ("intent", "at", "2026-11-22T12:00:00.000+00:00"),
        ("intent", "at", 0),
        ("intent", "send_by", None),
        ("intent", "w", b64(bytes(15))),
        ("intent", "w", b64(LANE) + "="),
        ("intent", "w", b64(LANE)[:-1] + "9"),
        ("intent", "w", [1]),
        ("intent", "n", -1),
        ("intent", "n", 0),
        ("intent", "n", True),
        ("intent", "n", "5"),
        ("intent", "n", 2**53),
        ("intent", "prev", b64(bytes(31))),
        ("intent", "prev", ""),
        ("intent", "after", {"w": b64(bytes(16)), "n": 1}),
        ("intent", "re", {"id": str(entry_id(1)), "h": b64(bytes(32))}),
        ("intent", "end", "succeeded"),
        ("intent", "parts", []),
        ("intent", "parts", None),
        ("intent", "parts", {}),
        ("intent", "parts", [[]]),
        ("statement", "after", {"w": b64(bytes(16))}),
        ("statement", "after", {"w": b64(bytes(15)), "n": 1}),
        ("statement", "after", {"w": b64(LANE), "n": 1}),
        ("statement", "after", {"w": b64(bytes(16)), "n": True}),
        ("statement", "after", None),
        ("statement", "decided_at", "2026-11-22T12:00:00.000Z"),
        ("statement", "send_by", "2026-11-22T12:00:00.000Z"),
        ("outcome", "re", {"id": str(uuid4()), "h": b64(bytes(32))}),
        ("outcome", "re", {"id": str(entry_id(1)), "h": b64(bytes(31))}),
        ("outcome", "re", {"id": str(entry_id(1)), "h": b64(bytes(32)), "x": 1}),
        ("outcome", "re", "x"),
        ("outcome", "end", "unknown"),
        ("outcome", "end", ""),
        ("observation", "end", "late"),
        ("stop", "parts", []),
    ],
)
def test_other_values_are_refused(kind: str, name: str, value: object) -> None:
    with pytest.raises(Malformed):
        decode(spelled(members(kind) | {name: value}))


@pytest.mark.parametrize(
    "change",
    [
        {"p": "matches.0"},
        {"p": "decision.00"},
        {"p": "decision.12"},
        {"p": "decision"},
        {"p": "decision.0\n"},
        {"p": "exchange.9"},
        {"p": 1},
        {"d": b64(bytes(31))},
        {"t": b64(bytes(15))},
        {"t": None},
        {"x": 1},
    ],
)
def test_other_parts_are_refused(change: dict[str, object]) -> None:
    wrong = members("intent")
    wrong["parts"][0] |= change
    with pytest.raises(Malformed):
        decode(spelled(wrong))


def test_part_twice_is_refused() -> None:
    wrong = members("intent")
    wrong["parts"][1] = wrong["parts"][0]
    with pytest.raises(Malformed, match="order"):
        decode(spelled(wrong))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'"v":1', b'"v":1,"v":1'),
        lambda data: data.replace(b'"v":1', b'"v":1.0'),
        lambda data: data.replace(b'"v":1', b'"v":1e0'),
        lambda data: data.replace(b'"kind"', b'"\\u006bind"'),
        lambda data: data.replace(b",", b", ", 1),
        lambda data: b"{" + data[1:].split(b",", 1)[1][:-1] + b"," + data[1:].split(b",", 1)[0] + b"}",
        lambda data: data[:-1],
        lambda data: b"[" + data + b"]",
        lambda data: data.replace(b"decision", b"d\xc3\xa9cision", 1),
        lambda data: data.decode(),
        lambda data: data[:0],
        lambda data: data[:0] + b"[" * 5000,
    ],
)
def test_another_spelling_is_refused(change: Callable[[bytes], bytes]) -> None:
    data = encode(INTENT)
    assert change(data) != data
    with pytest.raises(Malformed):
        decode(change(data))


@given(st.binary() | st.text())
def test_reading_any_bytes_ends_in_our_errors_only(data: Any) -> None:
    with pytest.raises(ConsentGateError):
        decode(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_any_value_in_place_of_a_member_is_refused(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(members(kind))))
    wrong = members(kind) | {name: data.draw(json_values)}
    if name == "n" and isinstance(wrong["n"], int) and not isinstance(wrong["n"], bool) and wrong["n"] > 0:
        return
    with pytest.raises(Malformed):
        decode(spelled(wrong))


def test_twelve_speakers_fit_and_a_thirteenth_has_no_part() -> None:
    names = [f"{what}.{at}" for at in range(12) for what in ("decision", "exchange")]
    entry = entry_id(99)
    full = dataclasses.replace(draft("intent", 99), parts=sealed(entry, *names))
    leaf = leaf_of(full, w=LANE, n=2**53 - 1, prev=bytes(32))
    assert len(encode(leaf)) <= LEAF_LIMIT
    assert [each.p for each in leaf.parts] == sorted(names)
    assert decode(encode(leaf)) == leaf
    with pytest.raises(InvalidInput):
        sealed(entry, "decision.12")


def test_leaf_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(encode(INTENT))
    monkeypatch.setattr("consentgate.entries.record.LEAF_LIMIT", size)
    dataclasses.replace(INTENT)
    monkeypatch.setattr("consentgate.entries.record.LEAF_LIMIT", size - 1)
    with pytest.raises(InvalidInput, match="at most"):
        dataclasses.replace(INTENT)


def test_draft_takes_the_milliseconds_of_its_times_only() -> None:
    precise = dataclasses.replace(draft("heartbeat", 1), at=NOON + timedelta(microseconds=1999))
    assert leaf_of(precise, w=LANE, n=0).at == NOON + timedelta(milliseconds=1)
    with pytest.raises(InvalidInput, match="milliseconds"):
        dataclasses.replace(STOP, at=NOON + timedelta(microseconds=1))
    with pytest.raises(InvalidInput):
        dataclasses.replace(STOP, at=NOON.replace(tzinfo=None))


def test_draft_shows_no_part() -> None:
    assert "eyJ" not in repr(draft("intent", 1))
    assert "eyJ" not in repr(sealed(entry_id(1), "body.0"))


def test_impossible_leaves_cannot_be_built() -> None:
    for wrong in (
        {"n": 0},
        {"prev": None},
        {"id": uuid4()},
        {"kind": "other"},
        {"end": None},
        {"re": None},
        {"w": b""},
        {"parts": ()},
    ):
        with pytest.raises(InvalidInput):
            dataclasses.replace(OUTCOME, **cast("dict[str, Any]", wrong))
    with pytest.raises(InvalidInput):
        Answer(id=UUID(int=0), h=bytes(32))
    with pytest.raises(InvalidInput):
        LanePosition(w=bytes(16), n=-1)
    with pytest.raises(InvalidInput):
        LanePosition(w=bytes(16), n=cast("int", 1.0))
    with pytest.raises(InvalidInput):
        PartRef(p="body.0", d=b"", t=bytes(16))
    with pytest.raises(InvalidInput):
        leaf_of(Draft(id=entry_id(1), kind="heartbeat", at=NOON, end="succeeded"), w=LANE, n=0)


def test_part_names_are_of_people_or_of_nobody() -> None:
    assert all(is_part_name(each) for each in ("statement.0", "exchange.11", "matches.0", "body.0"))
    assert not any(
        is_part_name(each) for each in ("matches.1", "body.01", "reason.0", "call.-1", "call.٣", "")
    )
    assert is_about_people("decision.3")
    assert not is_about_people("body.0")
    assert not is_about_people("matches.0")


def test_entry_is_about_people_when_a_part_is() -> None:
    assert about_people(("body.0", "exchange.0"))
    assert not about_people(("body.0", "matches.0"))
    assert not about_people(())
