"""Keys and tags that follow from a key: what belongs to one person follows from that person's data key.

Invariants: every derivation is a standard one (HKDF of RFC 5869, HMAC of RFC 2104, both on SHA-256) with its
own label, so that no two purposes share a key; destroying the data key destroys all that follows from it.
"""

import hashlib
import hmac
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consentgate.canonical import encode
from consentgate.errors import InvalidInput

KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
_PART_LABEL: Final = b"consentgate part v1 "
_TAG_LABEL: Final = b"consentgate tag v1"


def part_key(data_key: bytes, entry: UUID, name: str) -> bytes:
    """Derive the key that one part of one entry is sealed under.

    Args:
        data_key: 32 bytes, the subject's or the tenant's.
        entry: the entry's id.
        name: the part's name.

    Returns:
        32 bytes. Whoever has them opens this part and no other.

    Raises:
        InvalidInput: the data key is not 32 bytes, or the name is not ASCII.
    """
    _require_key(data_key)
    return _hkdf(data_key, salt=entry.bytes, info=_PART_LABEL + _ascii(name))


def tag_key(data_key: bytes) -> bytes:
    """Derive the key that a subject's tags are made with.

    Args:
        data_key: 32 bytes.

    Returns:
        32 bytes.

    Raises:
        InvalidInput: the data key is not 32 bytes.
    """
    _require_key(data_key)
    return _hkdf(data_key, salt=b"", info=_TAG_LABEL)


def tag(key: bytes, entry: UUID, name: str) -> bytes:
    """Compute the tag by which the holder of a data key recognises a part as that subject's.

    Args:
        key: what `tag_key` gave.
        entry: the entry's id.
        name: the part's name.

    Returns:
        16 bytes, which look random without the key.

    Raises:
        InvalidInput: the key is not 32 bytes, or the name is not ASCII.
    """
    _require_key(key)
    return hmac.digest(key, entry.bytes + _ascii(name), hashlib.sha256)[:TAG_BYTES]


def reference_hmac(key: bytes, tenant: str, kind: str, value: str) -> bytes:
    """Compute what is stored in place of a reference to a person.

    Args:
        key: the reference key of an epoch, 32 bytes.
        tenant: the tenant.
        kind: the reference's kind.
        value: the reference itself, taken character for character.

    Returns:
        32 bytes.

    Raises:
        InvalidInput: the key is not 32 bytes, or a text is no valid Unicode.
    """
    _require_key(key)
    return hmac.digest(key, encode([tenant, kind, value]), hashlib.sha256)


def lock_number(key: bytes, tenant: str, kind: str, value: str) -> int:
    """Compute the number that stands for a reference among a database's locks.

    Args:
        key: the lock key, 32 bytes.
        tenant: the tenant.
        kind: the reference's kind.
        value: the reference itself, taken character for character.

    Returns:
        A signed number of 64 bits. Two references may share one: then they wait for each other, and no more.

    Raises:
        InvalidInput: the key is not 32 bytes, or a text is no valid Unicode.
    """
    return int.from_bytes(reference_hmac(key, tenant, kind, value)[:8], "big", signed=True)


def _hkdf(key: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


def _require_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise InvalidInput("A key is 32 bytes.")


def _ascii(name: str) -> bytes:
    if not name.isascii():
        raise InvalidInput("A part's name is ASCII.")
    return name.encode()
