"""Published JOSE and Ed25519 vectors, read by the strict profile."""

from typing import Any

import pytest

from consentgate.canonical import b64, unb64
from consentgate.crypto import jws
from consentgate.crypto.jwk import PublicKey, public_key_from_jwk, public_key_from_pem, thumbprint
from consentgate.errors import Malformed, SignatureInvalid
from tests.vectors import published

pytestmark = pytest.mark.vectors


def test_rfc_8037_appendix_a() -> None:
    vector = published.load("rfc8037-appendix-a.json")
    public = {name: value for name, value in vector["jwk"].items() if name != "d"}
    key = public_key_from_jwk(public)
    assert thumbprint(vector["jwk"]) == key.kid == vector["jwk_thumbprint_sha256"]
    signing_input, _, signature = vector["jws_compact"].rpartition(".")
    key.verify(unb64(signature), signing_input.encode())
    assert unb64(signing_input.split(".")[1]).decode() == vector["payload"]
    with pytest.raises(Malformed, match="private"):
        public_key_from_jwk(vector["jwk"])
    with pytest.raises(Malformed, match="other members"):  # it names neither type nor key
        jws.parse(vector["jws_compact"], typ="JWT")


def test_cookbook_ed25519_signature() -> None:
    vector = published.load("jose-cookbook/curve25519/jws.json")
    key = public_key_from_jwk({name: vector["input"]["key"][name] for name in ("kty", "use", "crv", "x")})
    key.verify(unb64(vector["signing"]["sig"]), vector["signing"]["sig-input"].encode())
    assert vector["output"]["compact"] == f"{vector['signing']['sig-input']}.{vector['signing']['sig']}"


def test_cookbook_keys_of_other_kinds_are_refused() -> None:
    names = sorted(published.path("jose-cookbook/jwk").glob("*.json"))
    assert len(names) == 6
    for name in names:
        with pytest.raises(Malformed):
            public_key_from_jwk(published.load(f"jose-cookbook/jwk/{name.name}"))


def test_cookbook_signatures_of_other_kinds_are_refused() -> None:
    tokens = [
        vector["output"]["compact"]
        for name in sorted(published.path("jose-cookbook").glob("*/*.json"))
        if "signing" in (vector := published.load(f"jose-cookbook/{name.parent.name}/{name.name}"))
        and "compact" in vector["output"]
    ]
    assert len(tokens) >= 5
    for token in tokens:
        with pytest.raises(Malformed):
            jws.parse(token, typ="JWT")


def _groups() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = published.load("wycheproof/ed25519_test.json")["testGroups"]
    return groups


def test_wycheproof_ed25519() -> None:
    seen = 0
    for group in _groups():
        x = bytes.fromhex(group["publicKey"]["pk"])
        key = PublicKey(algorithm="Ed25519", x=x)
        assert public_key_from_pem(group["publicKeyPem"].encode()) == key
        assert group["publicKeyJwk"]["x"] == b64(x)
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            if case["result"] == "valid":
                key.verify(signature, message)
            else:
                with pytest.raises(SignatureInvalid):
                    key.verify(signature, message)
            seen += 1
    assert seen == published.load("wycheproof/ed25519_test.json")["numberOfTests"]
