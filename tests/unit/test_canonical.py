import base64
from collections import OrderedDict
from enum import IntEnum, StrEnum
from typing import cast

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    Json,
    b64,
    decode,
    decode_canonical,
    encode,
    encode_ascii,
    unb64,
)
from consentgate.errors import InvalidInput, Malformed

NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


class Word(StrEnum):
    A = "a"


class Number(IntEnum):
    ONE = 1
    MUCH = 2**53


@given(VALUES)
def test_profile_is_byte_equal_to_rfc8785(value: Json) -> None:
    assert encode(value) == rfc8785.dumps(cast("None", value))


@given(VALUES)
def test_decoding_gives_the_encoded_value_back(value: Json) -> None:
    assert decode_canonical(encode(value)) == value


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_decodes_canonically_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        value = decode_canonical(data)
    except Malformed:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        2**53,
        -(2**53),
        b"bytes",
        {1: "a"},
        {"é": 1},
        {"a\n": 1},
        {"\x7f": 1},
        "\ud800",
        ["a", "\udfff"],
        {1, 2},
        float("nan"),
    ],
)
def test_values_outside_the_profile_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        encode(cast("Json", value))


def test_integers_below_two_to_the_53_are_taken() -> None:
    assert encode([MAX_INTEGER, -MAX_INTEGER]) == b"[9007199254740991,-9007199254740991]"


def test_tuples_are_lists() -> None:
    assert encode(("a", (1,))) == b'["a",[1]]'


def test_values_of_subclasses_are_written_as_what_they_are() -> None:
    assert encode(OrderedDict({"b": Word.A, "a": Number.ONE})) == b'{"a":1,"b":"a"}'
    with pytest.raises(InvalidInput):
        encode([Number.MUCH])


def test_leaf_texts_are_printable_ascii() -> None:
    assert encode_ascii({"a": ["x ~", 1, None, True]}) == b'{"a":["x ~",1,null,true]}'
    for text in ("é", "a\tb", "\x7f", "\x00"):
        with pytest.raises(InvalidInput):
            encode_ascii({"a": text})
        assert decode(encode({"a": text})) == {"a": text}


def test_depth_is_limited_alike_in_both_directions() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert encode(decode(deepest)) == deepest
    with pytest.raises(Malformed):
        decode(b"[" + deepest + b"]")
    with pytest.raises(InvalidInput):
        encode([decode(deepest)])
    with pytest.raises(Malformed):
        decode(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Json] = []
    value.append(value)
    with pytest.raises(InvalidInput):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'[{"a":{"b":1,"b":2}}]',
        b"NaN",
        b"-Infinity",
        b"[Infinity]",
        b"1.0",
        b"1e2",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'{"a":"\\ud83d"}',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'"\x00"',
        b"'a'",
        b"[1,]",
        b"01",
        b"1 2",
        "1".encode("utf-16"),
        b"[" * 200_000,
        b"\xed\xa0\x80",
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize("data", ["{}", None, 3, bytearray(b"{}")])
def test_other_types_are_refused(data: object) -> None:
    with pytest.raises(Malformed):
        decode(cast("bytes", data))


def test_size_limit_is_inclusive() -> None:
    assert decode(b"[1,2]", limit=5) == [1, 2]
    with pytest.raises(Malformed):
        decode(b"[1,2]", limit=4)


def test_floats_are_taken_only_when_asked_for_and_finite() -> None:
    assert decode(b"[0.5,1e2,3]", floats=True) == [0.5, 100.0, 3]
    for data in (b"1e999", b"-1e999", b"NaN", b"Infinity"):
        with pytest.raises(Malformed):
            decode(data, floats=True)


def test_escaped_surrogate_pairs_are_one_character() -> None:
    assert decode(b'"\\ud83d\\ude00"') == "\U0001f600"


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b"[1]\n", b'"\\u0041"', b'"\\/"', b"-0", '{"é":1}'.encode()]
)
def test_other_spellings_are_strict_json_but_not_canonical(data: bytes) -> None:
    decode(data)
    with pytest.raises(Malformed):
        decode_canonical(data)


def test_error_messages_do_not_repeat_the_input() -> None:
    for data in (b'{"secret":1,"secret":2}', b'["secret", 1.5]', b'"secret'):
        with pytest.raises(Malformed) as caught:
            decode(data)
        assert "secret" not in str(caught.value)


@given(st.binary(max_size=64))
def test_base64url_round_trips(data: bytes) -> None:
    assert unb64(b64(data)) == data


@given(st.text("AZaz09-_=+/ \né", max_size=10))
def test_base64url_has_one_spelling(text: str) -> None:
    try:
        data = unb64(text)
    except Malformed:
        return
    assert b64(data) == text


@given(st.text("ABQgwZaz09-_=+/", max_size=9))
def test_base64url_reads_what_the_library_reads_in_its_one_spelling(text: str) -> None:
    try:
        expected = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        expected = None
    if expected is not None and base64.urlsafe_b64encode(expected).rstrip(b"=").decode() == text:
        assert unb64(text) == expected
    else:
        with pytest.raises(Malformed):
            unb64(text)


@pytest.mark.parametrize(
    "text", ["AA==", "A", "AB", "AAB", "A+AA", "A/AA", "AA A", "AA\n", "=", "AAA=", "é", b"AA", None]
)
def test_other_base64_is_refused(text: object) -> None:
    with pytest.raises(Malformed):
        unb64(cast("str", text))
