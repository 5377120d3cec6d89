"""The two curves: which points are keys, and which pairs of numbers are signatures.

Invariants: a point of small order, off the curve or in a second spelling is no key; an ECDSA signature whose
s lies in the upper half is none, because everybody can turn one half into the other.
"""

from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from consentgate.errors import InvalidInput, SignatureInvalid

SIGNATURE_SIZE: Final = 64

_ED25519_PRIME: Final = 2**255 - 19
_ED25519_D: Final = -121665 * pow(121666, -1, _ED25519_PRIME) % _ED25519_PRIME
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# The second coordinates of the eight points whose order divides 8; under such a key forgeries verify.
_SMALL_ORDER: Final = {0, 1, _ED25519_PRIME - 1, _ORDER_8, _ED25519_PRIME - _ORDER_8}
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# A registry is read anew when it changes, with the same keys: that a point is one is found out once.
@lru_cache(maxsize=1024)
def ed25519(x: bytes, y: bytes | None) -> Ed25519PublicKey:
    """Make an Ed25519 key of its encoded point.

    Args:
        x: 32 bytes.
        y: None; Ed25519 has no second member.

    Returns:
        The key.

    Raises:
        InvalidInput: no point of the curve, another spelling of one, or one of small order.
    """
    if len(x) != 32 or y is not None:
        raise InvalidInput("An Ed25519 key is 32 bytes.")
    number = int.from_bytes(x, "little") & (1 << 255) - 1
    if number >= _ED25519_PRIME:
        raise InvalidInput("The Ed25519 key is not in its canonical spelling.")
    if number in _SMALL_ORDER:
        raise InvalidInput("The Ed25519 key is a point of small order: anybody can sign for it.")
    # On the curve, x^2 = (y^2 - 1) / (d y^2 + 1) is a square (RFC 8032, 5.1.3); the library looks only later.
    square = number * number % _ED25519_PRIME
    ratio = (square - 1) * (_ED25519_D * square + 1)
    if pow(ratio, (_ED25519_PRIME - 1) // 2, _ED25519_PRIME) != 1:
        raise InvalidInput("The Ed25519 key is not a point of the curve.")
    return Ed25519PublicKey.from_public_bytes(x)


@lru_cache(maxsize=1024)
def p256(x: bytes, y: bytes | None) -> ec.EllipticCurvePublicKey:
    """Make a P-256 key of its coordinates.

    Args:
        x: 32 bytes, big-endian.
        y: 32 bytes, big-endian.

    Returns:
        The key.

    Raises:
        InvalidInput: no point of the curve.
    """
    if y is None or len(x) != 32 or len(y) != 32:
        raise InvalidInput("A P-256 key has two coordinates of 32 bytes.")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    )
    try:
        return numbers.public_key()
    except ValueError as error:
        raise InvalidInput("The P-256 key is not a point of the curve.") from error


def to_der(signature: bytes) -> bytes:
    """Turn a JOSE signature into the form that the library checks.

    Args:
        signature: r and s, 32 bytes each, big-endian.

    Returns:
        The DER form.

    Raises:
        SignatureInvalid: r or s is out of range, or s lies in the upper half.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    # With s also n - s fits: without this bound everybody can spell a signature in a second way.
    if not (0 < r < _P256_ORDER and 0 < s <= _P256_ORDER // 2):
        raise SignatureInvalid
    return encode_dss_signature(r, s)


def from_der(signature: bytes) -> bytes:
    """Turn a signature of the library into JOSE's form, with s in the lower half.

    Args:
        signature: the DER form.

    Returns:
        r and s, 32 bytes each, big-endian.

    Raises:
        SignatureInvalid: it has not this form, or r or s is out of range.
    """
    try:
        r, s = decode_dss_signature(signature)
    except ValueError as error:
        raise SignatureInvalid from error
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        raise SignatureInvalid
    return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big")
