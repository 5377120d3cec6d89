"""Cosignatures of witnesses: those of another implementation, ours, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import ConsentGateError, InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import open_checkpoint
from consentgate.tlog.cosignature import (
    LATEST,
    WitnessKey,
    WitnessSigner,
    cosignatures_of,
    signed_message,
    verify_cosignature,
    with_cosignatures,
)
from consentgate.tlog.note import NoteSignature, parse_note, sign_note, signature_line
from consentgate.tlog.notekey import NoteKey, NoteSigner, b64_text
from consentgate.tlog.policy import decode

GOLDEN = Path(__file__).parents[2] / "golden"
NOTE = (GOLDEN / "checkpoint.txt").read_text()
TEXT = parse_note(NOTE).text
WITNESSED = (GOLDEN / "witnessed" / "checkpoint.txt").read_text()
KEYS = decode((GOLDEN / "witnessed" / "policy.txt").read_bytes()).keys
LOG = NoteKey.from_vkey((GOLDEN / "log.vkey").read_text().strip())
W1 = WitnessSigner.generate("witness.example/w1", lambda size: bytes(range(size, 2 * size)))
W2 = WitnessSigner.generate("witness.example/w2", lambda size: bytes(range(2 * size, 3 * size)))
AT = 1763812800


def added(signature: NoteSignature, note: str = NOTE) -> str:
    return note + signature_line(signature)


def test_cosignatures_of_another_implementation_are_read() -> None:
    found = cosignatures_of(WITNESSED.encode(), KEYS)
    assert [(each.key, each.seconds) for each in found] == [(W1.key, AT), (W2.key, AT + 1)]
    assert [each.signature for each in found] == list(parse_note(WITNESSED).signatures[1:])


def test_ours_are_the_same_bytes() -> None:
    assert with_cosignatures(NOTE, [W1.cosign(TEXT, AT), W2.cosign(TEXT, AT + 1)]) == WITNESSED
    assert [W1.key, W2.key] == list(KEYS[:2])


def test_cosigned_checkpoint_opens_under_the_logs_key() -> None:
    assert open_checkpoint(WITNESSED, LOG) == open_checkpoint(NOTE, LOG)


def test_message_is_a_header_a_time_and_the_whole_text() -> None:
    assert signed_message("a\n1\nroot\n", 0) == b"cosignature/v1\ntime 0\na\n1\nroot\n"
    assert signed_message("a\n", LATEST) == b"cosignature/v1\ntime 9223372036854775807\na\n"


@pytest.mark.parametrize(("text", "seconds"), [("a\n", -1), ("a\n", LATEST + 1), ("a", 0), ("", 0)])
def test_what_cannot_be_cosigned_is_refused(text: str, seconds: int) -> None:
    with pytest.raises(InvalidInput):
        W1.cosign(text, seconds)


def test_unknown_witnesses_are_ignored_and_none_is_needed() -> None:
    assert cosignatures_of(NOTE, KEYS) == ()
    assert cosignatures_of(WITNESSED, ()) == ()
    assert [each.key for each in cosignatures_of(WITNESSED, [W2.key, W2.key])] == [W2.key]
    stranger = WitnessSigner.generate(W1.key.name, bytes)
    assert cosignatures_of(WITNESSED, [stranger.key]) == ()


BLOB = W1.cosign(TEXT, AT).signature


@pytest.mark.parametrize(
    "blob",
    [
        (AT + 1).to_bytes(8, "big") + BLOB[8:],
        b"\xff" * 8 + BLOB[8:],
        BLOB[:8] + bytes(64),
        BLOB[:-1],
        BLOB + b"\0",
        BLOB[8:],
        b"x",
        W1.cosign(TEXT.replace("\n16\n", "\n15\n"), AT).signature,
        W2.cosign(TEXT, AT).signature,
    ],
)
def test_failing_cosignature_of_a_known_witness_rejects_the_note(blob: bytes) -> None:
    forged = added(NoteSignature(name=W1.key.name, key_id=W1.key.key_id, signature=blob), WITNESSED)
    with pytest.raises(SignatureInvalid, match="w1"):
        cosignatures_of(forged, KEYS)
    assert [each.key for each in cosignatures_of(forged, [W2.key])] == [W2.key]


def test_time_beyond_the_latest_is_refused_though_it_is_signed() -> None:
    late = (LATEST + 1).to_bytes(8, "big")
    message = f"cosignature/v1\ntime {LATEST + 1}\n{TEXT}".encode()
    signer = NoteSigner.generate(W1.key.name, lambda _: W1.seed)
    signature = NoteSignature(name=W1.key.name, key_id=W1.key.key_id, signature=late + signer.sign(message))
    with pytest.raises(SignatureInvalid):
        cosignatures_of(added(signature), KEYS)


def test_signature_of_a_log_is_no_cosignature() -> None:
    plain = NoteSigner.generate(W1.key.name, lambda _: W1.seed)
    assert plain.key.public == W1.key.public
    assert plain.key.key_id != W1.key.key_id
    assert cosignatures_of(sign_note(TEXT, (plain,)), KEYS) == ()
    signature = NoteSignature(name=W1.key.name, key_id=W1.key.key_id, signature=plain.sign(TEXT.encode()))
    with pytest.raises(SignatureInvalid):
        cosignatures_of(added(signature), KEYS)


@pytest.mark.parametrize("key", [W2.key, WitnessKey(name="another", public=W1.key.public)])
def test_cosignature_is_verified_under_its_own_key_only(key: WitnessKey) -> None:
    assert verify_cosignature(W1.cosign(TEXT, AT), W1.key, TEXT) == AT
    with pytest.raises(SignatureInvalid, match="not one of"):
        verify_cosignature(W1.cosign(TEXT, AT), key, TEXT)


def test_two_keys_with_one_id_are_refused() -> None:
    class Twin(WitnessKey):
        key_id = W1.key.key_id  # a collision is too dear to find here

    with pytest.raises(InvalidInput, match="same name"):
        cosignatures_of(WITNESSED, [W1.key, Twin(name=W1.key.name, public=W2.key.public)])


def test_who_signed_already_is_not_added_again() -> None:
    again = with_cosignatures(WITNESSED, [W1.cosign(TEXT, AT + 9), W2.cosign(TEXT, AT)])
    assert again == WITNESSED
    twice = with_cosignatures(NOTE, [W2.cosign(TEXT, AT), W2.cosign(TEXT, AT + 1), W1.cosign(TEXT, AT)])
    assert [(each.key, each.seconds) for each in cosignatures_of(twice, KEYS)] == [(W2.key, AT), (W1.key, AT)]
    assert with_cosignatures(NOTE, []) == NOTE


def test_what_no_note_can_hold_is_not_added() -> None:
    many = [NoteSignature(name=f"w{i}", key_id=bytes(4), signature=b"x") for i in range(99)]
    full = with_cosignatures(NOTE, many)
    assert len(parse_note(full).signatures) == 100
    with pytest.raises(InvalidInput, match="too many"):
        with_cosignatures(full, [W1.cosign(TEXT, AT)])
    with pytest.raises(InvalidInput):
        with_cosignatures(NOTE, [NoteSignature(name="a b", key_id=bytes(4), signature=b"x")])
    with pytest.raises(Malformed):
        with_cosignatures("no note", [W1.cosign(TEXT, AT)])


def test_key_texts_round_trip() -> None:
    for key in KEYS:
        assert WitnessKey.from_vkey(key.vkey) == key
    assert "seed" not in repr(W1)


NAME, KEY_ID, MATERIAL = W1.key.vkey.split("+", 2)
SMALL = b64_text(b"\x04" + bytes(32))


@pytest.mark.parametrize(
    ("vkey", "said"),
    [
        ("", "name, key id and base64"),
        (f"{NAME}+{KEY_ID}", "name, key id and base64"),
        (f"a b+{KEY_ID}+{MATERIAL}", "name, key id and base64"),
        (f"{NAME}+{KEY_ID}+{MATERIAL[:-4]}", "type 4"),
        (f"{NAME}+{KEY_ID}+!{MATERIAL}", "base64"),
        (f"{NAME}+00000000+{MATERIAL}", "key id does not fit"),
        (f"{NAME}+{KEY_ID.upper()}x+{MATERIAL}", "key id does not fit"),
        (f"{NAME}2+{KEY_ID}+{MATERIAL}", "key id does not fit"),
        (LOG.vkey, "type 4"),
        (f"{NAME}+{KEY_ID}+{SMALL}", "not a usable"),
    ],
)
def test_other_texts_are_no_witness_key(vkey: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        WitnessKey.from_vkey(vkey)


@pytest.mark.parametrize(("name", "public"), [("", W1.key.public), ("a+b", W1.key.public), ("a", b"x")])
def test_what_is_no_key_is_not_made(name: str, public: bytes) -> None:
    with pytest.raises(InvalidInput):
        WitnessKey(name=name, public=public)


@given(st.integers(0, LATEST), st.integers(0, len(BLOB) * 8 - 1))
def test_any_time_is_kept_and_any_flipped_bit_is_seen(seconds: int, bit: int) -> None:
    signature = W1.cosign(TEXT, seconds)
    (found,) = cosignatures_of(added(signature), KEYS)
    assert found.seconds == seconds
    blob = bytearray(signature.signature)
    blob[bit // 8] ^= 1 << bit % 8
    flipped = NoteSignature(name=signature.name, key_id=signature.key_id, signature=bytes(blob))
    with pytest.raises(SignatureInvalid):
        cosignatures_of(added(flipped), KEYS)


@given(st.binary(min_size=1))
def test_any_blob_ends_in_our_errors_only(blob: bytes) -> None:
    signature = NoteSignature(name=W1.key.name, key_id=W1.key.key_id, signature=blob)
    with pytest.raises(ConsentGateError):
        cosignatures_of(added(signature), KEYS)
