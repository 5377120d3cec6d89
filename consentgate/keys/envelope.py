"""Envelopes: bytes that lie outside the database for a while, sealed so that only custody opens them.

An envelope is one JSON object of standard pieces: ``jwe``, a compact JWE (RFC 7516, ``dir`` and A256GCM) under
a key of its own; ``key``, that key wrapped (RFC 3394) under custody's key ``kid``. ``v`` is 1.

Invariants: each envelope has a fresh key; one that was changed does not open.
"""

from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.crypto import jwe
from consentgate.errors import Malformed
from consentgate.keys.custody import Custody
from consentgate.moment import Random

LIMIT: Final = jwe.TOKEN_LIMIT + 1024

_FORMAT: Final = 1


class Envelopes:
    """Seals and opens envelopes."""

    def __init__(self, custody: Custody, random: Random) -> None:
        """Take custody in hand.

        Args:
            custody: wraps the envelopes' keys.
            random: gives keys and IVs.
        """
        self._custody = custody
        self._random = random

    def seal(self, content: bytes) -> str:
        """Seal some bytes.

        Args:
            content: the bytes.

        Returns:
            The envelope: canonical JSON in ASCII.

        Raises:
            InvalidInput: there are too many bytes.
            Unavailable: the wrapping key is out of reach.
        """
        key = self._random(jwe.KEY_BYTES)
        token = jwe.seal(content, key=key, iv=self._random(jwe.IV_BYTES))
        wrapped = self._custody.wrap(key)
        members: dict[str, Json] = {
            "v": _FORMAT,
            "kid": wrapped.wrapping_key,
            "key": canonical.b64(wrapped.wrapped),
            "jwe": token,
        }
        return canonical.encode_ascii(members).decode("ascii")

    def open(self, envelope: str) -> bytes:
        """Open an envelope.

        Args:
            envelope: what `seal` gave.

        Returns:
            The bytes.

        Raises:
            Malformed: it is no envelope, or was changed.
            Unavailable: its wrapping key is not in custody, or out of reach.
        """
        members = canonical.decode(envelope.encode("utf-8", "surrogatepass"), limit=LIMIT)
        if not isinstance(members, dict) or members.keys() != {"v", "kid", "key", "jwe"}:
            raise Malformed("An envelope has exactly the members v, kid, key and jwe.")
        kid, key, token = members["kid"], members["key"], members["jwe"]
        if members["v"] != _FORMAT or not (
            isinstance(kid, str) and isinstance(key, str) and isinstance(token, str)
        ):
            raise Malformed("The envelope is of no format that this version reads.")
        return jwe.open_sealed(token, key=self._custody.unwrap(kid, canonical.unb64(key)))
