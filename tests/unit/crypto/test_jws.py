import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import b64, decode_canonical, unb64
from consentgate.crypto import jws
from consentgate.crypto.jwk import Algorithm, generate_signing_key
from consentgate.errors import KeyMismatch, Malformed, SignatureInvalid

TYP = "consent-statement+jwt"
KEY = generate_signing_key()
PAYLOAD = b'{"a":1}'
TOKEN = jws.sign(PAYLOAD, key=KEY, typ=TYP)


def signed(header: bytes, payload: bytes = PAYLOAD) -> str:
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(KEY.sign(signing_input.encode()))}"


def with_header(**members: object) -> str:
    header = {"alg": "EdDSA", "kid": KEY.public.kid, "typ": TYP, **members}
    return signed(json.dumps({name: value for name, value in header.items() if value is not ...}).encode())


@pytest.mark.parametrize(("algorithm", "alg"), [("Ed25519", "EdDSA"), ("ES256", "ES256")])
def test_what_is_signed_verifies(algorithm: Algorithm, alg: str) -> None:
    key = generate_signing_key(algorithm)
    token = jws.sign(PAYLOAD, key=key, typ=TYP)
    read = jws.parse(token, typ=TYP)
    assert decode_canonical(unb64(token.split(".")[0])) == {"alg": alg, "kid": key.public.kid, "typ": TYP}
    assert (read.alg, read.kid, read.typ, read.payload) == (alg, key.public.kid, TYP, PAYLOAD)
    assert jws.verify(read, key.public) == PAYLOAD


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"x" * 40_000])
def test_payloads_are_taken_as_they_are(payload: bytes) -> None:
    assert jws.verify(jws.parse(jws.sign(payload, key=KEY, typ=TYP), typ=TYP), KEY.public) == payload


def test_the_name_of_rfc_9864_is_accepted() -> None:
    assert jws.verify(jws.parse(with_header(alg="Ed25519"), typ=TYP), KEY.public) == PAYLOAD


def test_a_header_in_another_order_is_accepted() -> None:
    token = signed(b'{ "typ" : "%s", "kid":"%s","alg":"EdDSA"}' % (TYP.encode(), KEY.public.kid.encode()))
    assert jws.verify(jws.parse(token, typ=TYP), KEY.public) == PAYLOAD


@pytest.mark.parametrize(
    "members",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "Ed448"},
        {"alg": "eddsa"},
        {"alg": ["EdDSA"]},
        {"alg": None},
        {"alg": ...},
        {"kid": ...},
        {"kid": "key-1"},
        {"kid": ""},
        {"kid": 5},
        {"typ": ...},
        {"typ": "JWT"},
        {"typ": TYP.upper()},
        {"typ": f"application/{TYP}"},
        {"b64": True},
        {"crit": ["exp"]},
        {"jku": "https://example.org/keys"},
        {"jwk": KEY.public.jwk()},
        {"x5c": []},
        {"x5t": "AA"},
        {"x5u": "https://example.org/"},
        {"cty": "json"},
    ],
)
def test_other_headers_are_refused(members: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        jws.parse(with_header(**members), typ=TYP)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"3",
        b'{"alg":"EdDSA","alg":"EdDSA","kid":"x","typ":"y"}',
        b'{"alg":"none","kid":"%s","typ":"%s","alg":"EdDSA"}' % (KEY.public.kid.encode(), TYP.encode()),
        b"\xff",
        b"[" * 1000,
        b'{"alg":"EdDSA","kid":"' + b"A" * 2000 + b'","typ":"x"}',
    ],
)
def test_headers_that_are_no_strict_object_are_refused(header: bytes) -> None:
    with pytest.raises(Malformed):
        jws.parse(signed(header), typ=TYP)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        TOKEN + ".",
        "." + TOKEN,
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.replace(".", ".=", 1),
        TOKEN[:-4],
        TOKEN + "AAAA",
        TOKEN.rpartition(".")[0] + ".",
        TOKEN.rpartition(".")[0],
        "é" + TOKEN,
        json.dumps({"payload": "", "signatures": []}),
        None,
        TOKEN.encode(),
    ],
)
def test_other_tokens_are_refused(token: object) -> None:
    with pytest.raises(Malformed):
        jws.parse(cast("str", token), typ=TYP)


def test_stray_bits_in_the_signature_are_refused() -> None:
    # 64 bytes leave four unused bits in the last character: fifteen other spellings of the same bytes.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(TOKEN[-1])
    assert last % 16 == 0
    for stray in range(1, 16):
        with pytest.raises(Malformed):
            jws.parse(TOKEN[:-1] + alphabet[last + stray], typ=TYP)


def test_the_size_limit_is_inclusive() -> None:
    assert jws.parse(TOKEN, typ=TYP, limit=len(TOKEN)).payload == PAYLOAD
    with pytest.raises(Malformed):
        jws.parse(TOKEN, typ=TYP, limit=len(TOKEN) - 1)
    with pytest.raises(Malformed):
        jws.parse(jws.sign(b"x" * 50_000, key=KEY, typ=TYP), typ=TYP)


def test_a_changed_payload_or_header_does_not_verify() -> None:
    header, payload, signature = TOKEN.split(".")
    for token in (
        f"{header}.{b64(b'{}')}.{signature}",
        f"{with_header(alg='Ed25519').split('.')[0]}.{payload}.{signature}",
    ):
        with pytest.raises(SignatureInvalid):
            jws.verify(jws.parse(token, typ=TYP), KEY.public)


def test_another_key_or_algorithm_is_refused_before_the_signature() -> None:
    read = jws.parse(TOKEN, typ=TYP)
    with pytest.raises(KeyMismatch):
        jws.verify(read, generate_signing_key().public)
    with pytest.raises(KeyMismatch):
        jws.verify(jws.parse(with_header(alg="ES256"), typ=TYP), KEY.public)
    p256 = generate_signing_key("ES256")
    signing_input = jws.sign(PAYLOAD, key=p256, typ=TYP).rpartition(".")[0]
    header = json.dumps({"alg": "EdDSA", "kid": p256.public.kid, "typ": TYP}).encode()
    signing_input = f"{b64(header)}.{b64(PAYLOAD)}"
    token = f"{signing_input}.{b64(p256.sign(signing_input.encode()))}"
    with pytest.raises(KeyMismatch):
        jws.verify(jws.parse(token, typ=TYP), p256.public)


def test_the_repr_of_a_token_shows_no_payload() -> None:
    text = repr(jws.parse(TOKEN, typ=TYP))
    assert "EdDSA" in text
    assert "payload" not in text
    assert "signature" not in text


@given(st.text(max_size=80) | st.text("AZaz09_-.", max_size=80))
def test_no_text_raises_anything_but_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        jws.parse(text, typ=TYP)
