"""A program of others, the package aics-tlog, verifies what we publish, and the receipts that we give."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from aics_tlog import (
    FileSystemTileReader,
    TileVerificationError,
    VKey,
    audit_tiles,
    parse_note,
    parse_vkey,
    read_entry,
    verify_checkpoint,
    verify_leaf_inclusion,
)

from consentgate.entries.leaf import encode as encoded
from consentgate.log.prove import prove
from consentgate.log.publish import publish
from consentgate.tlog.receipt import encode
from tests.functional.log.place import Log, log_at, sequence_once, signer_at

SIZE = 300
VERSION = "c2sp.org/tlog-proof@v1"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        signer = signer_at(tmp_path, found.database)
        found.append(SIZE)
        sequence_once(found.database)
        signer.once()
        with found.database.read() as connection:
            publish(connection, tmp_path / "public", with_leaves=True)
        yield found


@pytest.fixture
def vkey(log: Log, tmp_path: Path) -> VKey:
    return parse_vkey((tmp_path / "log.vkey").read_text().strip())


def test_published_files_are_verified_by_others(log: Log, vkey: VKey, tmp_path: Path) -> None:
    note = parse_note((tmp_path / "public/checkpoint").read_bytes())
    head = verify_checkpoint(note, vkey, expected_origin=vkey.name)
    assert head.size == SIZE
    assert head.root is not None
    reader = FileSystemTileReader(tmp_path / "public")
    audit_tiles(reader, head.size, head.root)
    leaves = [encoded(each) for each in log.leaves()]
    assert [read_entry(reader, index, head.size) for index in range(SIZE)] == leaves
    path = tmp_path / "public/tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b"heartbeat", b"heartbeep", 1))
    with pytest.raises(TileVerificationError):
        audit_tiles(reader, head.size, head.root)


@pytest.mark.parametrize("position", [0, 255, 256, SIZE - 1])
def test_receipt_is_verified_by_others(log: Log, vkey: VKey, position: int) -> None:
    """They read no proof's file; its lines are parted here, as the specification says."""
    leaf = log.leaves()[position]
    with log.database.read() as connection:
        text = encode(prove(connection, "default", leaf.id))
    proof, _, checkpoint = text.partition("\n\n")
    version, extra, index, *hashes = proof.split("\n")
    assert (version, index) == (VERSION, f"index {position}")
    head = verify_checkpoint(parse_note(checkpoint.encode()), vkey, expected_origin=vkey.name)
    assert head.size == SIZE
    assert head.root is not None
    data = base64.b64decode(extra.removeprefix("extra "), validate=True)
    path = [base64.b64decode(each, validate=True) for each in hashes]
    assert verify_leaf_inclusion(data, position, head.size, path, head.root)
    assert not verify_leaf_inclusion(data + b" ", position, head.size, path, head.root)
