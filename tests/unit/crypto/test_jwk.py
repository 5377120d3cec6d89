import copy
import pickle
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import b64
from consentgate.crypto.jwk import (
    Algorithm,
    PublicKey,
    SigningKey,
    generate_signing_key,
    oct_thumbprint,
    public_key_from_jwk,
    public_key_from_pem,
    signing_key_from_pem,
    thumbprint,
)
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid

ALGORITHMS: tuple[Algorithm, ...] = ("Ed25519", "ES256")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PRIME = 2**255 - 19

both = pytest.mark.parametrize("algorithm", ALGORITHMS)


@both
def test_a_signature_verifies_for_its_data_only(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm)
    signature = key.sign(b"data")
    assert len(signature) == 64
    key.public.verify(signature, b"data")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for other, data in ((signature, b"date"), (flipped, b"data"), (bytes(64), b"data")):
        with pytest.raises(SignatureInvalid):
            key.public.verify(other, data)
    with pytest.raises(SignatureInvalid):
        generate_signing_key(algorithm).public.verify(signature, b"data")


@both
def test_signatures_of_another_length_are_refused(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm)
    signature = key.sign(b"data")
    for other in (signature[:-1], signature + b"\0", b"\0" + signature, b""):
        with pytest.raises(SignatureInvalid):
            key.public.verify(other, b"data")


def test_es256_signatures_have_a_low_s_and_the_other_spelling_is_refused() -> None:
    key = generate_signing_key("ES256")
    for _ in range(8):
        signature = key.sign(b"data")
        s = int.from_bytes(signature[32:], "big")
        assert s <= P256_ORDER // 2
        with pytest.raises(SignatureInvalid):
            key.public.verify(signature[:32] + (P256_ORDER - s).to_bytes(32, "big"), b"data")


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (P256_ORDER, 1), (1, P256_ORDER), (2**256 - 1, 1)])
def test_es256_numbers_out_of_range_are_refused(r: int, s: int) -> None:
    key = generate_signing_key("ES256").public
    with pytest.raises(SignatureInvalid):
        key.verify(r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"data")


def test_an_ed25519_signature_with_the_order_added_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    key = generate_signing_key()
    signature = key.sign(b"data")
    s = int.from_bytes(signature[32:], "little") + order
    with pytest.raises(SignatureInvalid):
        key.public.verify(signature[:32] + s.to_bytes(32, "little"), b"data")


@both
def test_a_published_key_has_public_members_only_and_no_alg(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm)
    jwk = key.public.jwk()
    assert set(jwk) == {"kty", "crv", "x", "kid"} | ({"y"} if algorithm == "ES256" else set())
    assert jwk["kid"] == thumbprint(jwk) == key.public.kid
    assert public_key_from_jwk(jwk) == key.public
    assert public_key_from_jwk({**jwk, "use": "sig", "x5t": "ignored"}) == key.public


@both
def test_pem_round_trips(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm)
    assert public_key_from_pem(key.public.pem()) == key.public
    again = signing_key_from_pem(key.pem())
    assert again.public == key.public
    key.public.verify(again.sign(b"data"), b"data")


@both
def test_keys_can_be_copied_and_compared(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm).public
    assert pickle.loads(pickle.dumps(key)) == key == copy.deepcopy(key)
    assert len({key, copy.copy(key)}) == 1
    assert key != generate_signing_key(algorithm).public


@both
def test_no_repr_shows_a_private_key(algorithm: Algorithm) -> None:
    key = generate_signing_key(algorithm)
    secret = (
        key._private.private_numbers().private_value
        if isinstance(key._private, ec.EllipticCurvePrivateKey)
        else int.from_bytes(key._private.private_bytes_raw(), "big")
    )
    for text in (repr(key), str(key)):
        assert key.public.kid in text
        assert "_private" not in text
        assert str(secret) not in text
        assert b64(secret.to_bytes(32, "big")) not in text


def small_order() -> list[bytes]:
    eighth = int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    )
    numbers = [0, 1, PRIME - 1, PRIME, PRIME + 1, eighth, PRIME - eighth]
    return [(number | sign << 255).to_bytes(32, "little") for number in numbers for sign in (0, 1)]


@pytest.mark.parametrize("x", small_order(), ids=bytes.hex)
def test_ed25519_keys_of_small_order_are_refused(x: bytes) -> None:
    with pytest.raises(InvalidInput):
        PublicKey(algorithm="Ed25519", x=x)
    with pytest.raises(Malformed):
        public_key_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64(x)})
    pem = b"-----BEGIN PUBLIC KEY-----\n" + _spki(x) + b"\n-----END PUBLIC KEY-----\n"
    with pytest.raises(Malformed):
        public_key_from_pem(pem)


