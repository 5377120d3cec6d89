"""The tree that grows in batches is the one that grows leaf by leaf, tiles and all."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from consentgate.tlog.merkle import Frontier, leaf_hash
from consentgate.tlog.tiles import full_tiles, node_reader, subtree_of_tile, tile_bytes
from consentgate.verify.growth import Growth
from consentgate.verify.rows import TileRow
from consentgate.verify.tiles import StoredTiles

LEAVES = [leaf_hash(bytes([each & 255, each >> 8])) for each in range(1400)]


def tiles_of(size: int) -> dict[tuple[int, int], bytes]:
    made: dict[tuple[int, int], bytes] = {}
    node = node_reader(size, tile=lambda level, index: made[level, index], leaf=LEAVES.__getitem__)
    for level, index in full_tiles(size):
        made[level, index] = (
            b"".join(LEAVES[index * 256 : index * 256 + 256])
            if level == 0
            else tile_bytes(level, index, node)
        )
    return made


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, len(LEAVES)), max_size=12), asked=st.sets(st.integers(0, 12)))
def test_batches_of_any_size_give_the_same_frontiers_and_tiles(cuts: list[int], asked: set[int]) -> None:
    sizes = [0, *sorted(cuts)]
    seen: dict[tuple[int, int], bytes] = {}
    growth = Growth(lambda level, index, hashes: seen.update({(level, index): hashes}))
    plain = Frontier()
    for number, (one, other) in enumerate(pairwise(sizes)):
        growth.extend(LEAVES[one:other])
        for each in LEAVES[one:other]:
            plain.push(each)
        if number in asked:
            assert growth.frontier() == plain
    assert (growth.size, growth.frontier()) == (sizes[-1], plain)
    assert seen == tiles_of(sizes[-1])


@settings(max_examples=20, deadline=None)
@given(start=st.integers(0, 1300))
def test_tree_goes_on_from_the_tiles_that_are_not_full(start: int) -> None:
    full = start // 256
    above = [subtree_of_tile(b"".join(LEAVES[at * 256 : at * 256 + 256])) for at in range(full)]
    seen: dict[tuple[int, int], bytes] = {}
    growth = Growth(
        lambda level, index, hashes: seen.update({(level, index): hashes}),
        size=start,
        rows=(LEAVES[full * 256 : start], above),
    )
    growth.extend(LEAVES[start:])
    whole = Growth(lambda *_: None)
    whole.extend(LEAVES)
    assert growth.frontier() == whole.frontier()
    assert {each: tiles_of(1400)[each] for each in seen} == seen


def rows(*places: tuple[int, int]) -> list[TileRow]:
    return [TileRow(level=level, index=index, hashes=bytes(8192)) for level, index in places]


def test_tiles_are_compared_once_each() -> None:
    stored = StoredTiles(rows((2, 0), (1, 0), (0, -1), (0, 0), (0, 2), (0, 7), (-1, 0)))
    stored.compare(0, 0, bytes(8192))
    stored.compare(0, 1, bytes(8192))
    stored.compare(0, 2, b"\1" * 8192)
    stored.compare(1, 0, bytes(8192))
    assert [(each.kind, each.where) for each in stored.findings()] == [
        ("missing", "tile 0/1"),
        ("altered", "tile 0/2"),
        ("extra", "tile -1/0"),
        ("extra", "tile 0/-1"),
        ("extra", "tile 0/7"),
        ("extra", "tile 2/0"),
    ]
