"""The RFC 6962 hash tree: its hashes and the compact range that a log grows by.

Invariants: a leaf and an inner node never hash alike (prefixes 0x00 and 0x01); a tree of n leaves splits at
the largest power of two below n; every hash that enters a tree is exactly 32 bytes, or it is refused.

    >>> frontier = Frontier()
    >>> frontier.push(leaf_hash(b"entry"))
    >>> frontier.root() == leaf_hash(b"entry")
    True
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from consentgate.errors import Malformed

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
# A proof of a tree below 2^63 leaves has at most 63 hashes; a longer one is refused before it is hashed.
MAX_SIZE: Final = (1 << 63) - 1

Node: TypeAlias = Callable[[int, int], bytes]
"""``node(level, index)``: the hash over the leaves [index * 2^level, (index + 1) * 2^level), all present."""


def leaf_hash(data: bytes) -> bytes:
    """Hash the bytes of one entry.

    Args:
        data: the exact bytes of the leaf.

    Returns:
        32 bytes: SHA-256(0x00 || data).
    """
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent.

    Args:
        left: hash of the left subtree.
        right: hash of the right subtree.

    Returns:
        32 bytes: SHA-256(0x01 || left || right).
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Iterable[bytes]) -> bytes:
    """Compute the root over leaf hashes.

    Args:
        hashes: the leaf hashes in order, 32 bytes each.

    Returns:
        The root; of nothing, `EMPTY_ROOT`.

    Raises:
        Malformed: a hash is not 32 bytes.
    """
    frontier = Frontier()
    for each in hashes:
        frontier.push(each)
    return frontier.root()


class Frontier:
    """The right edge of a tree: one hash per complete subtree, largest first; grows by one leaf at a time.

    Holds at most 63 hashes whatever the tree's size. Two frontiers are equal when size and hashes are.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if not 0 <= size <= MAX_SIZE:
            raise Malformed("A tree's size is between 0 and 2^63 - 1.")
        if len(hashes) != size.bit_count():
            raise Malformed(f"A frontier of size {size} has {size.bit_count()} hashes, not {len(hashes)}.")
        for each in hashes:
            require_hash(each, "A hash of the frontier")
        self._size = size
        self._hashes = list(hashes)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def push(self, leaf: bytes) -> None:
        """Append one leaf.

        Args:
            leaf: its leaf hash, 32 bytes.

        Raises:
            Malformed: it is not 32 bytes, or the tree is full.
        """
        require_hash(leaf, "A leaf hash")
        if self._size == MAX_SIZE:
            raise Malformed("The tree is full.")
        merged = leaf
        # Each trailing one bit of the old size is a complete subtree that the new leaf completes into a
        # larger one.
        carry = self._size
        while carry & 1:
            merged = node_hash(self._hashes.pop(), merged)
            carry >>= 1
        self._hashes.append(merged)
        self._size += 1

    def root(self) -> bytes:
        """Compute the tree's root.

        Returns:
            32 bytes; of an empty tree, `EMPTY_ROOT`.
        """
        return fold(self._hashes) if self._hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Encode for storage.

        Returns:
            The size as 8 bytes, big-endian, then the hashes, largest subtree first.
        """
        return self._size.to_bytes(8, "big") + b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """Decode what `to_bytes` made.

        Args:
            data: the stored bytes.

        Returns:
            The frontier.

        Raises:
            Malformed: the length does not fit the size, or the size is too large.
        """
        if not isinstance(data, bytes):
            raise Malformed("A frontier is bytes.")
        if len(data) < 8 or (len(data) - 8) % HASH_BYTES:
            raise Malformed("A frontier is 8 bytes of size and hashes of 32 bytes.")
        hashes = [data[at : at + HASH_BYTES] for at in range(8, len(data), HASH_BYTES)]
        return cls(int.from_bytes(data[:8], "big"), hashes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frontier):
            return NotImplemented
        return self._size == other._size and self._hashes == other._hashes

    __hash__ = None  # type: ignore[assignment]  # it grows: a mutable value has no hash

    def __repr__(self) -> str:
        return f"Frontier(size={self._size})"


def fold(hashes: Sequence[bytes]) -> bytes:
    """Hash complete subtrees that lie side by side, largest first, into one.

    Args:
        hashes: their hashes, at least one.

    Returns:
        The hash over all of them.
    """
    computed = hashes[-1]
    for each in reversed(hashes[:-1]):
        computed = node_hash(each, computed)
    return computed


def require_hash(value: bytes, what: str) -> None:
    """Refuse what is not a hash.

    Args:
        value: what should be 32 bytes.
        what: what it is called in the message.

    Raises:
        Malformed: it is not 32 bytes.
    """
    if not isinstance(value, bytes):
        raise Malformed(f"{what} is bytes.")
    if len(value) != HASH_BYTES:
        raise Malformed(f"{what} is 32 bytes.")
