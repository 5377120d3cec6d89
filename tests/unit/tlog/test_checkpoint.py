from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, decode, encode, open_checkpoint, sign_checkpoint
from consentgate.tlog.note import sign_note
from consentgate.tlog.notekey import NoteSigner

LOG = NoteSigner.generate("consentgate.invalid/abcdefghijklmnopqrstuvwxyz", lambda size: b"\x01" * size)
WITNESS = NoteSigner.generate("witness.example/w", lambda size: b"\x02" * size)
HEAD = Checkpoint(origin=LOG.key.name, size=42, root=bytes(range(32)))
BODY = "consentgate.invalid/abcdefghijklmnopqrstuvwxyz\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_body_is_the_three_lines() -> None:
    assert encode(HEAD) == BODY
    assert decode(BODY) == HEAD


def test_signed_checkpoint_opens_under_the_logs_key() -> None:
    note = sign_checkpoint(HEAD, LOG)
    assert note.startswith(BODY + "\n— consentgate.invalid/")
    assert open_checkpoint(note, LOG.key) == HEAD
    cosigned = sign_note(BODY, (LOG, WITNESS))
    assert open_checkpoint(cosigned.encode(), LOG.key, [WITNESS.key]) == HEAD


def test_another_key_or_origin_is_refused() -> None:
    with pytest.raises(InvalidInput):
        sign_checkpoint(HEAD, WITNESS)
    with pytest.raises(SignatureInvalid, match="own key"):
        open_checkpoint(sign_note(BODY, (WITNESS,)), LOG.key, [WITNESS.key])
    with pytest.raises(SignatureInvalid, match="origin"):
        open_checkpoint(sign_note(BODY, (WITNESS,)), WITNESS.key)
    with pytest.raises(Malformed):
        open_checkpoint(sign_note("one line\n", (LOG,)), LOG.key)


@pytest.mark.parametrize(
    "body",
    [
        "",
        BODY + "extension\n",
        BODY[:-1],
        BODY.replace("42", "042"),
        BODY.replace("42", "-1"),
        BODY.replace("42", "٤"),
        BODY.replace("42", "9" * 19),
        BODY.replace("42", "9" * 400),
        BODY.replace("42", ""),
        BODY.replace("AAEC", "AAE"),
        BODY.replace("AAECAwQF", ""),
        BODY.replace("consentgate", "consent gate"),
        BODY[BODY.index("\n") :],
        cast("str", b""),
    ],
)
def test_other_bodies_are_refused(body: str) -> None:
    with pytest.raises(Malformed):
        decode(body)


def test_impossible_claims_are_refused() -> None:
    for size, root in ((-1, bytes(32)), (1 << 63, bytes(32)), (0, bytes(31))):
        with pytest.raises(InvalidInput):
            Checkpoint(origin="a", size=size, root=root)


@given(st.integers(0, (1 << 63) - 1), st.binary(min_size=32, max_size=32))
def test_bodies_round_trip(size: int, root: bytes) -> None:
    head = Checkpoint(origin="example.com/log", size=size, root=root)
    assert decode(encode(head)) == head
