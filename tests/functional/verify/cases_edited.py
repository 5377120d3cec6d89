"""What is found where bytes were edited together with the hashes that are stored of them; see `edits`."""

from typing import Final

from tests.functional.verify import edits
from tests.functional.verify.tampering import Cases

EDITED: Final[Cases] = {
    "entry, bytes with hash, in its row": (
        edits.leaf_alone,
        [
            "altered: entry 155 at position 154",
            "altered: entry 156, prev",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "uncovered: all 849 entries",
        ],
    ),
    "entry, bytes with hash, and in the log": (
        edits.leaf_in_the_log,
        [
            "altered: entry 156, prev",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "uncovered: all 849 entries",
        ],
    ),
    "entry, bytes with hash, of its parts": (
        edits.parts,
        [
            "altered: entry 849, prev",
            "altered: tree state of size 849",
            "altered: tree under the checkpoint of size 849",
            "altered: tree under the signer's size 849",
            "link_missing: links of sealed parts: entry 848, part statement.0",
            "uncovered: the last 134 entries",
        ],
    ),
    "entry, hash with bytes": (
        edits.leaf_of_another,
        [
            "altered: entry 101 at position 100",
            "altered: entry 101, column at",
            "altered: entry 101, column id",
            "altered: entry 101, column n",
            "altered: lane 1, number 101",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "missing: lane 1 (number 100)",
            "uncovered: all 849 entries",
        ],
    ),
    "statement, bytes with hash": (edits.sealed_and_key, ["altered: entry 848, part statement.0 (x2)"]),
    "statement, hash with bytes": (edits.key_and_bytes, ["altered: entry 848, part statement.0 (x2)"]),
    "artifact, bytes with hash": (
        edits.pack_alone,
        ["extra: artifact new", "missing: artifact packs, pack last"],
    ),
    "artifact, hash with bytes": (
        edits.digest_of_another,
        ["extra: artifact, row (digest pack first)", "missing: artifact packs, pack last"],
    ),
    "notice, bytes with hash": (
        edits.notice_text,
        [
            "altered: notice voiceprint-1 2026-02 (en), column digest",
            "missing: notice voiceprint-1 2026-02 (en), text of its manifest",
        ],
    ),
    "notice, hash with bytes": (
        edits.names_of_another,
        [
            "altered: notice voiceprint-1 2026-02 (en), column id",
            "missing: notice of manifest manifest of voiceprint-1",
        ],
    ),
    "seq, bytes with hash": (
        edits.leaf_in_the_log,
        [
            "altered: entry 156, prev",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "uncovered: all 849 entries",
        ],
    ),
    "seq, hash with bytes": (
        edits.position_of_another,
        [
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "extra: entry 102 at position 101",
            "reordered: entry 101-102",
            "uncovered: all 850 entries",
            "unsequenced: entry 101",
        ],
    ),
    "tile, bytes with hash": (
        edits.leaf_in_the_tiles,
        [
            "altered: entry 156, prev",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 849",
            "uncovered: all 849 entries",
        ],
    ),
    "tile, bytes with hash, without the entry": (
        edits.tile_and_hash,
        ["altered: entry 301 at position 300", "altered: tile 0/1"],
    ),
    "tile, hash with bytes": (edits.tile_of_another, ["altered: tile 0/1"]),
    "tree_state, bytes with hash": (edits.frontier_and_root, ["altered: tree state of size 715"]),
    "tree_state, hash with bytes": (edits.state_of_another, ["altered: tree state of size 715"]),
    "checkpoint, bytes with hash": (
        edits.note_and_root,
        ["altered: tree state of size 715", "unsigned: checkpoint of size 715"],
    ),
    "checkpoint, hash with bytes": (
        edits.note_of_another,
        ["altered: checkpoint of size 715, column size", "altered: tree state of size 715"],
    ),
    "anchor, bytes with hash": (
        edits.kept_and_named,
        ["unsigned: anchor second-site, log/00000000000000000715-new"],
    ),
    "anchor, hash with bytes": (
        edits.evidence_of_another,
        ["altered: anchor row of second-site, size 715, column evidence"],
    ),
}
