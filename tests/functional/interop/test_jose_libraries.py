"""Tokens between us and libraries that we did not write, today and two years later."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from joserfc.errors import SecurityWarning
from jwcrypto import jwk as jwcrypto_jwk  # type: ignore[import-untyped]  # it brings no types
from jwcrypto import jwt as jwcrypto_jwt

from consentgate import moment
from consentgate.canonical import unb64
from consentgate.consent.statement import TYP, Statement, claims, from_claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import Algorithm, SigningKey, generate_signing_key, public_key_from_jwk
from consentgate.errors import SignatureInvalid
from tests.tools import golden_statements as golden
from tests.unit.consent.samples import FULL_GRANT

ALG = {"Ed25519": "EdDSA", "ES256": "ES256"}

both = pytest.mark.parametrize("algorithm", ["Ed25519", "ES256"])
# A token that was signed two years ago meets these libraries' clocks as one signed today does in two years.
now_and_later = pytest.mark.parametrize(
    "age", [timedelta(0), timedelta(days=731)], ids=["now", "two years later"]
)


def issued(algorithm: Algorithm, age: timedelta) -> tuple[SigningKey, Statement, str]:
    key = generate_signing_key(algorithm)
    at = moment.system_clock() - age
    statement = replace(FULL_GRANT, issued_at=at, event_time=at, valid_until=at + timedelta(days=365))
    return key, statement, jws.sign(claims(statement), key=key, typ=TYP)


@both
@now_and_later
def test_pyjwt_verifies_our_tokens(algorithm: Algorithm, age: timedelta) -> None:
    key, statement, token = issued(algorithm, age)
    keys = jwt.PyJWKSet.from_dict({"keys": [generate_signing_key().public.jwk(), key.public.jwk()]})
    read = jwt.decode_complete(
        token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=[ALG[algorithm]]
    )
    assert read["header"]["typ"] == TYP
    assert read["payload"] == json.loads(claims(statement))
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(
            token, keys.keys[0].key if algorithm == "Ed25519" else _foreign(), algorithms=[ALG[algorithm]]
        )


def _foreign() -> bytes:
    return generate_signing_key("ES256").public.pem()


@both
@now_and_later
def test_joserfc_verifies_our_tokens(algorithm: Algorithm, age: timedelta) -> None:
    key, statement, token = issued(algorithm, age)
    keys = joserfc_jwk.KeySet.import_key_set({"keys": [key.public.jwk()]})  # type: ignore[list-item]  # its TypedDict
    if algorithm == "Ed25519":
        with pytest.warns(SecurityWarning):  # it prefers the name of RFC 9864
            read = joserfc_jwt.decode(token, keys, algorithms=["EdDSA"])
    else:
        read = joserfc_jwt.decode(token, keys, algorithms=["ES256"])
    joserfc_jwt.JWTClaimsRegistry(now=int(moment.system_clock().timestamp())).validate(read.claims)
    assert read.claims == json.loads(claims(statement))
    assert keys.keys[0].thumbprint() == key.public.kid


@both
@now_and_later
def test_jwcrypto_verifies_our_tokens(algorithm: Algorithm, age: timedelta) -> None:
    key, statement, token = issued(algorithm, age)
    public = jwcrypto_jwk.JWK(**key.public.jwk())
    read = jwcrypto_jwt.JWT(jwt=token, key=public, algs=[ALG[algorithm]], expected_type="JWS")
    assert json.loads(read.claims) == json.loads(claims(statement))
    assert public.thumbprint() == key.public.kid


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed")
@both
def test_openssl_verifies_our_tokens(algorithm: Algorithm, tmp_path: Path) -> None:
    key, _, token = issued(algorithm, timedelta(days=731))
    signing_input, _, signature = token.rpartition(".")
    raw = unb64(signature)
    if algorithm == "ES256":
        raw = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    (tmp_path / "key.pem").write_bytes(key.public.pem())
    (tmp_path / "signature").write_bytes(raw)
    (tmp_path / "input").write_text(signing_input)
    assert _openssl(tmp_path, algorithm) == 0
    (tmp_path / "input").write_text(signing_input + "A")
    assert _openssl(tmp_path, algorithm) == 1


def _openssl(folder: Path, algorithm: Algorithm) -> int:
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    command += ["-digest", "sha256"] if algorithm == "ES256" else []
    command += ["-in", "input", "-sigfile", "signature"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=30).returncode


def test_a_token_signed_by_pyjwt_is_accepted() -> None:
    key = generate_signing_key()
    headers = {"typ": TYP, "kid": key.public.kid}
    token = jwt.encode(json.loads(claims(FULL_GRANT)), key.pem(), algorithm="EdDSA", headers=headers)
    # The issuer publishes the key as its own library writes it.
    published = json.loads(jwt.PyJWK.from_dict(key.public.jwk()).Algorithm.to_jwk(_public_of(key)))
    payload = jws.verify(jws.parse(token, typ=TYP), public_key_from_jwk(published))
    assert from_claims(payload) == FULL_GRANT


def _public_of(key: SigningKey) -> object:
    return jwt.PyJWK.from_dict(key.public.jwk()).key


def test_es256_tokens_of_others_are_accepted_when_their_s_is_low() -> None:
    key = generate_signing_key("ES256")
    headers = {"typ": TYP, "kid": key.public.kid}
    half = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8
    seen = set()
    for _ in range(64):
        token = jwt.encode({"a": 1}, key.pem(), algorithm="ES256", headers=headers)
        read = jws.parse(token, typ=TYP)
        low = int.from_bytes(read.signature[32:], "big") <= half
        if low:
            assert jws.verify(read, key.public) == b'{"a":1}'
        else:
            with pytest.raises(SignatureInvalid):
                jws.verify(read, key.public)
        seen.add(low)
    assert seen == {True, False}


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_a_token_signed_by_joserfc_is_accepted(alg: str) -> None:
    key = generate_signing_key()
    private = joserfc_jwk.OKPKey.import_key(key.pem())
    header = {"alg": alg, "typ": TYP, "kid": key.public.kid}
    if alg == "EdDSA":
        with pytest.warns(SecurityWarning):
            token = joserfc_jwt.encode(header, json.loads(claims(FULL_GRANT)), private, algorithms=[alg])
    else:
        token = joserfc_jwt.encode(header, json.loads(claims(FULL_GRANT)), private, algorithms=[alg])
    assert from_claims(jws.verify(jws.parse(token, typ=TYP), key.public)) == FULL_GRANT


@pytest.mark.parametrize("name", sorted(golden.STATEMENTS))
def test_golden_token_of_each_state_verifies_elsewhere(name: str) -> None:
    token = (golden.FOLDER / f"{name}.jwt").read_text()
    keys = jwt.PyJWKSet.from_json((golden.FOLDER / "jwks.json").read_text())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    # Two of them are of a day to come.
    said = jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_iat": False})
    assert said == json.loads(claims(golden.STATEMENTS[name]))
