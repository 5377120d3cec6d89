"""Compact JWS (RFC 7515) in one strict profile: three parts, three header members, two algorithms.

Invariants: one token has one spelling (canonical base64url, a header of exactly ``alg``, ``kid`` and
``typ``, no member twice); the key is never taken from the token, it only names one by its RFC 7638
thumbprint; ``none`` and the symmetric algorithms do not exist here. The bytes that were signed are kept, so
nothing is ever encoded again to check a signature.

>>> from consentgate.crypto.jwk import generate_signing_key
>>> key = generate_signing_key()
>>> token = sign(b"{}", key=key, typ="example+jwt")
>>> verify(parse(token, typ="example+jwt"), key.public)
b'{}'
"""

from dataclasses import field
from functools import lru_cache
from hashlib import sha256
from typing import BinaryIO, Final

from consentgate.canonical import b64, decode, encode_ascii, unb64
from consentgate.crypto.curves import SIGNATURE_SIZE
from consentgate.crypto.jwk import PublicKey, SigningKey
from consentgate.errors import KeyMismatch, Malformed
from consentgate.values import dataclass

# RFC 9864 calls it Ed25519; we emit the older name, because PyJWT does not know the newer one yet.
_KEY_OF: Final = {"EdDSA": "Ed25519", "Ed25519": "Ed25519", "ES256": "ES256"}
_EMITTED: Final = {"Ed25519": "EdDSA", "ES256": "ES256"}
_HEADER_LIMIT: Final = 1024
# So much of something long is decoded at once: what it becomes ends where a character does.
_BLOCK: Final = 3 << 16
_B64_BLOCK: Final = 4 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A token that has been read and not yet verified.

    Attributes:
        alg: ``EdDSA``, ``Ed25519`` or ``ES256``.
        kid: the thumbprint of the key that it says signed it.
        typ: its type, the one that was asked for.
        payload: what it says.
        signing_input: the bytes under the signature.
        signature: 64 bytes.
    """

    alg: str
    kid: str
    typ: str
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongJws:
    """A token about something long that has been read and not yet verified.

    Attributes:
        alg: as of `Jws`.
        kid: as of `Jws`.
        digest: SHA-256 of what it says.
        signing_input: the bytes under the signature.
        signature: 64 bytes.
    """

    alg: str
    kid: str
    digest: bytes
    signing_input: memoryview = field(repr=False)
    signature: bytes = field(repr=False)


def sign(payload: bytes, *, key: SigningKey, typ: str) -> str:
    """Sign a payload.

    Args:
        payload: the bytes, taken as they are.
        key: the key; its thumbprint becomes ``kid``.
        typ: the media type without ``application/``.

    Returns:
        The token.

    Raises:
        InvalidInput: the type is not printable ASCII.
    """
    signing_input = f"{_header(key, typ)}.{b64(payload)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def sign_long(payload: BinaryIO, *, key: SigningKey, typ: str) -> bytearray:
    """Sign a file; only the token is in memory, since what is signed has to be in one piece.

    Args:
        payload: the file.
        key: as of `sign`.
        typ: as of `sign`.

    Returns:
        The token that `sign` gives for the file's bytes.

    Raises:
        InvalidInput: the type is not printable ASCII.
    """
    token = bytearray(f"{_header(key, typ)}.".encode())
    while block := payload.read(_BLOCK):
        token += b64(block).encode()
    signature = b64(key.sign(token))
    token += f".{signature}".encode()
    return token


def parse(token: str, *, typ: str, limit: int = 64 * 1024) -> Jws:
    """Read a token without verifying it.

    Args:
        token: the compact form.
        typ: the type that it must state.
        limit: how many characters are too many to look at, less one.

    Returns:
        Its parts.

    Raises:
        Malformed: anything but the profile.
    """
    if not isinstance(token, str):
        raise Malformed("A token is text.")
    if len(token) > limit:
        raise Malformed(f"The token is longer than {limit} characters.")
    parts = token.split(".", 3)
    if len(parts) != 3:
        raise Malformed("A signed token has three parts.")
    alg, kid = _read_header(parts[0], typ)
    payload, signature = unb64(parts[1]), unb64(parts[2])
    if len(signature) != SIGNATURE_SIZE:
        raise Malformed(f"The signature is not {SIGNATURE_SIZE} bytes.")
    return Jws(
        alg=alg,
        kid=kid,
        typ=typ,
        payload=payload,
        signing_input=token.rpartition(".")[0].encode(),
        signature=signature,
    )


def parse_long(token: bytes, *, typ: str) -> LongJws:
    """Read a token about something long without verifying it, and without decoding all of it at once.

    Args:
        token: the compact form, in ASCII.
        typ: the type that it must state.

    Returns:
        Its parts.

    Raises:
        Malformed: anything but the profile.
    """
    first, last = token.find(b"."), token.rfind(b".")
    if not -1 < first < last or token.find(b".", first + 1) != last:
        raise Malformed("A signed token has three parts.")
    whole = memoryview(token)
    alg, kid = _read_header(_ascii(whole[:first]), typ)
    digest = sha256()
    for at in range(first + 1, last, _B64_BLOCK):
        digest.update(unb64(_ascii(whole[at : min(at + _B64_BLOCK, last)])))
    signature = unb64(_ascii(whole[last + 1 :]))
    if len(signature) != SIGNATURE_SIZE:
        raise Malformed(f"The signature is not {SIGNATURE_SIZE} bytes.")
    return LongJws(alg=alg, kid=kid, digest=digest.digest(), signing_input=whole[:last], signature=signature)


def verify(jws: Jws, key: PublicKey) -> bytes:
    """Verify a token's signature.

    Args:
        jws: what `parse` gave.
        key: the key that the verifier holds under the token's ``kid``.

    Returns:
        The payload.

    Raises:
        KeyMismatch: the token names another key, or an algorithm that the key is not for.
        SignatureInvalid: the signature does not fit.
    """
    _verify(jws, key)
    return jws.payload


def verify_long(jws: LongJws, key: PublicKey) -> bytes:
    """Verify the signature of a token about something long.

    Args:
        jws: what `parse_long` gave.
        key: as of `verify`.

    Returns:
        SHA-256 of what was signed.

    Raises:
        KeyMismatch: as of `verify`.
        SignatureInvalid: the signature does not fit.
    """
    _verify(jws, key)
    return jws.digest


def _verify(jws: Jws | LongJws, key: PublicKey) -> None:
    if jws.kid != key.kid:
        raise KeyMismatch("The token names another key.")
    if _KEY_OF.get(jws.alg) != key.algorithm:
        raise KeyMismatch("The token names an algorithm that the key is not for.")
    key.verify(jws.signature, jws.signing_input)


def _header(key: SigningKey, typ: str) -> str:
    return b64(encode_ascii({"alg": _EMITTED[key.public.algorithm], "kid": key.public.kid, "typ": typ}))


def _ascii(data: memoryview) -> str:
    try:
        return str(data, "ascii")
    except UnicodeDecodeError as error:
        raise Malformed("A token is ASCII.") from error


# An issuer's tokens all begin with the same text, which tells nothing of a person.
@lru_cache(maxsize=256)
def _read_header(text: str, typ: str) -> tuple[str, str]:
    header = decode(unb64(text), limit=_HEADER_LIMIT)
    # No `crit`, `b64`, `jku`, `jwk` or `x5*` either: a header that names its own key or rules is an attack.
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"}:
        raise Malformed("The token's header has other members than alg, kid and typ.")
    alg, kid = header["alg"], header["kid"]
    if not isinstance(alg, str) or alg not in _KEY_OF:
        raise Malformed("The token's algorithm is none of EdDSA, Ed25519 and ES256.")
    if not isinstance(kid, str) or len(unb64(kid)) != 32:
        raise Malformed("The token's kid is no RFC 7638 thumbprint.")
    if header["typ"] != typ:
        raise Malformed(f"The token is not of type {typ}.")
    return alg, kid
