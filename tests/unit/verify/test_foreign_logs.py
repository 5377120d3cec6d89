"""Logs of others, made without any of our code: what the specifications allow is judged, and damage is found."""

from collections.abc import Callable
from functools import cache

import pytest

from consentgate.tlog.checkpoint import AnyCheckpoint, open_any
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import decode as policy_of
from consentgate.verify.published import verify_published
from consentgate.verify.result import Verification
from tests import foreign
from tests.foreign import Key, Log

Files = dict[str, bytes]

LOG = Log(Key("tiles.example/2026h1", bytes(range(32))), "tiles.example/2026h1")
NAMED = Log(Key("sum.example", bytes(range(1, 33))), "go.sum database tree + mirror")
WITNESS = Key("witness.example/w1", bytes(range(2, 34)), foreign.COSIGNATURE)
OTHER = Key("tiles.example/2026h1", bytes(range(3, 35)))
SIZE = 70_000
SMALL = 700


@cache
def published(size: int, entries: bool = True) -> Files:
    return LOG.files(size, entries=entries)


def audit(
    files: Files,
    log: Log = LOG,
    *,
    origin: str | None = None,
    policy: str | None = None,
    since: AnyCheckpoint | None = None,
) -> Verification:
    return verify_published(
        files.get,
        NoteKey.from_vkey(log.key.vkey),
        step=lambda _: None,
        policy=policy_of(policy.encode()) if policy else None,
        origin=origin,
        since=since,
    )


def verdicts(found: Verification) -> dict[str, str]:
    return {level.name: level.verdict for level in found.levels}


def findings(found: Verification) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in found.findings]


@pytest.mark.parametrize("entries", [True, False])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, SMALL, 65_536, SIZE])
def test_log_of_somebody_else_holds(size: int, entries: bool) -> None:
    found = audit(published(size, entries))
    names = ["bytes", "tree", "signature"] if size and entries else ["tree", "signature"]
    assert verdicts(found) == dict.fromkeys(names, "holds")
    assert found.exit_code == 0


def test_full_files_are_left_in_the_place_of_partial_ones() -> None:
    files = published(SIZE) | {"checkpoint": LOG.checkpoint(SMALL)}
    assert audit(files).exit_code == 0


def test_signatures_of_types_that_nobody_reads_are_ignored() -> None:
    def more(body: str) -> str:
        lines = [
            foreign.unknown("tiles.example/2026h1", foreign.STH, 80),
            foreign.unknown("tiles.example/2026h1", foreign.ML_DSA, 2420),
            *(foreign.unknown(f"grease.example/{number}", 0xFF, 1 + number) for number in range(14)),
            WITNESS.cosigned(body, 1_780_000_000),
        ]
        return "".join(lines)

    files = published(SMALL) | {"checkpoint": LOG.checkpoint(SMALL, more=more)}
    assert audit(files).exit_code == 0
    asked = f"log {LOG.key.vkey}\nwitness W {WITNESS.vkey}\nquorum W\n"
    assert verdicts(audit(files, policy=asked))["witnesses"] == "holds"
    found = audit(published(SMALL), policy=asked)
    assert (findings(found), verdicts(found)["witnesses"]) == ([("unsigned", "cosignatures")], "broken")


def test_extension_lines_are_signed_and_not_read() -> None:
    files = published(SMALL) | {"checkpoint": LOG.checkpoint(SMALL, extensions=("colour green", "42"))}
    assert audit(files).exit_code == 0
    forged = files | {"checkpoint": files["checkpoint"].replace(b"green", b"blue!")}
    assert findings(audit(forged)) == [("unsigned", "checkpoint")]


def test_origin_that_is_not_the_name_of_the_key_is_to_be_given() -> None:
    files = NAMED.files(SMALL)
    assert audit(files, NAMED, origin=NAMED.origin).exit_code == 0
    found = audit(files, NAMED)
    assert findings(found) == [("unsigned", "checkpoint")]
    assert "--origin" in found.findings[0].cure
    assert findings(audit(published(SMALL), origin="another")) == [("unsigned", "checkpoint")]


