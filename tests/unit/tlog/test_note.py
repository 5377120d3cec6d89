import base64
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import ConsentGateError, InvalidInput, Malformed, SignatureInvalid
from consentgate.tlog.note import parse_note, sign_note, verify_note
from consentgate.tlog.notekey import NoteKey, NoteSigner, b64_text, is_key_name, unb64_text

ALICE = NoteSigner.generate("example.com/alice", lambda size: b"\x01" * size)
BOB = NoteSigner.generate("example.com/bob", lambda size: b"\x02" * size)
TEXT = "first line\n\nthird line, after an empty one\n"


def swap_signature(note: str, name: str, signature: bytes) -> str:
    lines = note.split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith(f"— {name} "))
    blob = base64.b64decode(lines[at].rsplit(" ", 1)[1])
    lines[at] = f"— {name} {b64_text(blob[:4] + signature)}"
    return "\n".join(lines)


def test_signed_note_verifies_under_each_of_its_keys() -> None:
    note = sign_note(TEXT, (ALICE, BOB))
    for keys in ([ALICE.key], [BOB.key], [ALICE.key, BOB.key], [ALICE.key, ALICE.key]):
        opened = verify_note(note.encode(), keys)
        assert opened.text == TEXT
        assert [each.name for each in opened.signatures] == sorted({each.name for each in keys})
    assert [each.name for each in parse_note(note).signatures] == [ALICE.key.name, BOB.key.name]


def test_unknown_keys_are_ignored_but_one_known_key_must_sign() -> None:
    note = sign_note(TEXT, (ALICE,))
    with pytest.raises(SignatureInvalid, match="No known key"):
        verify_note(note, [BOB.key])
    with pytest.raises(SignatureInvalid, match="No known key"):
        verify_note(note, [])
    stranger = NoteSigner.generate(ALICE.key.name, lambda size: b"\x03" * size)
    with pytest.raises(SignatureInvalid, match="No known key"):
        verify_note(note, [stranger.key])


def test_failing_signature_of_a_known_key_rejects_the_whole_note() -> None:
    note = sign_note(TEXT, (ALICE, BOB))
    for bad in (bytes(64), b"x", bytes(65)):
        forged = swap_signature(note, BOB.key.name, bad)
        assert verify_note(forged, [ALICE.key]).text == TEXT
        with pytest.raises(SignatureInvalid, match="bob"):
            verify_note(forged, [ALICE.key, BOB.key])
    twice = note + swap_signature(note, BOB.key.name, bytes(64)).split("\n")[-2] + "\n"
    with pytest.raises(SignatureInvalid, match="bob"):
        verify_note(twice, [BOB.key])


def test_changed_text_is_refused() -> None:
    note = sign_note(TEXT, (ALICE,))
    with pytest.raises(SignatureInvalid):
        verify_note(note.replace("first", "First"), [ALICE.key])


def test_two_keys_with_one_id_are_refused() -> None:
    class Twin(NoteKey):
        key_id = ALICE.key.key_id  # a collision is too dear to find here

    twin = Twin(name=ALICE.key.name, public=BOB.key.public)
    with pytest.raises(InvalidInput, match="same name"):
        verify_note(sign_note(TEXT, (ALICE,)), [ALICE.key, twin])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n— a YWFhYWE=",
        "text\n\n- a YWFhYWE=\n",
        "text\n\n— a\n",
        "text\n\n—  YWFhYWE=\n",
        "text\n\n— a+b YWFhYWE=\n",
        "text\n\n— a YWFhYWE\n",
        "text\n\n— a YWFh\n",
        "text\n\n— a YWFhYWF=\n",
        "text\n\n— a YWFh YWE=\n",
        "te\txt\n\n— a YWFhYWE=\n",
        "te\rxt\n\n— a YWFhYWE=\n",
        "te\0xt\n\n— a YWFhYWE=\n",
        "te\ud800xt\n\n— a YWFhYWE=\n",
        b"te\xffxt\n\n\xe2\x80\x94 a YWFhYWE=\n",
        "text\n\n" + "— a YWFhYWE=\n" * 101,
        "x" * (1 << 20) + "\n\n— a YWFhYWE=\n",
        cast("str", None),
        cast("str", 7),
    ],
)
def test_other_texts_are_no_note(note: str | bytes) -> None:
    with pytest.raises(Malformed):
        parse_note(note)


def test_a_hundred_signatures_are_read() -> None:
    assert len(parse_note("text\n\n" + "— a YWFhYWE=\n" * 100).signatures) == 100


