"""The committed tokens, manifest and registry: read, verified and made again byte for byte."""

import json
from hashlib import sha256

import pytest

from consentgate.canonical import b64, unb64
from consentgate.consent import issuers, notice
from consentgate.consent.issuers import key_problems, scope_problems
from consentgate.consent.statement import TYP, claims, from_claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import public_key_from_jwk, public_key_from_pem
from consentgate.errors import KeyMismatch, SignatureInvalid
from tests.tools import golden_statements as golden


def content(name: str) -> bytes:
    return (golden.FOLDER / name).read_bytes()


def test_the_folder_holds_these_files_and_no_others() -> None:
    assert {path.name for path in golden.FOLDER.iterdir()} == {*golden.files(), "given.es256.jwt"}


@pytest.mark.parametrize("name", sorted(golden.files()))
def test_each_file_is_made_again_byte_for_byte(name: str) -> None:
    assert golden.files()[name] == content(name)


@pytest.mark.parametrize("name", sorted(golden.STATEMENTS))
def test_each_state_verifies_and_reads(name: str) -> None:
    registry = issuers.decode(content("issuers.json"))
    token = content(f"{name}.jwt").decode()
    read = jws.parse(token, typ=TYP)
    key = registry.key("https://ivr.acme.example", read.kid)
    assert key is not None
    statement = from_claims(jws.verify(read, key.public))
    assert statement == golden.STATEMENTS[name]
    assert claims(statement) == read.payload
    assert read.signing_input + b"." + b64(read.signature).encode() == token.encode()
    assert key_problems(key, received_at=statement.event_time, trusted_at=None) == ()
    assert scope_problems(statement, registry.issuers[0]) == ()


def test_the_header_is_pinned() -> None:
    header = content("given.jwt").decode().split(".")[0]
    assert unb64(header) == (
        b'{"alg":"EdDSA","kid":"' + golden.KEY.public.kid.encode() + b'","typ":"consent-statement+jwt"}'
    )


def test_the_es256_token_verifies_with_its_key_only() -> None:
    read = jws.parse(content("given.es256.jwt").decode(), typ=TYP)
    keys = [public_key_from_jwk(jwk) for jwk in json.loads(content("jwks.json"))["keys"]]
    assert from_claims(jws.verify(read, keys[1])) == golden.GIVEN
    with pytest.raises(KeyMismatch):
        jws.verify(read, keys[0])


def test_every_flipped_bit_of_a_signature_is_found() -> None:
    key = public_key_from_pem(content("issuer.pem"))
    read = jws.parse(content("withdrawn.jwt").decode(), typ=TYP)
    for bit in range(512):
        broken = bytearray(read.signature)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureInvalid):
            key.verify(bytes(broken), read.signing_input)


def test_the_grant_names_the_notice_by_its_bytes() -> None:
    manifest = notice.decode(content("notice.manifest.json"))
    named = golden.GIVEN.notice
    assert named is not None
    assert named.digest == sha256(content("notice.txt")).digest()
    assert named.manifest == sha256(content("notice.manifest.json")).digest()
    assert manifest.is_named_by(named)
