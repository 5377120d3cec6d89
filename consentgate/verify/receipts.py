"""Verifying a receipt: one entry's place in the signed log, from one file and a key, without a database.

Invariants: the key is the verifier's own; nothing that the receipt says of itself stands unless its level holds;
without the leaf, or without the key, a level says that it cannot judge.
"""

from datetime import datetime
from typing import Final

from consentgate.entries import leaf as leaves
from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog import checkpoint
from consentgate.tlog.checkpoint import open_checkpoint
from consentgate.tlog.merkle import leaf_hash
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey
from consentgate.tlog.policy import Policy
from consentgate.tlog.proof import verify_inclusion
from consentgate.tlog.receipt import Receipt, decode
from consentgate.verify.known import altered, level_of
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.witnesses import WITNESSES, unwitnessed

RECEIPT_LEVELS: Final = ("bytes", "tree", "signature")

_CURE: Final = "Ask for the receipt again, from somebody who has the log."


def verify_receipt(
    data: bytes, key: NoteKey | None, *, leaf: bytes | None = None, policy: Policy | None = None
) -> Verification:
    """Verify a receipt.

    Args:
        data: the file.
        key: the log's key, from where the verifier trusts it; None leaves the signature unjudged.
        leaf: the entry's leaf; None takes the one that the receipt carries.
        policy: whose cosignatures the verifier asks for; None asks for none.

    Returns:
        The levels ``bytes``, ``tree`` and ``signature``, with a policy ``witnesses`` too, each up to the entry's
        time.
    """
    try:
        receipt = decode(data)
    except Malformed as problem:
        broken = _malformed("receipt", problem)
        names = (*RECEIPT_LEVELS[1:], *(() if policy is None else (WITNESSES,)))
        rest = (_open(each) for each in names)
        return Verification(levels=(level_of("bytes", [broken], None), *rest), findings=(broken,))
    shown = receipt.extra if leaf is None else leaf
    at, findings = _leaf(receipt, shown)
    levels = [level_of("bytes", findings, at) if shown is not None else _open("bytes")]
    for name, found in (
        ("tree", _tree(receipt, shown) if shown is not None else None),
        ("signature", _signature(receipt, key) if key is not None else None),
    ):
        levels.append(level_of(name, found, at) if found is not None else _open(name))
        findings += found or []
    if policy is not None:
        lacking = unwitnessed(receipt.note, policy)
        levels.append(level_of(WITNESSES, lacking, at))
        findings += lacking
    return Verification(levels=tuple(levels), findings=tuple(findings))


def _leaf(receipt: Receipt, shown: bytes | None) -> tuple[datetime | None, list[Finding]]:
    if shown is None:
        return None, []
    findings = []
    if receipt.extra not in (None, shown):
        findings.append(altered("leaf", "the one that the receipt carries", "another leaf", _CURE))
    try:
        return leaves.decode(shown).at, findings
    except Malformed as problem:
        return None, [*findings, _malformed("leaf", problem)]


def _tree(receipt: Receipt, leaf: bytes) -> list[Finding]:
    try:
        head = checkpoint.decode(parse_note(receipt.note).text)
    except Malformed as problem:
        return [_malformed("checkpoint", problem)]
    try:
        verify_inclusion(receipt.index, head.size, leaf_hash(leaf), head.root, receipt.hashes)
    except Malformed as problem:
        where = f"leaf at position {receipt.index}"
        return [altered(where, "a proof that leads to the checkpoint's root", str(problem), _CURE)]
    return []


def _signature(receipt: Receipt, key: NoteKey) -> list[Finding]:
    try:
        open_checkpoint(receipt.note, key)
    except (Malformed, SignatureInvalid) as problem:
        expected = f"a checkpoint signed by {key.name}"
        return [
            Finding(kind="unsigned", where="checkpoint", expected=expected, found=str(problem), cure=_CURE)
        ]
    return []


def _malformed(where: str, problem: Malformed) -> Finding:
    return Finding(kind="malformed", where=where, expected=f"a {where}", found=str(problem), cure=_CURE)


def _open(name: str) -> Level:
    return Level(name=name, verdict="cannot_judge")
