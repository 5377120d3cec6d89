"""Compact JWE (RFC 7516) in one strict profile: direct encryption with A256GCM, committed to its key.

Invariants: one token has one spelling (canonical base64url, exactly the members ``alg``, ``enc`` and
``kid``); ``kid`` is the RFC 7638 thumbprint of the key, and it is compared with the offered key *before*
decrypting. AES-GCM alone does not commit: a token can be made that opens under two keys, and tools that
ignore ``kid`` open it.

>>> key, iv = bytes(32), bytes(12)
>>> open_sealed(seal(b"{}", key=key, iv=iv), key=key)
b'{}'
"""

import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from consentgate.canonical import b64, unb64
from consentgate.crypto.jwk import oct_thumbprint
from consentgate.errors import InvalidInput, KeyMismatch, Malformed

KEY_BYTES: Final = 32
IV_BYTES: Final = 12
TAG_BYTES: Final = 16
TOKEN_LIMIT: Final = 16 << 20
_HEADER: Final = re.compile(rb'\{"alg":"dir","enc":"A256GCM","kid":"[A-Za-z0-9_-]{43}"\}')


def seal(plaintext: bytes, *, key: bytes, iv: bytes) -> str:
    """Encrypt under a key.

    Args:
        plaintext: the content.
        key: 32 bytes.
        iv: 12 random bytes, never used twice with one key.

    Returns:
        The compact token.

    Raises:
        InvalidInput: key or IV has another length, or the content is too long for a token.
    """
    if len(key) != KEY_BYTES or len(iv) != IV_BYTES:
        raise InvalidInput("A256GCM takes a key of 32 bytes and an IV of 12.")
    if len(plaintext) > TOKEN_LIMIT // 2:
        raise InvalidInput(f"A part holds at most {TOKEN_LIMIT // 2} bytes.")
    header = _header(key)
    sealed = AESGCM(key).encrypt(iv, plaintext, header.encode())
    return f"{header}..{b64(iv)}.{b64(sealed[:-TAG_BYTES])}.{b64(sealed[-TAG_BYTES:])}"


def open_sealed(token: str, *, key: bytes) -> bytes:
    """Decrypt a token, after checking that it commits to the offered key.

    Args:
        token: the compact token.
        key: 32 bytes.

    Returns:
        The content.

    Raises:
        Malformed: it is not a token of the profile, or it does not decrypt.
        KeyMismatch: it was sealed under another key than the offered one.
        InvalidInput: the key is not 32 bytes.
    """
    if len(key) != KEY_BYTES:
        raise InvalidInput("A256GCM takes a key of 32 bytes.")
    header, iv, ciphertext, tag = _split(token)
    if header != _header(key):
        # Anything in our form but not these bytes names another key; anything else is not of the profile.
        if _HEADER.fullmatch(unb64(header)):
            raise KeyMismatch("The token was sealed under another key.")
        raise Malformed("The token's header is not of the profile.")
    try:
        return AESGCM(key).decrypt(iv, ciphertext + tag, header.encode())
    except InvalidTag as error:
        raise Malformed("The sealed content does not decrypt: it was changed.") from error


def _split(token: str) -> tuple[str, bytes, bytes, bytes]:
    if not isinstance(token, str):
        raise Malformed("A token is text.")
    if len(token) > TOKEN_LIMIT:
        raise Malformed(f"The token is longer than {TOKEN_LIMIT} characters.")
    pieces = token.split(".", 5)
    if len(pieces) != 5 or pieces[1]:
        raise Malformed("A directly sealed token has five parts, of which the second is empty.")
    iv, ciphertext, tag = (unb64(each) for each in pieces[2:])
    if len(iv) != IV_BYTES or len(tag) != TAG_BYTES:
        raise Malformed("A256GCM has an IV of 12 bytes and a tag of 16.")
    return pieces[0], iv, ciphertext, tag


def _header(key: bytes) -> str:
    return b64(f'{{"alg":"dir","enc":"A256GCM","kid":"{oct_thumbprint(key)}"}}'.encode())
