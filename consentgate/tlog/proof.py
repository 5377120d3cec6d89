"""Proofs about an RFC 6962 tree: that a leaf is in it, that one tree is the beginning of another.

Invariants: proofs are built over `Node`, which gives the hash of a *complete* subtree, so that nothing here
knows where hashes lie; verification takes hashes of exactly 32 bytes and raises unless the proof leads to
the root.
"""

from collections.abc import Sequence
from itertools import pairwise

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.merkle import EMPTY_ROOT, MAX_SIZE, Node, fold, node_hash, require_hash


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """Build the proof that a leaf is in a tree.

    Args:
        index: the leaf's position, from 0.
        size: the tree's size.
        node: gives the hashes of complete subtrees.

    Returns:
        The sibling hashes from the leaf upwards (RFC 6962, 2.1.1).

    Raises:
        InvalidInput: the leaf is not in the tree.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise InvalidInput(f"Leaf {index} is not in a tree of size {size}.")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            proof.append(_range_hash(split, end, node))
            end = split
        else:
            proof.append(_range_hash(start, split, node))
            start = split
    return tuple(reversed(proof))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """Build the proof that a tree is the beginning of a later one.

    Args:
        old: the earlier size.
        new: the later size.
        node: gives the hashes of complete subtrees of the later tree.

    Returns:
        The hashes of RFC 6962, 2.1.2; empty when the sizes are equal or the earlier tree is empty.

    Raises:
        InvalidInput: the sizes are not in order.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise InvalidInput(f"A tree of size {old} is not the beginning of one of size {new}.")
    if old == 0:
        return ()
    proof: list[bytes] = []
    start, end = 0, new
    while end != old:
        split = start + _split(end - start)
        if old <= split:
            proof.append(_range_hash(split, end, node))
            end = split
        else:
            proof.append(_range_hash(start, split, node))
            start = split
    # When the walk never went right, what remains is the old tree itself, whose root the verifier has.
    if start:
        proof.append(_range_hash(start, end, node))
    return tuple(reversed(proof))


def verify_inclusion(index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a leaf is in a tree (RFC 9162, 2.1.3.2).

    Args:
        index: the leaf's position, from 0.
        size: the tree's size.
        leaf: the leaf hash.
        root: the tree's root.
        proof: sibling hashes from the leaf upwards.

    Raises:
        Malformed: a hash is not 32 bytes, the leaf cannot be in the tree, or the proof does not lead to the
            root.
    """
    _require_hashes(leaf, root, proof)
    if not 0 <= index < size <= MAX_SIZE:
        raise Malformed("The leaf is not in the tree.")
    here, last = index, size - 1
    computed = leaf
    for each in proof:
        if last == 0:
            raise Malformed("The inclusion proof is too long.")
        if here & 1 or here == last:
            computed = node_hash(each, computed)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, each)
        here >>= 1
        last >>= 1
    if last:
        raise Malformed("The inclusion proof is too short.")
    if computed != root:
        raise Malformed("The inclusion proof does not lead to the root.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that one tree is the beginning of another (RFC 9162, 2.1.4.2).

    Args:
        old: the earlier size.
        new: the later size.
        old_root: the earlier root.
        new_root: the later root.
        proof: the hashes of the proof.

    Raises:
        Malformed: a hash is not 32 bytes, the sizes are not in order, or the proof does not lead to both
            roots.

    Note:
        From the empty tree to a larger one nothing can be proven, since every tree continues it: refused. A
        caller to whom that is enough does not ask.
    """
    _require_hashes(old_root, new_root, proof)
    if not 0 <= old <= new <= MAX_SIZE:
        raise Malformed("The later tree is smaller than the earlier one.")
    if old == new:
        if proof or old_root != new_root or (old == 0 and old_root != EMPTY_ROOT):
            raise Malformed("Trees of one size have one root and an empty proof.")
        return
    if old == 0:
        raise Malformed("Nothing can be proven from the empty tree.")
    path = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    if not path:
        raise Malformed("The consistency proof is too short.")
    if _climb(old - 1, new - 1, path) != (old_root, new_root):
        raise Malformed("The consistency proof does not lead to both roots.")


def _climb(here: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    while here & 1:
        here >>= 1
        last >>= 1
    old = new = path[0]
    for _, each in pairwise(path):
        if last == 0:
            raise Malformed("The consistency proof is too long.")
        if here & 1 or here == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            new = node_hash(new, each)
        here >>= 1
        last >>= 1
    if last:
        raise Malformed("The consistency proof is too short.")
    return old, new


def _split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, node: Node) -> bytes:
    """Hash [start, end), where start is a multiple of a power of two that is at least end - start."""
    hashes: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        hashes.append(node(level, start >> level))
        start += 1 << level
    return fold(hashes)


def _require_hashes(first: bytes, second: bytes, proof: Sequence[bytes]) -> None:
    for each in (first, second, *proof):
        require_hash(each, "Every hash of a proof")
