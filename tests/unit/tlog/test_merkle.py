from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.merkle import EMPTY_ROOT, MAX_SIZE, Frontier, Node, leaf_hash, node_hash, root_of
from consentgate.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion

LEAVES = [leaf_hash(str(each).encode()) for each in range(40)]


def plain_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(plain_root(hashes[:split]), plain_root(hashes[split:]))


def nodes(hashes: list[bytes]) -> Node:
    return lambda level, index: plain_root(hashes[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(34))
def test_root_and_frontier_equal_the_definition(size: int) -> None:
    frontier = Frontier()
    for each in LEAVES[:size]:
        frontier.push(each)
    assert frontier.size == size
    assert frontier.root() == root_of(LEAVES[:size]) == plain_root(LEAVES[:size])
    again = Frontier.from_bytes(frontier.to_bytes())
    assert again == frontier
    again.push(LEAVES[-1])
    assert again != frontier
    assert again.root() == plain_root([*LEAVES[:size], LEAVES[-1]])


def test_frontier_equals_frontiers_only() -> None:
    assert Frontier() != b""
    assert repr(Frontier(1, [LEAVES[0]])) == "Frontier(size=1)"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(40),
        (1).to_bytes(8, "big"),
        (1).to_bytes(8, "big") + bytes(64),
        (1 << 63).to_bytes(8, "big") + bytes(32),
        cast("bytes", "x" * 40),
    ],
)
def test_other_bytes_are_no_frontier(data: bytes) -> None:
    with pytest.raises(Malformed):
        Frontier.from_bytes(data)


def test_frontier_takes_hashes_only_and_ends_at_its_last_size() -> None:
    with pytest.raises(Malformed):
        Frontier().push(b"short")
    with pytest.raises(Malformed):
        Frontier().push(cast("bytes", "x" * 32))
    full = Frontier(MAX_SIZE, [bytes(32)] * 63)
    with pytest.raises(Malformed, match="full"):
        full.push(bytes(32))


@given(st.data())
def test_every_leaf_is_proven_and_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    root = plain_root(LEAVES[:size])
    proof = inclusion_proof(index, size, nodes(LEAVES[:size]))
    verify_inclusion(index, size, LEAVES[index], root, proof)
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index)) if size > 1 else size
    for wrong in (
        (other, size, LEAVES[index], root, proof),
        (index, size, bytes(32), root, proof),
        (index, size, LEAVES[index], bytes(32), proof),
        (index, size, LEAVES[index], root, (*proof, bytes(32))),
        (index, size, LEAVES[index], root, (*proof[:-1], bytes(32))),
    ):
        with pytest.raises(Malformed):
            verify_inclusion(*wrong)
    if proof:
        with pytest.raises(Malformed):
            verify_inclusion(index, size, LEAVES[index], root, proof[:-1])


@given(st.data())
def test_every_beginning_is_proven_and_no_other(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 40))
    old = data.draw(st.integers(1, new))
    first, second = plain_root(LEAVES[:old]), plain_root(LEAVES[:new])
    proof = consistency_proof(old, new, nodes(LEAVES[:new]))
    verify_consistency(old, new, first, second, proof)
    for wrong in (
        (old, new, bytes(32), second, proof),
        (old, new, first, bytes(32), proof),
        (old, new, first, second, (*proof, bytes(32))),
        (new + 1, new, first, second, proof),
    ):
        with pytest.raises(Malformed):
            verify_consistency(*wrong)
    if proof:
        with pytest.raises(Malformed):
            verify_consistency(old, new, first, second, proof[:-1])
        with pytest.raises(Malformed):
            verify_consistency(old, new, first, second, (bytes(32), *proof[1:]))


def test_empty_proof_of_growth_is_refused() -> None:
    for old in (3, 4):
        with pytest.raises(Malformed, match="too short"):
            verify_consistency(old, 5, plain_root(LEAVES[:old]), plain_root(LEAVES[:5]), ())


def test_nothing_is_proven_from_the_empty_tree() -> None:
    assert consistency_proof(0, 5, nodes(LEAVES)) == ()
    with pytest.raises(Malformed, match="empty"):
        verify_consistency(0, 5, EMPTY_ROOT, plain_root(LEAVES[:5]), ())
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    with pytest.raises(Malformed):
        verify_consistency(0, 0, bytes(32), bytes(32), ())


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), cast("bytes", None)])
def test_hashes_of_another_length_are_refused(bad: bytes) -> None:
    good = LEAVES[0]
    with pytest.raises(Malformed):
        verify_inclusion(0, 1, bad, bad, ())
    with pytest.raises(Malformed):
        verify_inclusion(0, 2, good, good, (bad,))
    with pytest.raises(Malformed):
        verify_consistency(1, 1, bad, bad, ())
    with pytest.raises(Malformed):
        verify_consistency(1, 2, good, good, (bad,))


def test_proofs_are_built_inside_the_tree_only() -> None:
    with pytest.raises(InvalidInput):
        inclusion_proof(3, 3, nodes(LEAVES))
    with pytest.raises(InvalidInput):
        consistency_proof(4, 3, nodes(LEAVES))
