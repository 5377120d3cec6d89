"""Bytes edited together with each hash that is stored of them in the same row or beside it.

"bytes with hash": the bytes are altered, and the hash is computed anew. "hash with bytes": the hash is replaced by
one that exists already, and its bytes come along. Neither shows in its row alone: what else names the hash finds it.
"""

import hashlib
import os
from base64 import b64decode, b64encode
from dataclasses import fields, replace
from typing import Any, Final

from consentgate.canonical import b64
from consentgate.entries.leaf import Leaf, PartRef, decode
from consentgate.moment import from_millis, to_text
from consentgate.tlog.merkle import Frontier, leaf_hash
from tests.functional.verify.damage import rows_of
from tests.functional.verify.place import Place
from tests.functional.verify.tampering import (
    LANE,
    MIDDLE,
    NOTICE,
    OTHER_NOTICE,
    OTHER_PACK,
    PACK,
    STATEMENT,
    TEXT,
    WITHDRAWAL,
)

_ONE: Final = f"n = 100 AND w = {LANE}"
_OTHER: Final = f"n = 101 AND w = {LANE}"


def _leaf(place: Place) -> tuple[bytes, bytes]:
    """Alter an entry and its own hash; gives the hash before and after."""
    leaf, at, old = place.row(f"SELECT leaf, at, hash FROM entry WHERE ordinal = {MIDDLE}")
    before, after = (to_text(from_millis(each)).encode() for each in (at, at + 1))
    forged = bytes(leaf).replace(before, after)
    with place.raw() as raw:
        raw.execute(
            f"UPDATE entry SET leaf = ?, hash = ?, at = at + 1 WHERE ordinal = {MIDDLE}",
            (forged, leaf_hash(forged)),
        )
    return bytes(old), leaf_hash(forged)


def leaf_alone(place: Place) -> None:
    _leaf(place)


def leaf_in_the_log(place: Place) -> None:
    old, new = _leaf(place)
    with place.raw() as raw:
        raw.execute("UPDATE seq SET hash = ? WHERE hash = ?", (new, old))


def leaf_in_the_tiles(place: Place) -> None:
    old, new = _leaf(place)
    with place.raw() as raw:
        raw.execute("UPDATE seq SET hash = ? WHERE hash = ?", (new, old))
        _in_tiles(raw, old, new)


def _in_tiles(raw: Any, old: bytes, new: bytes) -> None:
    for index, hashes in raw.execute("SELECT idx, hashes FROM tile").fetchall():
        forged = bytes(hashes).replace(old, new)
        raw.execute("UPDATE tile SET hashes = ? WHERE idx = ?", (forged, index))


def leaf_of_another(place: Place) -> None:
    leaf, digest = place.row(f"SELECT leaf, hash FROM entry WHERE {_OTHER}")
    with place.raw() as raw:
        raw.execute(f"UPDATE entry SET leaf = ?, hash = ? WHERE {_ONE}", (leaf, digest))


def parts(place: Place) -> None:
    """The sealed parts of a withdrawal become those of a grant, with their digests in the leaf, and every hash."""
    parts = place.one(f"SELECT parts FROM entry WHERE id = {STATEMENT}")
    leaf = decode(bytes(place.one(f"SELECT leaf FROM entry WHERE id = {WITHDRAWAL}")))
    other = decode(bytes(place.one(f"SELECT leaf FROM entry WHERE id = {STATEMENT}")))
    members = {each.name: getattr(leaf, each.name) for each in fields(leaf) if each.init}
    kept: tuple[PartRef, ...] = tuple(replace(each) for each in other.parts)
    forged = Leaf(**members | {"parts": kept})
    with place.raw() as raw:
        raw.execute(
            f"UPDATE entry SET parts = ?, leaf = ?, hash = ? WHERE id = {WITHDRAWAL}",
            (parts, forged.spelled, forged.hash),
        )
        raw.execute("UPDATE seq SET hash = ? WHERE hash = ?", (forged.hash, leaf.hash))


def key_and_bytes(place: Place) -> None:
    """A statement's key and what is sealed under it become those of another statement."""
    (key,) = place.row(f"SELECT key FROM statement WHERE entry = {STATEMENT}")
    (parts,) = place.row(f"SELECT parts FROM entry WHERE id = {STATEMENT}")
    place.loosen("statement")
    with place.raw() as raw:
        raw.execute(f"UPDATE statement SET key = ? WHERE entry = {WITHDRAWAL}", (key,))
        raw.execute(f"UPDATE entry SET parts = ? WHERE id = {WITHDRAWAL}", (parts,))


def sealed_and_key(place: Place) -> None:
    """What is sealed of a statement is altered, and its key is a digest of that."""
    parts = place.one(f"SELECT parts FROM entry WHERE id = {WITHDRAWAL}")
    forged = parts[:-1] + ("A" if parts[-1] != "A" else "B")
    with place.raw() as raw:
        raw.execute(f"UPDATE entry SET parts = ? WHERE id = {WITHDRAWAL}", (forged,))
        key = hashlib.sha256(forged.encode()).digest()
        raw.execute(f"UPDATE statement SET key = ? WHERE entry = {WITHDRAWAL}", (key,))


def _content_and_digest(place: Place, which: str = PACK) -> bytes:
    content = bytes(place.one(f"SELECT content FROM artifact WHERE digest = {which}")) + b"\n"
    digest = hashlib.sha256(content).digest()
    with place.raw() as raw:
        raw.execute(f"UPDATE artifact SET content = ?, digest = ? WHERE digest = {which}", (content, digest))
    return digest


