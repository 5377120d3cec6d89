"""Levels ``signature`` and ``signer``: what was signed is what is there, and what the signer remembers, too.

Invariants: a checkpoint counts when its note verifies under the key that the verifier brought and its root
is the recomputed one of that size; the key is never taken from the database.
"""

from collections.abc import Iterator
from datetime import datetime

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, decode, open_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import RESTORE, altered
from consentgate.verify.result import Finding
from consentgate.verify.source import CheckpointRow, Evidence
from consentgate.verify.tree import Tree, truncated

_SIGN = "Run `consentgate log sequence --once`, then `consentgate log sign --once`."


def check_signature(evidence: Evidence, key: NoteKey, tree: Tree) -> tuple[list[Finding], datetime | None]:
    """Check every checkpoint.

    Args:
        evidence: what the verification is given.
        key: the log's key, from where the verifier trusts it.
        tree: the recomputed tree.

    Returns:
        The findings, and the time up to which sound checkpoints cover.
    """
    findings: list[Finding] = []
    if evidence.origin is not None and evidence.origin != key.name:
        findings.append(
            altered("deployment, log origin", key.name, evidence.origin, "Check which key is whose.")
        )
    covered = 0
    wrong: list[int] = []
    for row in sorted(evidence.log.checkpoints(), key=lambda each: each.size):
        found, head = _opened(row, key)
        findings += found
        if head is None:
            continue
        if head.size > tree.size:
            findings.append(truncated(f"checkpoint of size {head.size}", head.size, tree.size))
        elif row.size == head.size and tree.frontiers[head.size].root() != head.root:
            wrong.append(head.size)
        elif not found:
            covered = head.size
    if wrong:
        more = f", and under {len(wrong) - 1} later" if len(wrong) > 1 else ""
        where = f"tree under the checkpoint of size {wrong[0]}"
        findings.append(altered(where, "the root that was signed", f"another root{more}"))
    findings += _uncovered(tree, covered)
    return findings, tree.until(covered)


def _opened(row: CheckpointRow, key: NoteKey) -> tuple[list[Finding], Checkpoint | None]:
    where = f"checkpoint of size {row.size}"
    try:
        head = open_checkpoint(row.note, key)
    except (Malformed, SignatureInvalid) as problem:
        return [_unsigned(where, str(problem))], None
    findings = [
        altered(f"{where}, column {column}", said, stored)
        for column, stored, said in (
            ("size", str(row.size), str(head.size)),
            ("origin", row.origin, head.origin),
        )
        if stored != said
    ]
    return findings, head


def check_signer(note: str, key: NoteKey, tree: Tree, last: int) -> list[Finding]:
    """Compare the log with what its signer remembers.

    Args:
        note: the note in the signer's state.
        key: the log's key.
        tree: the recomputed tree.
        last: the largest size of a stored checkpoint, 0 when there is none.

    Returns:
        The findings. A state that is ahead of the stored checkpoints is sound: it is written before them.
    """
    try:
        # Before the first signature the state is of size 0 and has no note.
        head = open_checkpoint(note, key) if note else Checkpoint(origin=key.name, size=0, root=EMPTY_ROOT)
    except (Malformed, SignatureInvalid) as problem:
        return [_unsigned("signer state", str(problem))]
    if head.size < last:
        return [
            Finding(
                kind="truncated",
                where="signer state",
                expected=f"size {last} or more, which was signed",
                found=f"size {head.size}",
                cure="Put back the signer's newest state; do not sign with this one.",
            )
        ]
    if head.size > tree.size:
        return [truncated("signer state", head.size, tree.size)]
    if tree.frontiers[head.size].root() != head.root:
        return [
            altered(f"tree under the signer's size {head.size}", "the root that was signed", "another root")
        ]
    return []


def remembered_size(note: str | None) -> int:
    """Read which size the signer's state is of, without verifying it.

    Args:
        note: the note in the signer's state, if any.

    Returns:
        The size, 0 where there is none to read.
    """
    try:
        return decode(parse_note(note).text).size if note else 0
    except Malformed:
        return 0


def _unsigned(where: str, problem: str) -> Finding:
    return Finding(
        kind="unsigned", where=where, expected="a note of the log's key", found=problem, cure=RESTORE
    )


def _uncovered(tree: Tree, covered: int) -> Iterator[Finding]:
    left = tree.size - covered + len(tree.unsequenced)
    if left:
        yield Finding(
            kind="uncovered",
            where=f"the last {left} entries" if covered else f"all {left} entries",
            expected="a signed checkpoint",
            found=f"the last sound one covers {covered}",
            cure=_SIGN,
        )
