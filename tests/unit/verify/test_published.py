"""Auditing published logs, sound and broken, of many sizes."""

import random
from collections.abc import Callable
from functools import cache

import pytest

from consentgate.tlog import bundle
from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import leaf_hash, root_of
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.tiles import full_tiles, node_reader, partial_tiles, subtree_of_tile, tile_path
from consentgate.verify.published import size_of, verify_published
from consentgate.verify.result import Verification

SIGNER = NoteSigner.generate("example.com/log", lambda size: bytes(range(size)))
OTHER = NoteSigner.generate("example.com/log", lambda size: bytes(range(1, size + 1)))
BIG = 65536 + 256 + 3

Files = dict[str, bytes]


def entry(position: int) -> bytes:
    return f"entry {position}".encode()


@cache
def published(size: int) -> Files:
    """Publish a log of so many entries, in the way of the specification and not in ours."""
    leaves = [leaf_hash(entry(at)) for at in range(size)]
    tiles: dict[tuple[int, int], bytes] = {}
    for level, index in full_tiles(size):
        below = range(index * 256, index * 256 + 256)
        row = [leaves[at] if level == 0 else subtree_of_tile(tiles[level - 1, at]) for at in below]
        tiles[level, index] = b"".join(row)
    node = node_reader(size, tile=lambda level, index: tiles[level, index], leaf=lambda at: leaves[at])
    files = {tile_path(level, index): data for (level, index), data in tiles.items()}
    for level, index, width in partial_tiles(size):
        hashes = (node(8 * level, at) for at in range(index * 256, index * 256 + width))
        files[tile_path(level, index, width)] = b"".join(hashes)
    for index in range((size + 255) // 256):
        at = range(index * 256, min(size, index * 256 + 256))
        files[bundle.bundle_path(index, len(at))] = bundle.encode(entry(each) for each in at)
    head = Checkpoint(origin=SIGNER.key.name, size=size, root=root_of(leaves))
    return {**files, "checkpoint": sign_checkpoint(head, SIGNER).encode()}


def audit(files: Files, *, key: NoteSigner | None = SIGNER) -> Verification:
    return verify_published(files.get, key.key if key else None, step=lambda _: None)


def verdicts(found: Verification) -> dict[str, str]:
    return {level.name: level.verdict for level in found.levels}


def without_entries(files: Files) -> Files:
    return {path: data for path, data in files.items() if "entries" not in path}


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 513, 700, 65536, BIG])
def test_sound_log_holds(size: int) -> None:
    covered: list[int] = []
    found = verify_published(published(size).get, SIGNER.key, step=covered.append)
    names = ["bytes", "tree", "signature"] if size else ["tree", "signature"]
    assert verdicts(found) == dict.fromkeys(names, "holds")
    assert found.exit_code == 0
    assert sum(covered) == size == size_of(published(size).get)


def test_tiles_alone_will_do() -> None:
    assert verdicts(audit(without_entries(published(BIG)))) == {"tree": "holds", "signature": "holds"}


def test_without_a_key_the_signature_is_not_judged() -> None:
    found = audit(published(700), key=None)
    assert verdicts(found) == {"bytes": "holds", "tree": "holds", "signature": "cannot_judge"}
    assert found.exit_code == 3


def test_full_tile_stands_in_for_a_partial_one() -> None:
    later, now = published(700), published(200)
    files = {**later, "checkpoint": now["checkpoint"]}
    assert audit(files).exit_code == 0


def test_another_key_does_not_do() -> None:
    found = audit(published(700), key=OTHER)
    assert verdicts(found)["signature"] == "broken"
    assert [each.kind for each in found.findings] == ["unsigned"]


@pytest.mark.parametrize("checkpoint", [None, b"", b"not a note", b"a\nb\nc\n\n\xe2\x80\x94 a YQ==\n"])
def test_without_a_checkpoint_nothing_holds(checkpoint: bytes | None) -> None:
    files = {path: data for path, data in published(3).items() if path != "checkpoint"}
    if checkpoint is not None:
        files["checkpoint"] = checkpoint
    found = audit(files)
    assert verdicts(found) == {"tree": "broken", "signature": "cannot_judge"}
    assert size_of(files.get) == 0
    assert found.exit_code == 1


def changed(path: str, change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    return lambda files: {**files, path: change(files[path])}


def lost(path: str) -> Callable[[Files], Files]:
    return lambda files: {each: data for each, data in files.items() if each != path}


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


LAST = tile_path(0, 257, 3)
TAMPERED: dict[str, tuple[Callable[[Files], Files], list[tuple[str, str]]]] = {
    "a hash of level 0": (
        changed("tile/0/007", flip),
        [
            ("altered", "entry at position 1792"),
            ("altered", "tile/1/000"),
            ("altered", "tile/2/000.p/1"),
            ("altered", f"tree under the checkpoint of size {BIG}"),
        ],
    ),
    "a hash of level 1": (changed("tile/1/000", flip), [("altered", "tile/1/000")]),
    "a hash of the top": (changed("tile/2/000.p/1", flip), [("altered", "tile/2/000.p/1")]),
    "the last tile lost": (lost(LAST), [("missing", LAST)]),
    "a tile of level 1 lost": (lost("tile/1/000"), [("missing", "tile/1/000")]),
    "a tile cut in half": (changed("tile/0/003", lambda d: d[:4096]), [("malformed", "tile/0/003")]),
    "a tile with more": (changed("tile/0/003", lambda d: d + d[:32]), [("malformed", "tile/0/003")]),
    "a tile of odd length": (changed("tile/0/003", lambda d: d + b"x"), [("malformed", "tile/0/003")]),
    "an entry": (
        changed("tile/entries/004", lambda d: d[:-1] + b"x"),
        [("altered", "entry at position 1279")],
    ),
    "an entry moved": (
        changed("tile/entries/257.p/3", lambda d: bundle.encode(reversed(bundle.decode(d)))),
        [("altered", "entry at position 65792"), ("altered", "entry at position 65794")],
    ),
    "entries lost": (lost("tile/entries/004"), [("missing", "tile/entries/004")]),
    "entries cut": (changed("tile/entries/004", lambda d: d[:-1]), [("malformed", "tile/entries/004")]),
    "an entry dropped": (
        changed("tile/entries/004", lambda d: bundle.encode(bundle.decode(d)[:-1])),
        [("truncated", "tile/entries/004")],
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_tampering_is_found(case: str) -> None:
    change, expected = TAMPERED[case]
    found = audit(change(published(BIG)))
    assert [(each.kind, each.where) for each in found.findings] == expected
    assert found.exit_code == 1


def test_rebuilt_log_under_the_old_checkpoint_is_found() -> None:
    rebuilt = {path: data for path, data in published(256).items() if path != "checkpoint"}
    (name,) = [path for path in rebuilt if path.startswith("tile/0")]
    rebuilt[name] = b"".join(leaf_hash(entry(at + 1)) for at in range(256))
    found = audit({**without_entries(rebuilt), "checkpoint": published(256)["checkpoint"]})
    assert ("altered", "tree under the checkpoint of size 256") in [(f.kind, f.where) for f in found.findings]


def test_every_single_flip_in_a_small_log_is_found() -> None:
    files, rng = published(300), random.Random(5)
    for path, data in files.items():
        for _ in range(20):
            at = rng.randrange(len(data))
            broken = {**files, path: data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]}
            assert audit(broken).exit_code == 1, (path, at)
