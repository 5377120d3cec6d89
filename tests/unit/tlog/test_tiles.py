import pytest

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.merkle import leaf_hash, node_hash, root_of
from consentgate.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from consentgate.tlog.tiles import (
    TILE_BYTES,
    full_tiles,
    is_full,
    node_reader,
    partial_tiles,
    subtree_of_tile,
    tile_bytes,
    tile_path,
)

SIZE = 65536 + 256 + 3
LEAVES = [leaf_hash(each.to_bytes(4, "big")) for each in range(SIZE)]


def build(size: int) -> dict[tuple[int, int], bytes]:
    """Grow the tiles as a sequencer does: each from the leaf hashes or from the tiles below."""
    tiles: dict[tuple[int, int], bytes] = {}
    node = node_reader(size, tile=lambda level, index: tiles[level, index], leaf=lambda at: LEAVES[at])
    for level, index in full_tiles(size):
        if level == 0:
            tiles[level, index] = b"".join(LEAVES[index * 256 : index * 256 + 256])
        else:
            below = range(index * 256, index * 256 + 256)
            tiles[level, index] = b"".join(subtree_of_tile(tiles[level - 1, each]) for each in below)
            assert tile_bytes(level, index, node) == tiles[level, index]
    return tiles


TILES = build(SIZE)


def right_edge(at: int) -> bytes:
    assert at >= SIZE // 256 * 256, "only leaves right of the full tiles may be read"
    return LEAVES[at]


def stored(level: int, index: int) -> bytes:
    assert is_full(level, index, SIZE), "only full tiles may be read"
    return TILES[level, index]


def test_nodes_of_tiles_equal_nodes_of_leaves() -> None:
    node = node_reader(SIZE, tile=stored, leaf=right_edge)
    assert node(0, 5) == LEAVES[5]
    assert node(0, SIZE - 1) == LEAVES[-1]
    assert node(3, 7) == root_of(LEAVES[56:64])
    assert node(8, 1) == root_of(LEAVES[256:512])
    assert node(8, 256) == root_of(LEAVES[65536 : 65536 + 256])
    assert node(1, 32896) == node_hash(LEAVES[65792], LEAVES[65793])
    assert node(16, 0) == root_of(LEAVES[:65536])
    small = node_reader(600, tile=stored, leaf=lambda at: LEAVES[at])
    assert small(9, 0) == root_of(LEAVES[:512])


@pytest.mark.parametrize(("level", "index"), [(0, SIZE), (1, 32897), (17, 0), (0, -1), (-1, 0), (64, 0)])
def test_incomplete_subtrees_have_no_hash(level: int, index: int) -> None:
    with pytest.raises(InvalidInput):
        node_reader(SIZE, tile=stored, leaf=right_edge)(level, index)


@pytest.mark.parametrize("index", [0, 255, 256, 65535, 65536, SIZE - 1])
def test_proofs_from_tiles_verify(index: int) -> None:
    node = node_reader(SIZE, tile=stored, leaf=right_edge)
    root = root_of(LEAVES)
    verify_inclusion(index, SIZE, LEAVES[index], root, inclusion_proof(index, SIZE, node))
    old = index + 1
    verify_consistency(old, SIZE, root_of(LEAVES[:old]), root, consistency_proof(old, SIZE, node))


def test_a_tile_appears_when_its_last_hash_does() -> None:
    assert list(full_tiles(255)) == []
    assert list(full_tiles(256)) == [(0, 0)]
    assert list(full_tiles(513, since=256)) == [(0, 1)]
    assert list(full_tiles(65536, since=65535)) == [(0, 255), (1, 0)]
    assert list(partial_tiles(0)) == []
    assert list(partial_tiles(SIZE)) == [(0, 257, 3), (1, 1, 1), (2, 0, 1)]


def test_tiles_are_named_as_tlog_tiles_names_them() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 1000, 3) == "tile/1/x001/000.p/3"
    assert tile_path(63, 999) == "tile/63/999"


@pytest.mark.parametrize(
    ("level", "index", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_other_coordinates_have_no_name(level: int, index: int, width: int) -> None:
    with pytest.raises(InvalidInput):
        tile_path(level, index, width)


def test_only_full_tiles_are_hashed() -> None:
    with pytest.raises(Malformed):
        subtree_of_tile(bytes(TILE_BYTES - 32))
    with pytest.raises(InvalidInput):
        subtree_of_tile(bytes(TILE_BYTES), 1, 128)
    with pytest.raises(InvalidInput):
        subtree_of_tile(bytes(TILE_BYTES), 9, 0)


def test_trees_do_not_shrink() -> None:
    with pytest.raises(InvalidInput):
        list(full_tiles(3, since=4))
    with pytest.raises(InvalidInput):
        list(partial_tiles(-1))