def pack_alone(place: Place) -> None:
    _content_and_digest(place)


def notice_text(place: Place) -> None:
    """The text of a notice, its digest, and the name of the notice."""
    digest = _content_and_digest(place, TEXT)
    with place.raw() as raw:
        raw.execute(f"UPDATE notice SET digest = ? WHERE id = {NOTICE}", (digest,))


def names_of_another(place: Place) -> None:
    """A notice gets text and manifest of another, which are both there."""
    digest, manifest = place.row(f"SELECT digest, manifest FROM notice WHERE id = {OTHER_NOTICE}")
    with place.raw() as raw:
        raw.execute(f"UPDATE notice SET digest = ?, manifest = ? WHERE id = {NOTICE}", (digest, manifest))


def digest_of_another(place: Place) -> None:
    """A pack gets digest and content of another: of the two, one is there twice and the other is not."""
    digest, content = place.row(f"SELECT digest, content FROM artifact WHERE digest = {OTHER_PACK}")
    place.loosen("artifact")
    with place.raw() as raw:
        raw.execute(f"UPDATE artifact SET digest = ?, content = ? WHERE digest = {PACK}", (digest, content))


def position_of_another(place: Place) -> None:
    """A position gets entry and hash of another."""
    entry, digest = place.row("SELECT entry, hash FROM seq WHERE position = 101")
    place.loosen("seq")
    with place.raw() as raw:
        raw.execute("UPDATE seq SET entry = ?, hash = ? WHERE position = 100", (entry, digest))


def tile_and_hash(place: Place) -> None:
    """A hash of a tile, and of its position."""
    (old,) = place.row("SELECT hash FROM seq WHERE position = 300")
    new = leaf_hash(b"forged")
    with place.raw() as raw:
        raw.execute("UPDATE seq SET hash = ? WHERE position = 300", (new,))
        _in_tiles(raw, bytes(old), new)


def tile_of_another(place: Place) -> None:
    """A tile of other entries that are in the log."""
    with place.raw() as raw:
        raw.execute("UPDATE tile SET hashes = (SELECT hashes FROM tile WHERE idx = 0) WHERE idx = 1")


def frontier_and_root(place: Place) -> None:
    """A frontier of another last entry, and its root."""
    _fill_tree_state(place, [*[row[4] for row in rows_of(place.url, "seq")][:714], leaf_hash(b"forged")])


def _fill_tree_state(place: Place, hashes: list[bytes]) -> None:
    frontier = Frontier()
    for each in hashes:
        frontier.push(each)
    with place.raw() as raw:
        raw.execute(
            "UPDATE tree_state SET frontier = ?, root = ? WHERE size = ?",
            (frontier.to_bytes(), frontier.root(), frontier.size),
        )


def state_of_another(place: Place) -> None:
    """A root and the frontier of an earlier tree."""
    frontier, root = place.row("SELECT frontier, root FROM tree_state WHERE size = 581")
    with place.raw() as raw:
        raw.execute("UPDATE tree_state SET frontier = ?, root = ? WHERE size = 715", (frontier, root))


def note_and_root(place: Place) -> None:
    """The root in a note, and in the row of that tree."""
    note, root = place.row(
        "SELECT c.note, t.root FROM checkpoint c JOIN tree_state t ON t.size = c.size WHERE c.size = 715"
    )
    forged = bytes([root[0] ^ 1]) + bytes(root)[1:]
    said = note.replace(b64encode(bytes(root)).decode(), b64encode(forged).decode())
    with place.raw() as raw:
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = 715", (said,))
        raw.execute("UPDATE tree_state SET root = ? WHERE size = 715", (forged,))


def note_of_another(place: Place) -> None:
    """A note, signed, of an earlier tree, and that root."""
    (note,) = place.row("SELECT note FROM checkpoint WHERE size = 581")
    with place.raw() as raw:
        raw.execute("UPDATE checkpoint SET note = ? WHERE size = 715", (note,))
    state_of_another(place)


def kept_and_named(place: Place) -> None:
    """The file of a checkpoint is altered, and takes the name of its root; so does its row."""
    (evidence,) = place.row("SELECT evidence FROM anchor WHERE size = 715")
    (file,) = (place.folder / "kept").rglob(f"{715:020}-*")
    note, times = file.read_text(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    root = b64decode(note.split("\n")[2])
    forged = bytes([root[0] ^ 1]) + root[1:]
    other = file.with_name(file.name.replace(root.hex(), forged.hex()))
    file.chmod(0o644)
    file.write_text(note.replace(b64encode(root).decode(), b64encode(forged).decode()))
    file.rename(other)
    os.utime(other, ns=times)
    said = evidence.replace(root.hex(), forged.hex()).replace(b64(root), b64(forged))
    assert said != evidence
    with place.raw() as raw:
        raw.execute("UPDATE anchor SET evidence = ? WHERE size = 715", (said,))


def evidence_of_another(place: Place) -> None:
    """A row names the file of another checkpoint, which is there."""
    (evidence,) = place.row("SELECT evidence FROM anchor WHERE size = 581")
    with place.raw() as raw:
        raw.execute("UPDATE anchor SET evidence = ? WHERE size = 715", (evidence,))
