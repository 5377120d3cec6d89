"""What we seal opens with JOSE tools that we did not write, and theirs in our profile with ours."""

import json
from pathlib import Path

import pytest
from joserfc import jwe as joserfc_jwe
from joserfc.jwk import OctKey
from jwcrypto.jwe import JWE  # type: ignore[import-untyped]  # comes without types
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # comes without types

from consentgate.canonical import b64, unb64
from consentgate.crypto.jwe import open_sealed, seal
from consentgate.crypto.jwk import oct_thumbprint

KEY = bytes(range(32))
CONTENT = '{"who":"Zoë"}'.encode()
GOLDEN = Path(__file__).parents[2] / "golden" / "two_key_token.json"


def with_joserfc(token: str, key: bytes) -> bytes:
    opened = joserfc_jwe.decrypt_compact(
        token, OctKey.import_key({"kty": "oct", "k": b64(key)}), algorithms=["dir", "A256GCM"]
    )
    assert opened.plaintext is not None
    return opened.plaintext


def with_jwcrypto(token: str, key: bytes) -> bytes:
    opened = JWE()
    opened.deserialize(token, JWK(kty="oct", k=b64(key)))
    payload = opened.payload
    assert isinstance(payload, bytes)
    return payload


def test_sealed_parts_open_with_other_tools() -> None:
    token = seal(CONTENT, key=KEY, iv=bytes(12))
    assert with_jwcrypto(token, KEY) == CONTENT
    assert with_joserfc(token, KEY) == CONTENT


def test_parts_sealed_by_another_tool_open_here() -> None:
    header = {"alg": "dir", "enc": "A256GCM", "kid": oct_thumbprint(KEY)}
    sealed = JWE(CONTENT, json.dumps(header, separators=(",", ":")), recipient=JWK(kty="oct", k=b64(KEY)))
    assert open_sealed(sealed.serialize(compact=True), key=KEY) == CONTENT


def test_thumbprint_equals_that_of_other_tools() -> None:
    assert oct_thumbprint(KEY) == JWK(kty="oct", k=b64(KEY)).thumbprint()
    assert oct_thumbprint(KEY) == OctKey.import_key({"kty": "oct", "k": b64(KEY)}).thumbprint()


@pytest.mark.parametrize("which", ["named", "not_named"])
def test_tools_that_ignore_kid_open_the_two_key_token_twice(which: str) -> None:
    golden = json.loads(GOLDEN.read_bytes())
    key, content = unb64(golden[f"key_{which}"]), unb64(golden[f"opens_{which}"])
    assert with_jwcrypto(golden["token"], key) == content
    assert with_joserfc(golden["token"], key) == content