def flip(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def edited(path: str, change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    return lambda files: files | {path: change(files[path])}


def lost(path: str) -> Callable[[Files], Files]:
    return lambda files: {each: data for each, data in files.items() if each != path}


def swapped(one: str, other: str) -> Callable[[Files], Files]:
    return lambda files: files | {one: files[other], other: files[one]}


def replaced(path: str, data: Callable[[], bytes]) -> Callable[[Files], Files]:
    return lambda files: files | {path: data()}


ROOT = ("altered", f"tree under the checkpoint of size {SIZE}")
DAMAGES: dict[str, tuple[Callable[[Files], Files], list[tuple[str, str]]]] = {
    "a hash of a full tile": (
        edited("tile/0/100", flip),
        [
            ("altered", "entry at position 25601"),
            ("altered", "tile/1/000"),
            ("altered", "tile/2/000.p/1"),
            ROOT,
        ],
    ),
    "a hash of the last tile": (
        edited("tile/0/273.p/112", flip),
        [("altered", "entry at position 69889"), ROOT],
    ),
    "a hash above": (edited("tile/1/001.p/17", flip), [("altered", "tile/1/001.p/17")]),
    "a tile lost": (lost("tile/0/007"), [("missing", "tile/0/007")]),
    "a tile above lost": (lost("tile/1/000"), [("missing", "tile/1/000")]),
    "the top lost": (lost("tile/2/000.p/1"), [("missing", "tile/2/000.p/1")]),
    "a tile cut off": (
        edited("tile/0/273.p/112", lambda data: data[:-32]),
        [("malformed", "tile/0/273.p/112")],
    ),
    "a hash after the last": (
        edited("tile/0/273.p/112", lambda data: data + bytes(32)),
        [("malformed", "tile/0/273.p/112")],
    ),
    "two tiles above swapped": (
        swapped("tile/1/000", "tile/2/000.p/1"),
        [("malformed", "tile/1/000"), ("malformed", "tile/2/000.p/1")],
    ),
    "an entry": (
        edited("tile/entries/007", lambda data: data[:-1] + b"?"),
        [("altered", "entry at position 2047")],
    ),
    "the first entries lost": (lost("tile/entries/000"), [("missing", "tile/entries/000")]),
    "the last entries lost": (lost("tile/entries/273.p/112"), [("missing", "tile/entries/273.p/112")]),
    "an entry after the last": (
        edited("tile/entries/273.p/112", lambda data: data + foreign.bundle([b"more"])),
        [("extra", "tile/entries/273.p/112")],
    ),
    "bytes after the last entry": (
        edited("tile/entries/273.p/112", lambda data: data + b"\0"),
        [("malformed", "tile/entries/273.p/112")],
    ),
    "another root": (
        edited("checkpoint", lambda note: note.replace(note.split(b"\n")[2], b"A" * 43 + b"=")),
        [ROOT, ("unsigned", "checkpoint")],
    ),
    "another size": (
        edited("checkpoint", lambda note: note.replace(b"\n70000\n", b"\n69999\n")),
        [
            ("missing", "tile/0/273.p/111"),
            ("unsigned", "checkpoint"),
        ],
    ),
    "another key": (
        replaced("checkpoint", lambda: Log(OTHER, LOG.origin).checkpoint(SIZE)),
        [("unsigned", "checkpoint")],
    ),
    "text after the checkpoint": (
        edited("checkpoint", lambda note: note + b"more\n"),
        [("malformed", "checkpoint")],
    ),
    "the checkpoint of another log": (
        replaced("checkpoint", lambda: Log(LOG.key, LOG.origin, lambda _: b"x").checkpoint(SIZE)),
        [ROOT],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_as_what_it_is(name: str) -> None:
    damage, expected = DAMAGES[name]
    files = damage(published(SIZE))
    assert files != published(SIZE)
    found = audit(files)
    assert findings(found) == expected
    assert found.exit_code == 1


def pinned(size: int, log: Log = LOG) -> AnyCheckpoint:
    return open_any(log.checkpoint(size), NoteKey.from_vkey(log.key.vkey))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 600, 65_535, 65_536, 65_537, 69_889, SIZE])
def test_log_that_continues_a_checkpoint_holds_and_only_the_rest_is_read(size: int) -> None:
    files, read, told = published(SIZE), list[str](), list[int]()

    def reading(path: str) -> bytes | None:
        read.append(path)
        return files.get(path)

    key = NoteKey.from_vkey(LOG.key.vkey)
    found = verify_published(reading, key, step=told.append, since=pinned(size))
    assert findings(found) == []
    assert set(verdicts(found).values()) == {"holds"}
    assert sum(told) == SIZE - size
    leaves = [path for path in read if path.startswith(("tile/0/", "tile/entries/"))]
    # One tile of leaves and one of entries for each 256 that are new, and the tile at the edge once more.
    assert len(leaves) <= 2 * ((SIZE - size) // 256 + 2) + 1
    assert not size or f"tile/0/{size // 256 - 1:03}" not in read


def test_log_of_which_nothing_before_a_checkpoint_is_left_continues_it() -> None:
    """Pruned, as tlog-tiles lets a log be: whole tiles before the checkpoint are gone."""
    gone = {f"tile/{what}/{index:03}" for what in ("0", "entries") for index in range(256)}
    left = {path: data for path, data in published(SIZE).items() if path not in gone}
    assert audit(left, since=pinned(66_000)).exit_code == 0
    assert ("missing", "tile/0/000") in findings(audit(left))


FORK = Log(LOG.key, LOG.origin, lambda at: LOG.entry(at) if at != 400 else b"other")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda _: FORK.files(SMALL), [("altered", "tree of the first 600 entries")]),
        (lambda _: LOG.files(599), [("truncated", "tree")]),
        (lost("tile/0/002.p/188"), [("missing", "tile/0/002.p/188")]),
        (lost("tile/1/000.p/2"), [("missing", "tile/1/000.p/2")]),
        (
            edited("tile/entries/002.p/188", lambda data: data.replace(b"foreign 698", b"foreign 6x8", 1)),
            [("altered", "entry at position 698")],
        ),
        (
            edited("tile/0/002.p/188", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
            [("altered", "entry at position 699"), ("altered", f"tree under the checkpoint of size {SMALL}")],
        ),
        (
            edited("tile/0/002.p/188", flip),
            [("altered", "tree of the first 600 entries")],
        ),
    ],
)
def test_log_that_does_not_continue_a_checkpoint_is_found(
    damage: Callable[[Files], Files], expected: list[tuple[str, str]]
) -> None:
    found = audit(damage(published(SMALL)), since=pinned(600))
    assert findings(found) == expected
    assert found.exit_code == 1


def test_another_tree_of_the_same_size_is_found() -> None:
    found = audit(FORK.files(SMALL), since=pinned(SMALL))
    assert findings(found) == [("altered", f"tree of the first {SMALL} entries")]


def test_what_a_checkpoint_covers_is_not_looked_at() -> None:
    files = published(SMALL) | {"tile/0/000": bytes(8192), "tile/entries/000": b""}
    assert audit(files, since=pinned(600)).exit_code == 0
    assert audit(files).exit_code == 1