def _spki(x: bytes) -> bytes:
    import base64

    return base64.b64encode(bytes.fromhex("302a300506032b6570032100") + x)


def test_points_off_the_curve_or_in_a_second_spelling_are_refused() -> None:
    refused = 0
    for number in range(2, 40):
        try:
            PublicKey(algorithm="Ed25519", x=number.to_bytes(32, "little"))
        except InvalidInput:
            refused += 1
    assert 10 < refused < 30  # about half of all numbers are coordinates of points
    with pytest.raises(InvalidInput):
        PublicKey(algorithm="Ed25519", x=(PRIME + 3).to_bytes(32, "little"))
    with pytest.raises(InvalidInput):
        PublicKey(algorithm="ES256", x=bytes(32), y=bytes(32))


@pytest.mark.parametrize(
    ("algorithm", "x", "y"),
    [
        ("Ed25519", b"", None),
        ("Ed25519", b"\x09" * 33, None),
        ("Ed25519", b"\x09" * 32, b"\x09" * 32),
        ("ES256", b"\x09" * 32, None),
        ("ES256", b"\x09" * 31, b"\x09" * 32),
        ("ES256", b"\x09" * 32, b"\x09" * 33),
    ],
)
def test_coordinates_of_another_length_are_refused(algorithm: Algorithm, x: bytes, y: bytes | None) -> None:
    with pytest.raises(InvalidInput):
        PublicKey(algorithm=algorithm, x=x, y=y)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct"},
        {"kty": "RSA"},
        {"kty": ["OKP"]},
        {"kty": None},
        {"crv": "X25519"},
        {"crv": "Ed448"},
        {"crv": {}},
        {"x": None},
        {"x": 5},
        {"x": "AA=="},
        {"x": "AA"},
        {"kid": "key-1"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"use": "enc"},
        {"d": "AA"},
        {"k": "AA"},
    ],
)
def test_other_jwks_are_refused(change: dict[str, object]) -> None:
    jwk = generate_signing_key().public.jwk()
    with pytest.raises(Malformed):
        public_key_from_jwk({**jwk, **change})


def test_a_p256_jwk_needs_both_coordinates() -> None:
    jwk = generate_signing_key("ES256").public.jwk()
    del jwk["y"]
    with pytest.raises(Malformed):
        public_key_from_jwk(jwk)


@pytest.mark.parametrize("jwk", [None, [], "x", 3])
def test_a_jwk_is_an_object(jwk: object) -> None:
    with pytest.raises(Malformed):
        public_key_from_jwk(cast("dict[str, object]", jwk))


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "kid"]), st.none() | st.text(max_size=5) | st.just("OKP")
    )
)
def test_no_jwk_raises_anything_but_malformed(jwk: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        public_key_from_jwk(jwk)
    with pytest.raises(Malformed):
        thumbprint({**jwk, "kty": "EC", "crv": None})


def test_other_kinds_of_keys_are_refused_as_pem() -> None:
    for private in (
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
        x25519.X25519PrivateKey.generate(),
    ):
        with pytest.raises(Malformed):
            public_key_from_pem(
                private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            )
        with pytest.raises(Malformed):
            signing_key_from_pem(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        with pytest.raises(Malformed):
            SigningKey.of(private)


def test_an_encrypted_private_key_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    with pytest.raises(Malformed):
        signing_key_from_pem(pem)


@pytest.mark.parametrize(
    "pem", [b"", b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", b"\xff", None]
)
def test_what_is_no_pem_is_refused(pem: object) -> None:
    with pytest.raises(Malformed):
        public_key_from_pem(cast("bytes", pem))
    with pytest.raises(Malformed):
        signing_key_from_pem(cast("bytes", pem))


def test_thumbprints_ignore_other_members_and_differ_by_key() -> None:
    jwk = generate_signing_key().public.jwk()
    assert thumbprint({**jwk, "alg": "EdDSA", "use": "sig"}) == thumbprint(jwk)
    assert oct_thumbprint(bytes(32)) == thumbprint({"kty": "oct", "k": b64(bytes(32)), "kid": "x"})
    assert oct_thumbprint(bytes(32)) != oct_thumbprint(bytes(31) + b"\1")


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "RSA", "n": "x", "e": "AQAB"}, {"kty": []}, {"kty": "oct"}, {"kty": "oct", "k": "é"}]
)
def test_other_thumbprints_are_refused(jwk: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        thumbprint(jwk)
