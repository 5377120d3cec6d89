"""Sealed parts of entries: each about one subject, or about nobody, under the key that belongs to it.

Invariants: a part opens only if its bytes have the digest, its key the tag and its key the ``kid`` that the
leaf and the token name; whatever fails, the content is not given out.
"""

import hashlib
import hmac
from dataclasses import field
from typing import Final
from uuid import UUID

from consentgate.crypto import derive, jwe
from consentgate.entries.kinds import is_part_name
from consentgate.errors import InvalidInput, KeyMismatch, Malformed
from consentgate.moment import Random
from consentgate.values import dataclass

SEPARATOR: Final = "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPart:
    """A part as it is stored.

    Attributes:
        name: for example ``decision.0``.
        jwe: the compact token.
        tag: 16 bytes, by which the key's holder recognises it.
    """

    name: str
    jwe: str = field(repr=False)
    tag: bytes

    def __post_init__(self) -> None:
        if not is_part_name(self.name):
            raise InvalidInput("There is no part of this name.")
        if len(self.tag) != derive.TAG_BYTES:
            raise InvalidInput("A tag is 16 bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRef:
    """What a leaf says of a part.

    Attributes:
        p: the part's name.
        d: SHA-256 of the compact token.
        t: the part's tag.
    """

    p: str
    d: bytes
    t: bytes

    def __post_init__(self) -> None:
        if len(self.d) != 32 or len(self.t) != derive.TAG_BYTES:
            raise InvalidInput("A part's digest is 32 bytes and its tag 16.")


def seal_part(entry: UUID, name: str, content: bytes, data_key: bytes, random: Random) -> SealedPart:
    """Seal a part.

    Args:
        entry: the entry's id.
        name: the part's name.
        content: UTF-8 JSON.
        data_key: the key of whom it is about, 32 bytes.
        random: gives the IV.

    Returns:
        The sealed part.

    Raises:
        InvalidInput: the name, the key or the content cannot be.
    """
    token = jwe.seal(content, key=derive.part_key(data_key, entry, name), iv=random(jwe.IV_BYTES))
    return SealedPart(name=name, jwe=token, tag=derive.tag(derive.tag_key(data_key), entry, name))


def open_part(entry: UUID, ref: PartRef, token: str, data_key: bytes) -> bytes:
    """Open a part, after checking that it is the one that the leaf names.

    Args:
        entry: the entry's id.
        ref: what the leaf says of the part.
        token: the stored token.
        data_key: the key of whom it is about, 32 bytes.

    Returns:
        The content.

    Raises:
        Malformed: the token is not the one of the leaf, or not a token.
        KeyMismatch: the key is another subject's.
    """
    require_digest(ref, token)
    if not hmac.compare_digest(derive.tag(derive.tag_key(data_key), entry, ref.p), ref.t):
        raise KeyMismatch("The part belongs to another key.")
    return jwe.open_sealed(token, key=derive.part_key(data_key, entry, ref.p))


def require_digest(ref: PartRef, token: str) -> None:
    """Check that a stored token is the one that the leaf names.

    Args:
        ref: what the leaf says of the part.
        token: the stored token.

    Raises:
        Malformed: it is another one.
    """
    if not isinstance(token, str):
        raise Malformed("A token is text.")
    if hashlib.sha256(token.encode(errors="surrogatepass")).digest() != ref.d:
        raise Malformed("The stored part is not the one that the leaf names.")


def join_parts(tokens: tuple[str, ...]) -> str:
    """Write parts as they are stored.

    Args:
        tokens: the compact tokens, in the order of the leaf.

    Returns:
        One text, a token on each line; empty when there is none.
    """
    return SEPARATOR.join(tokens)


def split_parts(stored: str) -> tuple[str, ...]:
    """Read what `join_parts` wrote.

    Args:
        stored: the stored text.

    Returns:
        The tokens, in order; how many there must be, the leaf says.

    Raises:
        Malformed: it is not text.
    """
    if not isinstance(stored, str):
        raise Malformed("Stored parts are text.")
    return tuple(stored.split(SEPARATOR)) if stored else ()
