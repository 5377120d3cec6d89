"""Receipts, verified with a key and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consentgate.tlog.checkpoint import Checkpoint, sign_checkpoint
from consentgate.tlog.merkle import leaf_hash, root_of
from consentgate.tlog.notekey import NoteSigner
from consentgate.tlog.proof import inclusion_proof
from consentgate.tlog.receipt import Receipt, encode
from consentgate.verify.receipts import verify_receipt
from consentgate.verify.result import Verification

GOLDEN = Path(__file__).parents[2] / "golden" / "leaves"
LEAVES = [path.read_bytes() for path in sorted(GOLDEN.glob("*.json"))]
HASHES = [leaf_hash(each) for each in LEAVES]
SIGNER = NoteSigner.generate("example.com/log", lambda size: bytes(range(size)))
OTHER = NoteSigner.generate("example.com/log", lambda size: bytes(range(1, size + 1)))
AT = 4


def note_of(hashes: list[bytes]) -> str:
    return sign_checkpoint(Checkpoint(origin=SIGNER.key.name, size=len(hashes), root=root_of(hashes)), SIGNER)


def node(level: int, index: int) -> bytes:
    return root_of(HASHES[index << level : (index + 1) << level])


RECEIPT = Receipt(
    index=AT, hashes=inclusion_proof(AT, len(HASHES), node), note=note_of(HASHES), extra=LEAVES[AT]
)


def verified(receipt: Receipt, key: NoteSigner | None = SIGNER, leaf: bytes | None = None) -> Verification:
    return verify_receipt(encode(receipt).encode(), key.key if key else None, leaf=leaf)


def verdicts(found: Verification) -> list[str]:
    return [level.verdict for level in found.levels]


@pytest.mark.parametrize("index", range(len(LEAVES)))
def test_sound_receipt_holds(index: int) -> None:
    proof = inclusion_proof(index, len(HASHES), node)
    found = verified(Receipt(index=index, hashes=proof, note=RECEIPT.note, extra=LEAVES[index]))
    assert verdicts(found) == ["holds", "holds", "holds"]
    assert all(level.until is not None for level in found.levels)
    assert found.exit_code == 0


def test_leaf_may_come_beside_the_receipt() -> None:
    assert verified(replace(RECEIPT, extra=None), leaf=LEAVES[AT]).exit_code == 0


def test_what_is_not_there_is_not_judged() -> None:
    assert verdicts(verified(replace(RECEIPT, extra=None))) == ["cannot_judge", "cannot_judge", "holds"]
    found = verified(RECEIPT, None)
    assert verdicts(found) == ["holds", "holds", "cannot_judge"]
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("change", "expected", "findings"),
    [
        ({"extra": LEAVES[5]}, ["holds", "broken", "holds"], [("altered", "leaf at position 4")]),
        (
            {"extra": b"{}"},
            ["broken", "broken", "holds"],
            [("malformed", "leaf"), ("altered", "leaf at position 4")],
        ),
        ({"index": 5}, ["holds", "broken", "holds"], [("altered", "leaf at position 5")]),
        ({"index": 99}, ["holds", "broken", "holds"], [("altered", "leaf at position 99")]),
        ({"hashes": RECEIPT.hashes[:-1]}, ["holds", "broken", "holds"], [("altered", "leaf at position 4")]),
        (
            {"note": note_of(HASHES[1:])},
            ["holds", "broken", "holds"],
            [("altered", "leaf at position 4")],
        ),
        (
            {"note": RECEIPT.note.replace("\n16\n", "\n15\n")},
            ["holds", "holds", "broken"],
            [("unsigned", "checkpoint")],
        ),
        (
            {"note": "no note\n"},
            ["holds", "broken", "broken"],
            [("malformed", "checkpoint"), ("unsigned", "checkpoint")],
        ),
    ],
)
def test_what_does_not_fit_is_found(
    change: dict[str, Any], expected: list[str], findings: list[tuple[str, str]]
) -> None:
    found = verified(replace(RECEIPT, **change))
    assert verdicts(found) == expected
    assert [(each.kind, each.where) for each in found.findings] == findings
    assert found.exit_code == 1


def test_another_key_does_not_do() -> None:
    assert verdicts(verified(RECEIPT, OTHER)) == ["holds", "holds", "broken"]


def test_leaf_beside_the_receipt_has_to_be_its_own() -> None:
    found = verified(RECEIPT, leaf=LEAVES[5])
    assert verdicts(found) == ["broken", "broken", "holds"]
    assert found.findings[0].where == "leaf"


def test_anything_else_is_malformed() -> None:
    found = verify_receipt(b"nonsense", SIGNER.key)
    assert verdicts(found) == ["broken", "cannot_judge", "cannot_judge"]
    assert [(each.kind, each.where) for each in found.findings] == [("malformed", "receipt")]
