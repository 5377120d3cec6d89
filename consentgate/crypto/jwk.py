"""Keys: Ed25519 and ECDSA P-256, as JWK (RFC 7517, RFC 8037) and PEM, named by their thumbprint (RFC 7638).

Invariants: a `PublicKey` that exists is a canonically spelled point on its curve and not one of small order,
and its `kid` is its thumbprint; a signature is 64 bytes and, for ES256, has a low S, so that nobody without
the private key can make a second signature of one text. A private key shows in no repr, and a published JWK
carries no ``alg``, because libraries skip keys whose spelling of it they do not know.
"""

from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256
from typing import Final, Literal, Self, TypeAlias

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from consentgate.canonical import b64, encode_ascii, unb64
from consentgate.crypto import curves
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.values import dataclass

Algorithm: TypeAlias = Literal["Ed25519", "ES256"]

_MEMBERS: Final = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "oct": ("k", "kty")}
_JOSE_NAMES: Final = {"Ed25519": ("EdDSA", "Ed25519"), "ES256": ("ES256",)}
# What `cryptography` says of bytes that are no key; InternalError where OpenSSL has no word for it, for example of
# a key of another curve that is too short.
_NO_KEY: Final = (ValueError, TypeError, UnsupportedAlgorithm, InternalError)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        algorithm: ``Ed25519`` or ``ES256``.
        x: 32 bytes: the encoded point (Ed25519), or its first coordinate (ES256).
        y: 32 bytes: the second coordinate (ES256), else None.
        kid: the RFC 7638 thumbprint, computed.
    """

    algorithm: Algorithm
    x: bytes
    y: bytes | None = None
    kid: str = field(init=False)
    _key: Ed25519PublicKey | ec.EllipticCurvePublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        made = curves.ed25519(self.x, self.y) if self.algorithm == "Ed25519" else curves.p256(self.x, self.y)
        object.__setattr__(self, "_key", made)
        object.__setattr__(self, "kid", thumbprint(self._required()))

    def __reduce__(self) -> tuple[object, ...]:
        # The library's key object cannot be copied; the bytes that it is made of can.
        return _rebuild, (self.algorithm, self.x, self.y)

    def jwk(self) -> dict[str, str]:
        """Write the key as a JWK.

        Returns:
            Only public members: ``kty``, ``crv``, ``x``, ``y`` for ES256, and ``kid``.
        """
        return {**self._required(), "kid": self.kid}

    def pem(self) -> bytes:
        """Write the key as PEM, which openssl reads.

        Returns:
            A SubjectPublicKeyInfo.
        """
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, data: bytes | memoryview) -> None:
        """Check a signature.

        Args:
            signature: 64 bytes; for ES256 r and s, big-endian, s in the lower half.
            data: what was signed.

        Raises:
            SignatureInvalid: it is not this key's signature of the data, or not in its one spelling.
        """
        if len(signature) != curves.SIGNATURE_SIZE:
            raise SignatureInvalid
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, data)
            else:
                self._key.verify(curves.to_der(signature), data, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise SignatureInvalid from error

    def _required(self) -> dict[str, str]:
        if self.y is None:
            return {"kty": "OKP", "crv": "Ed25519", "x": b64(self.x)}
        return {"kty": "EC", "crv": "P-256", "x": b64(self.x), "y": b64(self.y)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SigningKey:
    """A key that signs; its repr shows the public half only.

    Attributes:
        public: the key that its signatures are checked with.
    """

    public: PublicKey
    _private: Ed25519PrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def of(cls, private: object) -> Self:
        """Wrap a private key of the `cryptography` library.

        Args:
            private: an Ed25519 or P-256 private key.

        Returns:
            The key.

        Raises:
            Malformed: any other kind of key.
        """
        if isinstance(private, Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
            return cls(public=_public(private.public_key()), _private=private)
        raise Malformed("The key is neither Ed25519 nor P-256.")

    def sign(self, data: bytes | bytearray) -> bytes:
        """Sign.

        Args:
            data: the bytes to sign.

        Returns:
            64 bytes; for ES256 r and s, big-endian, s in the lower half.
        """
        if isinstance(self._private, Ed25519PrivateKey):
            return self._private.sign(data)
        return curves.from_der(self._private.sign(data, ec.ECDSA(hashes.SHA256())))

    def pem(self) -> bytes:
        """Write the private key, for a file that only its owner reads.

        Returns:
            An unencrypted PKCS #8 PEM.
        """
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_key_from_jwk(jwk: Mapping[str, object]) -> PublicKey:
    """Read a public key from a JWK.

    Args:
        jwk: ``kty`` OKP with ``crv`` Ed25519, or EC with P-256; ``kid``, ``alg`` and ``use`` where present
            must fit; other members are ignored.

    Returns:
        The key.

    Raises:
        Malformed: another kind of key, a private one, a point that is none, or a foreign ``kid``.
    """
    if not isinstance(jwk, Mapping):
        raise Malformed("A JWK is an object.")
    if any(name in jwk for name in ("d", "k", "p", "q")):
        raise Malformed("This JWK holds a private key; publish and pass only its public members.")
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind not in (("OKP", "Ed25519"), ("EC", "P-256")):
        raise Malformed("The JWK is neither an Ed25519 nor a P-256 key.")
    algorithm: Algorithm = "Ed25519" if kind[0] == "OKP" else "ES256"
    y = None if algorithm == "Ed25519" else _member(jwk, "y")
    try:
        key = PublicKey(algorithm=algorithm, x=_member(jwk, "x"), y=y)
    except InvalidInput as error:
        raise Malformed(str(error)) from error
    if jwk.get("kid", key.kid) != key.kid:
        raise Malformed(f"The JWK's kid is not its RFC 7638 thumbprint, which is {key.kid}.")
    if jwk.get("alg", algorithm) not in _JOSE_NAMES[algorithm] or jwk.get("use", "sig") != "sig":
        raise Malformed("The JWK is meant for another use or algorithm.")
    return key


def public_key_from_pem(pem: bytes) -> PublicKey:
    """Read a public key from PEM.

    Args:
        pem: a SubjectPublicKeyInfo of Ed25519 or P-256.

    Returns:
        The key.

    Raises:
        Malformed: not PEM, or another kind of key.
    """
    try:
        return _public(load_pem_public_key(pem))
    except _NO_KEY as error:
        raise Malformed("This is not the PEM of an Ed25519 or P-256 public key.") from error


def signing_key_from_pem(pem: bytes) -> SigningKey:
    """Read a private key from PEM.

    Args:
        pem: an unencrypted PKCS #8 of Ed25519 or P-256.

    Returns:
        The key.

    Raises:
        Malformed: not PEM, encrypted, or another kind of key.
    """
    try:
        return SigningKey.of(load_pem_private_key(pem, password=None))
    except _NO_KEY as error:
        raise Malformed("This is not the unencrypted PEM of an Ed25519 or P-256 private key.") from error


def generate_signing_key(algorithm: Algorithm = "Ed25519") -> SigningKey:
    """Make a new key from the machine's randomness.

    Args:
        algorithm: ``Ed25519``, or ``ES256`` for key services that lack it.

    Returns:
        The key.
    """
    if algorithm == "Ed25519":
        return SigningKey.of(Ed25519PrivateKey.generate())
    return SigningKey.of(ec.generate_private_key(ec.SECP256R1()))


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Compute the RFC 7638 thumbprint of a key.

    Args:
        jwk: a JWK of kind OKP, EC or oct; members that the RFC does not name for its kind are left out.

    Returns:
        SHA-256 in base64url, 43 characters.

    Raises:
        Malformed: another kind of key, or a member that is missing or no text.
    """
    kind = jwk.get("kty")
    members: dict[str, str] = {}
    for name in _MEMBERS.get(kind, ()) if isinstance(kind, str) else ():
        value = jwk.get(name)
        if not isinstance(value, str):
            raise Malformed(f"The JWK lacks its member {name}.")
        members[name] = value
    if not members:
        raise Malformed("The JWK is of no kind that has a thumbprint here.")
    try:
        return b64(sha256(encode_ascii(members)).digest())
    except InvalidInput as error:
        raise Malformed("A member of the JWK is not ASCII.") from error


def oct_thumbprint(key: bytes) -> str:
    """Compute the RFC 7638 thumbprint of a symmetric key, which commits to it without showing it.

    Args:
        key: the key's bytes.

    Returns:
        43 characters.
    """
    # What `thumbprint` hashes for kind oct, without the way there: every part that is opened or sealed asks.
    return b64(sha256(b'{"k":"%b","kty":"oct"}' % b64(key).encode()).digest())


def _rebuild(algorithm: Algorithm, x: bytes, y: bytes | None) -> PublicKey:
    return PublicKey(algorithm=algorithm, x=x, y=y)


def _public(key: object) -> PublicKey:
    if isinstance(key, Ed25519PublicKey):
        return PublicKey(algorithm="Ed25519", x=key.public_bytes_raw())
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        return PublicKey(algorithm="ES256", x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big"))
    raise Malformed("The key is neither Ed25519 nor P-256.")


def _member(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise Malformed(f"The JWK lacks its member {name}.")
    return unb64(value)
