"""Custody of the keys that other keys hang on: wrapping keys, reference keys by epoch, the lock key.

Invariants: data keys lie in the database only wrapped (RFC 3394), under a key that lies elsewhere; no
representation or message shows a key; the lock key is made once and never changes, because two processes that
disagree about it would not see each other's locks.

The key file is a JWK Set of symmetric keys, so that any JOSE tool opens it: ``alg`` A256KW wraps, HS256 makes
keyed hashes; ``use`` says which it is, ``epoch`` counts generations, ``kid`` is the RFC 7638 thumbprint.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.crypto.jwk import oct_thumbprint
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.keys.files import read_secret, write_secret
from consentgate.moment import Random
from consentgate.values import dataclass

_KEY_BYTES: Final = 32
_CACHED: Final = 4096
_ALGORITHMS: Final = {"wrap": "A256KW", "reference": "HS256", "lock": "HS256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """A wrapped data key.

    Attributes:
        wrapping_key: id of the key that it is wrapped under.
        wrapped: the wrapped bytes.
    """

    wrapping_key: str
    wrapped: bytes = field(repr=False)


class Custody(Protocol):
    """Wraps and unwraps data keys, and gives the keys of keyed hashes. Never asked for a key per caller.

    The gate waits for it without a bound of its own. One that asks over a network therefore bounds connecting, each
    answer and its attempts, and raises `Unavailable` when they are over: a request is then denied, and an outcome
    goes the way of a database that is out of reach.
    """

    def wrap(self, data_key: bytes) -> Wrapped:
        """Wrap a data key under the newest wrapping key.

        Args:
            data_key: 32 bytes.

        Returns:
            The wrapped key.

        Raises:
            InvalidInput: it is not 32 bytes.
            Unavailable: the wrapping key is out of reach.
        """
        ...

    def unwrap(self, wrapping_key: str, wrapped: bytes) -> bytes:
        """Unwrap a data key.

        Args:
            wrapping_key: id of the key that it is wrapped under.
            wrapped: the wrapped bytes.

        Returns:
            The data key, 32 bytes.

        Raises:
            Unavailable: the wrapping key is not in custody, or out of reach.
            Malformed: the bytes were not wrapped under that key, or were changed.
        """
        ...

    def reference_keys(self) -> Mapping[int, bytes]:
        """Give the keys under which references are hashed.

        Returns:
            The live keys by epoch; new references use the highest.
        """
        ...

    def lock_key(self) -> bytes:
        """Give the key that lock numbers are made with.

        Returns:
            32 bytes, the same for ever.
        """
        ...


class KeyFile:
    """Custody by a file of the deployment, for its owner alone."""

    def __init__(self, keys: "_Keys") -> None:
        self._keys = keys
        self._newest = list(keys.wrap)[-1]
        self._unwrapped: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, random: Random) -> "KeyFile":
        """Make new keys and their file.

        Args:
            path: the file, which must not exist.
            random: gives the keys.

        Returns:
            Custody of the new keys.

        Raises:
            Misconfigured: there is such a file; it is left as it is.
            Unavailable: it cannot be written.
        """
        keys: list[Json] = []
        for use, algorithm in _ALGORITHMS.items():
            key = random(_KEY_BYTES)
            member: dict[str, Json] = {"kty": "oct", "k": canonical.b64(key), "kid": oct_thumbprint(key)}
            keys.append({**member, "alg": algorithm, "use": use, "epoch": 0})
        data = canonical.encode({"keys": keys})
        custody = cls(_decode(data))
        write_secret(path, data + b"\n")
        return custody

    @classmethod
    def read(cls, path: Path) -> "KeyFile":
        """Read the keys.

        Args:
            path: the file.

        Returns:
            Custody of the keys in it.

        Raises:
            Misconfigured: there is no such file, or others may read it.
            Malformed: it is not a key file; nothing of it is shown.
            Unavailable: it cannot be read.
        """
        return cls(_decode(read_secret(path)))

    def wrap(self, data_key: bytes) -> Wrapped:
        """Wrap a data key under the newest wrapping key.

        Args:
            data_key: 32 bytes.

        Returns:
            The wrapped key.

        Raises:
            InvalidInput: it is not 32 bytes.
        """
        if len(data_key) != _KEY_BYTES:
            raise InvalidInput("A data key is 32 bytes.")
        wrapped = aes_key_wrap(self._keys.wrap[self._newest], data_key)
        return Wrapped(wrapping_key=self._newest, wrapped=wrapped)

    def unwrap(self, wrapping_key: str, wrapped: bytes) -> bytes:
        """Unwrap a data key; the newest few thousand are kept in memory.

        Args:
            wrapping_key: id of the key that it is wrapped under.
            wrapped: the wrapped bytes.

        Returns:
            The data key, 32 bytes.

        Raises:
            Unavailable: the key file does not hold the wrapping key.
            Malformed: the bytes were not wrapped under that key, or were changed.
        """
        name = (wrapping_key, wrapped)
        with self._lock:
            if name in self._unwrapped:
                self._unwrapped.move_to_end(name)
                return self._unwrapped[name]
        key = self._keys.wrap.get(wrapping_key)
        if key is None:
            raise Unavailable(
                "A data key is wrapped under a key that the key file does not hold: it was destroyed,"
                " or this is the key file of another deployment."
            )
        try:
            data_key = aes_key_unwrap(key, wrapped)
        except (InvalidUnwrap, ValueError) as error:
            raise Malformed(
                "A wrapped data key was changed: it does not open under its wrapping key."
            ) from error
        if len(data_key) != _KEY_BYTES:
            raise Malformed("What was wrapped is not a data key.")
        with self._lock:
            self._unwrapped[name] = data_key
            if len(self._unwrapped) > _CACHED:
                self._unwrapped.popitem(last=False)
        return data_key

    def forget(self) -> None:
        """Drop every data key from memory: after erasure none may be left in a cache."""
        with self._lock:
            self._unwrapped.clear()

    def reference_keys(self) -> Mapping[int, bytes]:
        """Give the keys under which references are hashed.

        Returns:
            The live keys by epoch, in order.
        """
        return self._keys.reference

    def lock_key(self) -> bytes:
        """Give the key that lock numbers are made with.

        Returns:
            32 bytes.
        """
        return self._keys.lock

    def __repr__(self) -> str:
        return f"KeyFile(wrapping_keys={len(self._keys.wrap)}, reference_keys={len(self._keys.reference)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """The keys of a file: wrapping keys by id, oldest first; reference keys by epoch; the lock key."""

    wrap: Mapping[str, bytes] = field(repr=False)
    reference: Mapping[int, bytes] = field(repr=False)
    lock: bytes = field(repr=False)


def _decode(data: bytes) -> _Keys:
    document = canonical.decode(data)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise Malformed("A key file is a JWK Set.")
    found: dict[str, dict[int, bytes]] = {use: {} for use in _ALGORITHMS}
    for member in members:
        use, epoch, key = _decode_key(member)
        if epoch in found[use]:
            raise Malformed("The key file holds two keys of the same use and epoch.")
        found[use][epoch] = key
    if not found["wrap"] or not found["reference"] or list(found["lock"]) != [0]:
        raise Malformed("The key file needs a wrapping key, a reference key and one lock key of epoch 0.")
    wrap = {oct_thumbprint(key): key for _, key in sorted(found["wrap"].items())}
    return _Keys(
        wrap=MappingProxyType(wrap),
        reference=MappingProxyType(dict(sorted(found["reference"].items()))),
        lock=found["lock"][0],
    )


def _decode_key(member: Json) -> tuple[str, int, bytes]:
    if not isinstance(member, dict) or set(member) != {"kty", "k", "kid", "alg", "use", "epoch"}:
        raise Malformed("A key of the key file has other members than kty, k, kid, alg, use and epoch.")
    use, epoch, text = member["use"], member["epoch"], member["k"]
    if not isinstance(use, str) or not isinstance(text, str) or use not in _ALGORITHMS:
        raise Malformed("A key of the key file has an unknown use.")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise Malformed("A key's epoch is a number from 0.")
    if member["kty"] != "oct" or member["alg"] != _ALGORITHMS[use]:
        raise Malformed("A key of the key file has the wrong type or algorithm for its use.")
    key = canonical.unb64(text)
    if len(key) != _KEY_BYTES or member["kid"] != oct_thumbprint(key):
        raise Malformed("A key of the key file is not 32 bytes, or its kid is another key's.")
    return use, epoch, key
