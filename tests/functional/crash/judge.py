"""What a ledger came to, counted from its bare rows with nothing of the product's.

Only the driver, `hashlib`, `json` and the signature of `cryptography` are used: what is claimed here does not hold
because two functions of one library agree.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.databases import Raw, raw
from tests.functional.crash.journal import lines

_KEY_AT: Final = 1  # after the byte that names the algorithm
_ID_BYTES: Final = 4


@dataclass(frozen=True)
class Row:
    """An entry as it is stored."""

    id: str
    kind: str
    w: bytes
    n: int
    leaf: bytes

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(b"\0" + self.leaf).digest()


@dataclass(frozen=True)
class Bare:
    """The rows."""

    entries: Mapping[str, Row]
    positions: tuple[tuple[int, str, bytes], ...]
    trees: Mapping[int, bytes]
    notes: Mapping[int, str]
    tiles: Mapping[tuple[int, int], bytes]


def bare(url: str) -> Bare:
    """Read the rows behind the ledger's back."""
    with raw(url) as behind:
        entries = [
            Row(id=_id(id_), kind=kind, w=bytes(w), n=n, leaf=bytes(leaf))
            for id_, kind, w, n, leaf in _rows(behind, "SELECT id, kind, w, n, leaf FROM entry")
        ]
        found = _rows(behind, "SELECT position, entry, hash FROM seq ORDER BY position")
        trees = [(size, bytes(root)) for size, root in _rows(behind, "SELECT size, root FROM tree_state")]
        notes = list(_rows(behind, "SELECT size, note FROM checkpoint"))
        tiles = [
            ((level, idx), bytes(hashes))
            for level, idx, hashes in _rows(behind, "SELECT level, idx, hashes FROM tile")
        ]
    by_id = {each.id: each for each in entries}
    assert len(by_id) == len(entries), "an entry is there twice"
    for several in (trees, notes, tiles):
        assert len(dict(several)) == len(several), "two rows of one key"
    return Bare(
        entries=by_id,
        positions=tuple((position, _id(entry), bytes(hash_)) for position, entry, hash_ in found),
        trees=dict(trees),
        notes=dict(notes),
        tiles=dict(tiles),
    )


def require_whole(rows: Bare, vkey: str) -> None:
    """Check lanes, positions, tiles, roots and signatures; every entry has its place under the last signature."""
    require_chains(rows.entries.values())
    assert [position for position, _, _ in rows.positions] == list(range(len(rows.entries)))
    assert {entry for _, entry, _ in rows.positions} == set(rows.entries)
    hashes = [rows.entries[entry].hash for _, entry, _ in rows.positions]
    assert hashes == [hash_ for _, _, hash_ in rows.positions]
    assert {key: data for key, data in rows.tiles.items() if key[0] == 0} == {
        (0, n): b"".join(hashes[256 * n : 256 * (n + 1)]) for n in range(len(hashes) // 256)
    }
    size = len(hashes)
    roots = dict(roots_at(hashes, {size, *rows.trees, *rows.notes}))
    assert rows.trees == {at: roots[at] for at in rows.trees}
    assert max(rows.trees) == max(rows.notes) == size
    for at, note in rows.notes.items():
        assert signed(note, vkey) == (at, roots[at])


def require_chains(entries: Iterable[Row]) -> dict[bytes, list[Row]]:
    """Check that each lane counts from 0 and names what came before; gives the lanes."""
    lanes: dict[bytes, list[Row]] = {}
    for each in sorted(entries, key=lambda row: row.n):
        lane = lanes.setdefault(each.w, [])
        prev = json.loads(each.leaf).get("prev")
        assert each.n == len(lane)
        assert prev == (_b64(lane[-1].hash) if lane else None)
        lane.append(each)
    return lanes


def roots_at(hashes: Iterable[bytes], sizes: set[int]) -> Iterator[tuple[int, bytes]]:
    """Compute the roots of RFC 6962 at some sizes."""
    peaks: list[tuple[int, bytes]] = []
    for size, leaf in enumerate(hashes, start=1):
        peaks.append((1, leaf))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (width, right), (_, left) = peaks.pop(), peaks.pop()
            peaks.append((2 * width, hashlib.sha256(b"\1" + left + right).digest()))
        if size in sizes:
            root = peaks[-1][1]
            for _, left in reversed(peaks[:-1]):
                root = hashlib.sha256(b"\1" + left + root).digest()
            yield size, root


def signed(note: str, vkey: str) -> tuple[int, bytes]:
    """Check a note's signature; gives the size and root that it signs."""
    text, _, signatures = note.partition("\n\n")
    origin, size, root = text.split("\n")
    name, _, key = vkey.split("+", 2)
    assert origin == name
    signature = base64.b64decode(signatures.splitlines()[0].split(" ")[2])[_ID_BYTES:]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[_KEY_AT:]).verify(
        signature, f"{text}\n".encode()
    )
    return int(size), base64.b64decode(root)


@dataclass(frozen=True)
class Account:
    """What became of what writers tried."""

    acknowledged: int
    in_doubt: int
    killed: int

    @property
    def unacknowledged(self) -> int:
        return self.in_doubt + self.killed


def account(rows: Bare, journals: Iterable[Path], *, in_flight: int) -> Account:
    """Hold the entries against what writers said; nothing acknowledged is lost, and every other one is explained.

    Args:
        rows: the rows.
        journals: of the writers.
        in_flight: how many entries may have been under way when writers were killed.
    """
    left = {each.id for each in rows.entries.values() if each.kind == "heartbeat"}
    acknowledged = in_doubt = killed = 0
    for path in journals:
        told: dict[str, list[str]] = {}
        for word, entry, *hash_ in lines(path):
            told.setdefault(entry, []).append(word)
            if hash_:
                assert rows.entries[entry].hash.hex() == hash_[0], "another entry than the one acknowledged"
        for entry, words in told.items():
            there = entry in rows.entries
            left.discard(entry)
            if words[-1] in ("done", "there"):
                assert there, f"{entry} was acknowledged and is lost"
                # Once it was there, it was not written again; before, one of the errors left it in doubt.
                assert words[-1] == "done" or "doubt" in words, f"{entry} was there before it was written"
                acknowledged += 1
            elif words[-1] == "try":
                # Killed before it was told what became of it.
                killed += there
                in_flight -= 1
            elif "doubt" in words:
                in_doubt += there
            else:
                assert not there, f"{entry} is there, although nothing was written"
    assert left == set(), "entries that nobody tried to write"
    assert in_flight >= 0, "more was under way than can have been"
    return Account(acknowledged=acknowledged, in_doubt=in_doubt, killed=killed)


def released(path: Path) -> set[str]:
    """Read the notes that a signer gave out."""
    return {base64.b64decode(note).decode() for _, note in lines(path)}


def _rows(behind: Raw, sql: str) -> list[tuple[Any, ...]]:
    return list(behind.execute(sql).fetchall())


def _id(data: bytes) -> str:
    return str(UUID(bytes=bytes(data)))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
