"""The body of add-checkpoint and the answers of witnesses."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.addcheckpoint import (
    LIMIT,
    AddCheckpoint,
    decode,
    encode,
    read_cosignatures,
    read_size,
)
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import b64_text

GOLDEN = Path(__file__).parents[2] / "golden"
NOTE = (GOLDEN / "checkpoint.txt").read_text()
BODY = (GOLDEN / "witnessed" / "request.txt").read_bytes()
REQUEST = decode(BODY)
WITNESSED = (GOLDEN / "witnessed" / "checkpoint.txt").read_text()
ANSWER = WITNESSED.removeprefix(NOTE).encode()
HASH = b64_text(bytes(32))


def test_request_of_another_implementation_is_read_and_written_alike() -> None:
    assert (REQUEST.old, REQUEST.note) == (7, NOTE)
    assert len(REQUEST.hashes) == 5
    assert encode(REQUEST) == BODY


def test_first_request_has_no_proof() -> None:
    first = AddCheckpoint(old=0, hashes=(), note=NOTE)
    assert encode(first) == f"old 0\n\n{NOTE}".encode()
    assert decode(encode(first)) == first


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"old 7\n",
        f"old 7\n{HASH}\n".encode(),
        f"old 07\n\n{NOTE}".encode(),
        f"old -1\n\n{NOTE}".encode(),
        f"old +7\n\n{NOTE}".encode(),
        f"old \u0667\n\n{NOTE}".encode(),
        f"old 7 \n\n{NOTE}".encode(),
        f"old  7\n\n{NOTE}".encode(),
        f"old 7\r\n\r\n{NOTE}".encode(),
        f"Old 7\n\n{NOTE}".encode(),
        f"{HASH}\nold 7\n\n{NOTE}".encode(),
        f"old 17\n\n{NOTE}".encode(),
        f"old 9223372036854775808\n\n{NOTE}".encode(),
        f"old 0\n{HASH}\n\n{NOTE}".encode(),
        f"old 16\n{HASH}\n\n{NOTE}".encode(),
        f"old 7\n{HASH[:-4]}\n\n{NOTE}".encode(),
        f"old 7\n{HASH} \n\n{NOTE}".encode(),
        f"old 7\n\n{NOTE[:-1]}".encode(),
        f"old 7\n\n\n{NOTE}".encode(),
        f"old 7\n\n{NOTE.replace(chr(10) + '16' + chr(10), chr(10) + '016' + chr(10))}".encode(),
        ("old 7\n" + f"{HASH}\n" * 64 + f"\n{NOTE}").encode(),
        b"old 7\n\n" + b"x" * LIMIT,
    ],
)
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


def test_sixty_three_proof_lines_are_the_most() -> None:
    longest = replace(REQUEST, hashes=(bytes(32),) * 63)
    assert decode(encode(longest)) == longest
    with pytest.raises(InvalidInput, match="63"):
        replace(REQUEST, hashes=(bytes(32),) * 64)


@pytest.mark.parametrize(
    ("old", "hashes", "note"), [(-1, (), NOTE), (17, (), NOTE), (7, (b"x",), NOTE), (0, (), "no note")]
)
def test_what_no_witness_takes_is_not_made(old: int, hashes: tuple[bytes, ...], note: str) -> None:
    with pytest.raises(InvalidInput):
        AddCheckpoint(old=old, hashes=hashes, note=note)


def test_answer_is_signature_lines() -> None:
    assert read_cosignatures(ANSWER) == parse_note(WITNESSED).signatures[1:]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        ANSWER[:-1],
        ANSWER + b"\n",
        b"\n" + ANSWER,
        WITNESSED.encode(),
        b"OK\n",
        b"\xff\n",
        ANSWER * 60,
    ],
)
def test_other_answers_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_cosignatures(body)


@pytest.mark.parametrize("kind", ["text/x.tlog.size", "Text/X.tlog.size ; charset=utf-8"])
@pytest.mark.parametrize("size", [0, 7, 20852014, (1 << 63) - 1])
def test_size_of_the_last_cosigned_checkpoint_is_read(kind: str, size: int) -> None:
    assert read_size(f"{size}\n".encode(), kind) == size


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"7\n", None),
        (b"7\n", "text/plain"),
        (b"7\n", "text/x.tlog.size2"),
        (b"", "text/x.tlog.size"),
        (b"7", "text/x.tlog.size"),
        (b"\n", "text/x.tlog.size"),
        (b"07\n", "text/x.tlog.size"),
        (b"7\n\n", "text/x.tlog.size"),
        (b"-7\n", "text/x.tlog.size"),
        ("\u0667\n".encode(), "text/x.tlog.size"),
        (b"9223372036854775808\n", "text/x.tlog.size"),
        (b"9" * 5000 + b"\n", "text/x.tlog.size"),
    ],
)
def test_other_sizes_are_refused(body: bytes, kind: str | None) -> None:
    with pytest.raises(Malformed):
        read_size(body, kind)


@given(st.integers(1, 15), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_every_request_round_trips(old: int, hashes: list[bytes]) -> None:
    request = AddCheckpoint(old=old, hashes=tuple(hashes), note=NOTE)
    assert decode(encode(request)) == request


@given(st.binary())
def test_reading_anything_ends_in_our_errors_only(data: bytes) -> None:
    for read in (decode, read_cosignatures):
        with pytest.raises(Malformed):
            read(data)