@given(st.binary() | st.text())
def test_reading_any_note_ends_in_our_errors_only(note: str | bytes) -> None:
    with pytest.raises(ConsentGateError):
        verify_note(note, [ALICE.key])


@pytest.mark.parametrize(
    ("text", "signers"), [("no line feed", (ALICE,)), ("text\n", ()), ("a\tb\n", (ALICE,))]
)
def test_what_is_no_note_is_not_signed(text: str, signers: tuple[NoteSigner, ...]) -> None:
    with pytest.raises(InvalidInput):
        sign_note(text, signers)
    with pytest.raises(InvalidInput):
        sign_note("lone \ud800\n", ())


def test_key_texts_round_trip() -> None:
    assert NoteKey.from_vkey(ALICE.key.vkey) == ALICE.key
    assert NoteSigner.from_text(ALICE.to_text()) == ALICE
    name, key_id, material = ALICE.to_text().removeprefix("PRIVATE+KEY+").split("+", 2)
    assert (name, key_id) == ("example.com/alice", ALICE.key.key_id.hex())
    assert unb64_text(material) == b"\x01" + b"\x01" * 32


def test_no_space_plus_sign_or_control_character_of_any_script_is_in_a_name() -> None:
    assert not is_key_name("")
    # All planes have their spaces below; what is above is taken as it is.
    for each in map(chr, (*range(0x3100), *range(0xD7F0, 0xE010), 0x10FFFF)):
        wrong = each.isspace() or each == "+" or each < " " or "\ud800" <= each <= "\udfff"
        assert is_key_name(f"example.com/{each}log") is not wrong, hex(ord(each))


def test_private_keys_show_nowhere() -> None:
    assert "seed" not in repr(ALICE)
    secret = ALICE.to_text()
    broken = secret.replace(ALICE.key.key_id.hex(), "00000000")
    with pytest.raises(Malformed) as refused:
        NoteSigner.from_text(broken)
    assert secret.rsplit("+", 1)[1] not in str(refused.value)


GOOD = ALICE.key.vkey
NAME, KEY_ID, MATERIAL = GOOD.split("+", 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD + "\n",
        f"{NAME}+{KEY_ID}",
        f"+{KEY_ID}+{MATERIAL}",
        f"a b+{KEY_ID}+{MATERIAL}",
        f"\x01+{KEY_ID}+{MATERIAL}",
        f"\ud800+{KEY_ID}+{MATERIAL}",
        f"{NAME}x+{KEY_ID}+{MATERIAL}",
        f"{NAME}+{KEY_ID.upper()}x+{MATERIAL}",
        f"{NAME}+{KEY_ID}+{MATERIAL[:-1]}",
        f"{NAME}+{KEY_ID}+{MATERIAL}é",
        f"{NAME}+{KEY_ID}+{b64_text(bytes([4]) + ALICE.key.public)}",
        f"{NAME}+{KEY_ID}+{b64_text(bytes([1]) + ALICE.key.public[:-1])}",
        f"{NAME}+{KEY_ID}+{b64_text(bytes([1]) + bytes(32))}",
        cast("str", None),
    ],
)
def test_other_texts_are_no_key(text: str) -> None:
    with pytest.raises(Malformed):
        NoteKey.from_vkey(text)
    with pytest.raises(Malformed):
        NoteSigner.from_text(text)


def test_signer_text_of_another_shape_is_refused() -> None:
    for text in (f"PRIVATE+KEY+{NAME}+{KEY_ID}", f"PRIVATE+KEY+a b+{KEY_ID}+{MATERIAL}", cast("str", b"")):
        with pytest.raises(Malformed):
            NoteSigner.from_text(text)


SMALL_ORDER = [
    bytes([1]) + bytes(31),
    bytes([1]) + bytes(30) + b"\x80",
    bytes(32),
    bytes(31) + b"\x80",
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
]


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_keys_of_small_order_are_refused(public: bytes) -> None:
    with pytest.raises(InvalidInput, match="usable"):
        NoteKey(name="a", public=public)


def test_keys_of_another_length_or_name_are_refused() -> None:
    for name, public in (
        ("a", bytes(31)),
        ("", ALICE.key.public),
        ("a+b", ALICE.key.public),
        ("a\u2003b", b""),
    ):
        with pytest.raises(InvalidInput):
            NoteKey(name=name, public=public)
    with pytest.raises(InvalidInput):
        NoteSigner.generate("a", lambda size: bytes(size - 1))
    with pytest.raises(InvalidInput):
        NoteSigner.generate("a b", bytes)
