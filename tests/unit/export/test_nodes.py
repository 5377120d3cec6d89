"""The multiproof: with the exported leaves, and nothing else, the root follows; and it is as small as it can be."""

from collections.abc import Sequence
from hashlib import sha256
from random import Random

import pytest

from consentgate.export.nodes import multiproof
from consentgate.tlog.merkle import Node, leaf_hash, node_hash, root_of


def nodes_of(leaves: Sequence[bytes]) -> Node:
    """Complete subtrees of a small tree."""

    def node(level: int, index: int) -> bytes:
        assert (index + 1) << level <= len(leaves)
        if level == 0:
            return leaves[index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def follow(size: int, known: dict[int, bytes], proof: bytes) -> bytes:
    """What docs/formats/package.md says, written down once more."""
    at = 0

    def hash_(low: int, high: int) -> bytes:
        nonlocal at
        if not any(low <= p < high for p in known):
            at += 32
            return proof[at - 32 : at]
        if high - low == 1:
            return known[low]
        k = 1
        while k * 2 < high - low:
            k *= 2
        return sha256(b"\x01" + hash_(low, low + k) + hash_(low + k, high)).digest()

    root = hash_(0, size)
    assert at == len(proof)
    return root


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 37, 64, 100])
def test_root_follows_from_leaves_and_proof(size: int) -> None:
    random = Random(size)
    leaves = [leaf_hash(str(n).encode()) for n in range(size)]
    for count in {1, size // 3 + 1, size}:
        positions = sorted(random.sample(range(size), count))
        proof = bytearray()
        root = multiproof(size, positions, leaves.__getitem__, nodes_of(leaves), proof.extend)
        assert root == root_of(leaves)
        assert follow(size, {p: leaves[p] for p in positions}, bytes(proof)) == root


def test_ten_thousand_scattered_entries_of_a_million_are_proved_with_two_and_a_half_megabytes() -> None:
    size = 1_000_003
    positions = sorted(Random(7).sample(range(size), 10_000))
    written: list[int] = []
    multiproof(
        size, positions, lambda _: bytes(32), lambda _, __: bytes(32), lambda node: written.append(len(node))
    )
    assert sum(written) <= 2_500_000
