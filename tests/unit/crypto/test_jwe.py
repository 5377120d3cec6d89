import json
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import b64, unb64
from consentgate.crypto import jwe
from consentgate.crypto.jwe import open_sealed, seal
from consentgate.crypto.jwk import oct_thumbprint
from consentgate.errors import ConsentGateError, InvalidInput, KeyMismatch, Malformed
from tests.tools.two_key_token import make

KEY, OTHER, IV = bytes(range(32)), bytes(32), bytes(range(12))
TOKEN = seal(b'{"a":1}', key=KEY, iv=IV)
HEADER, _, IV_TEXT, BODY, TAG = TOKEN.split(".")
GOLDEN = Path(__file__).parents[2] / "golden" / "two_key_token.json"


@given(st.binary(max_size=300), st.binary(min_size=32, max_size=32), st.binary(min_size=12, max_size=12))
def test_what_is_sealed_opens(content: bytes, key: bytes, iv: bytes) -> None:
    assert open_sealed(seal(content, key=key, iv=iv), key=key) == content


def test_header_is_exactly_the_three_members() -> None:
    assert unb64(HEADER) == b'{"alg":"dir","enc":"A256GCM","kid":"%s"}' % oct_thumbprint(KEY).encode()


def test_another_key_is_refused_before_decrypting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwe, "AESGCM", None)
    with pytest.raises(KeyMismatch):
        open_sealed(TOKEN, key=OTHER)


def test_token_that_opens_under_two_keys_opens_under_the_one_it_names_only() -> None:
    golden = json.loads(GOLDEN.read_bytes())
    assert golden == make()
    named, other = unb64(golden["key_named"]), unb64(golden["key_not_named"])
    header, _, iv, ciphertext, tag = golden["token"].split(".")
    for key, content in ((named, golden["opens_named"]), (other, golden["opens_not_named"])):
        sealed = unb64(ciphertext) + unb64(tag)
        assert AESGCM(key).decrypt(unb64(iv), sealed, header.encode()) == unb64(content)
    assert open_sealed(golden["token"], key=named) == unb64(golden["opens_named"])
    assert unb64(golden["opens_named"]).startswith(b'{"state":"no"')
    assert unb64(golden["opens_not_named"])[16:].startswith(b'{"state":"yes"')
    with pytest.raises(KeyMismatch):
        open_sealed(golden["token"], key=other)


def flipped(text: str) -> str:
    data = bytearray(unb64(text))
    data[0] ^= 1
    return b64(bytes(data))


@pytest.mark.parametrize(
    "token",
    [
        f"{HEADER}..{flipped(IV_TEXT)}.{BODY}.{TAG}",
        f"{HEADER}..{IV_TEXT}.{flipped(BODY)}.{TAG}",
        f"{HEADER}..{IV_TEXT}.{BODY}.{flipped(TAG)}",
        f"{HEADER}..{IV_TEXT}..{TAG}",
    ],
)
def test_changed_token_does_not_open(token: str) -> None:
    with pytest.raises(Malformed, match="changed"):
        open_sealed(token, key=KEY)


def header(**members: str) -> str:
    return b64(json.dumps(members, separators=(",", ":")).encode())


KID = oct_thumbprint(KEY)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "....",
        TOKEN + ".",
        f"{HEADER}.{IV_TEXT}.{BODY}.{TAG}",
        f"{HEADER}.AA.{IV_TEXT}.{BODY}.{TAG}",
        f"{HEADER}..{IV_TEXT}=.{BODY}.{TAG}",
        f"{HEADER}..{IV_TEXT}.{BODY}.{TAG}\n",
        f"{HEADER}..{b64(bytes(11))}.{BODY}.{TAG}",
        f"{HEADER}..{b64(bytes(16))}.{BODY}.{TAG}",
        f"{HEADER}..{IV_TEXT}.{BODY}.{b64(bytes(12))}",
        f"{HEADER}..{IV_TEXT}.{BODY}!.{TAG}",
        f"!..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(alg='dir', enc='A256GCM')}..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(alg='dir', enc='A256GCM', kid='x')}..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(alg='dir', enc='A128GCM', kid=KID)}..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(enc='A256GCM', alg='dir', kid=KID)}..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(alg='dir', enc='A256GCM', kid=KID, zip='DEF')}..{IV_TEXT}.{BODY}.{TAG}",
        f"{header(alg='A256KW', enc='A256GCM', kid=KID)}..{IV_TEXT}.{BODY}.{TAG}",
        cast("str", None),
        cast("str", b"...."),
    ],
)
def test_other_forms_are_malformed(token: str) -> None:
    with pytest.raises(Malformed) as refused:
        open_sealed(token, key=KEY)
    assert not isinstance(refused.value, KeyMismatch)


def test_long_tokens_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwe, "TOKEN_LIMIT", len(TOKEN) - 1)
    with pytest.raises(Malformed, match="longer"):
        open_sealed(TOKEN, key=KEY)
    with pytest.raises(InvalidInput):
        seal(bytes(len(TOKEN)), key=KEY, iv=IV)


@given(st.text() | st.binary())
def test_reading_any_token_ends_in_our_errors_only(token: Any) -> None:
    with pytest.raises(ConsentGateError):
        open_sealed(token, key=KEY)


def test_keys_and_ivs_of_another_length_are_refused() -> None:
    for key, iv in ((bytes(16), IV), (KEY, bytes(16))):
        with pytest.raises(InvalidInput):
            seal(b"", key=key, iv=iv)
    with pytest.raises(InvalidInput):
        open_sealed(TOKEN, key=bytes(16))
