import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consentgate.canonical import unb64
from consentgate.crypto.jwe import open_sealed
from consentgate.errors import KeyMismatch, Malformed
from tests.vectors.published import load

pytestmark = pytest.mark.vectors


def test_the_cipher_meets_wycheproof_where_the_profile_uses_it() -> None:
    """The profile fixes 256-bit keys, 96-bit IVs and 128-bit tags."""
    seen = {"valid": 0, "invalid": 0}
    for group in load("wycheproof/aes_gcm_test.json")["testGroups"]:
        if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
            continue
        for case in group["tests"]:
            key, iv, aad, message, sealed = (
                bytes.fromhex(case[each]) for each in ("key", "iv", "aad", "msg", "ct")
            )
            sealed += bytes.fromhex(case["tag"])
            seen[case["result"]] += 1
            if case["result"] == "valid":
                assert AESGCM(key).decrypt(iv, sealed, aad) == message, case["tcId"]
                assert AESGCM(key).encrypt(iv, message, aad) == sealed, case["tcId"]
            else:
                with pytest.raises(InvalidTag):
                    AESGCM(key).decrypt(iv, sealed, aad)
    assert sum(seen.values()) == 66
    assert min(seen.values()) > 0


def test_cookbook_direct_encryption_lies_outside_the_profile() -> None:
    """RFC 7520, 5.6 has A128GCM and a key id of its own making: read by JOSE, refused here."""
    case = load("jose-cookbook/jwe/5_6.direct_encryption_using_aes-gcm.json")
    header, _, iv, ciphertext, tag = case["output"]["compact"].split(".")
    key = unb64(case["input"]["key"]["k"])
    plaintext = AESGCM(key).decrypt(unb64(iv), unb64(ciphertext) + unb64(tag), header.encode())
    assert plaintext.decode() == case["input"]["plaintext"]
    with pytest.raises(Malformed) as refused:
        open_sealed(case["output"]["compact"], key=bytes(32))
    assert not isinstance(refused.value, KeyMismatch)
