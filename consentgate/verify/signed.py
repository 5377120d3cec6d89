"""Levels ``signature`` and ``signer``: what was signed is what is there, and what the signer remembers, too.

Invariants: a checkpoint counts when its note verifies under the key that the verifier brought and its root
is the recomputed one of that size; the key is never taken from the database.
"""

from collections.abc import Iterator
from datetime import datetime

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import RESTORE, altered
from consentgate.verify.result import Finding
from consentgate.verify.rows import CheckpointRow
from consentgate.verify.source import LogSource, Memory
from consentgate.verify.tree import Tree, truncated

_SIGN = "Run `consentgate log sequence --once`, then `consentgate log sign --once`."


def check_signature(
    log: LogSource, key: NoteKey, tree: Tree, origin: str | None
) -> tuple[list[Finding], datetime | None]:
    """Check every checkpoint.

    Args:
        log: the log.
        key: the log's key, from where the verifier trusts it.
        tree: the recomputed tree.
        origin: what the database says that the log's origin is, or None.

    Returns:
        The findings, and the time up to which sound checkpoints cover.
    """
    findings: list[Finding] = []
    if origin is not None and origin != key.name:
        findings.append(altered("deployment, log_origin", key.name, origin, "Check which key is whose."))
    covered = 0
    wrong: list[int] = []
    for row in sorted(log.checkpoints(), key=lambda each: each.size):
        found, head = _opened(row, key)
        findings += found
        if head is None:
            continue
        computed = tree.frontiers.get(head.size)
        if head.size > tree.size:
            findings.append(truncated(f"checkpoint of size {head.size}", head.size, tree.size))
        elif computed is not None and computed.root() != head.root:
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


def check_signer(before: Memory, after: Memory, key: NoteKey, tree: Tree, last: int) -> list[Finding]:
    """Compare the log with what its signer remembers.

    Args:
        before: what it remembered before the rows were read: all of that is in the tree.
        after: what it remembered after the state of the rows was fixed: that covers every stored checkpoint,
            since the memory is written first. The two differ where it signed meanwhile.
        key: the log's key.
        tree: the recomputed tree.
        last: the largest size of a stored checkpoint, 0 when there is none.

    Returns:
        The findings. A memory that is ahead of the stored checkpoints is sound.
    """
    for each in (before, after):
        try:
            head = _remembered(each, key)
        except (Malformed, SignatureInvalid) as problem:
            return [_unsigned("signer state", str(problem))]
        if (head.size, head.root) != (each.size, each.root):
            said = f"size {head.size}, as its note says"
            return [altered("signer state", said, f"size {each.size}, or another root")]
    if after.size < last:
        return [
            Finding(
                kind="truncated",
                where="signer state",
                expected=f"size {last} or more, which was signed",
                found=f"size {after.size}",
                cure="Put back the signer's newest state; do not sign with this one.",
            )
        ]
    if before.size > tree.size:
        return [truncated("signer state", before.size, tree.size)]
    if tree.frontiers[before.size].root() != before.root:
        where = f"tree under the signer's size {before.size}"
        return [altered(where, "the root that was signed", "another root")]
    return []


def _remembered(memory: Memory, key: NoteKey) -> Checkpoint:
    # Before the first signature the memory is of size 0 and has no note.
    if not memory.note:
        return Checkpoint(origin=key.name, size=0, root=EMPTY_ROOT)
    return open_checkpoint(memory.note, key)


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
