"""Levels ``signature`` and ``signer``: what was signed is what is there, and what the signer remembers, too.

Invariants: a checkpoint counts when its note verifies under the key that the verifier brought and its root
is the recomputed one of that size; the key is never taken from the database.
"""

from datetime import datetime

from consentgate.errors import Malformed, SignatureInvalid
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import RESTORE, altered, truncated
from consentgate.verify.result import Finding
from consentgate.verify.rows import CheckpointRow
from consentgate.verify.source import Memory

_SIGN = "Run `consentgate log sequence --once`, then `consentgate log sign --once`."


class Signatures:
    """Goes along the stored checkpoints, from the smallest tree to the largest.

    Attributes:
        covered: the size of the largest tree that a sound checkpoint covers.
        until: the time up to which that covers.
        last: the size that the last row claims; before the first that of the tree that is known to be signed.
    """

    def __init__(self, key: NoteKey, covered: int = 0, until: datetime | None = None) -> None:
        """Begin before the first.

        Args:
            key: the log's key, from where the verifier trusts it.
            covered: the size of a tree that is known to be signed.
            until: the time up to which that covers.
        """
        self._key = key
        self._found: list[Finding] = []
        self._wrong: list[int] = []
        self._ahead: list[int] = []
        self.covered = covered
        self.until = until
        self.last = covered

    def take(self, row: CheckpointRow, size: int, root: bytes | None, until: datetime | None) -> None:
        """Judge a checkpoint.

        Args:
            row: its row.
            size: of the recomputed tree so far.
            root: its root, where this is the size that the row claims; None where the log was never so large.
            until: the time up to which that tree covers.
        """
        self.last = row.size
        found, head = _opened(row, self._key)
        self._found += found
        if head is None:
            return
        if head.size > size:
            self._ahead.append(head.size)
        if root is not None and head.size == row.size and head.root != root:
            self._wrong.append(head.size)
        elif root is not None and not found:
            self.covered, self.until = head.size, until

    def findings(self, size: int, unsequenced: int, origin: str | None) -> list[Finding]:
        """Give what was found.

        Args:
            size: of the tree.
            unsequenced: how many entries are not in it.
            origin: what the database says that the log's origin is, or None.

        Returns:
            The findings.
        """
        findings = []
        if origin is not None and origin != self._key.name:
            cure = "Check which key is whose."
            findings.append(altered("deployment, log_origin", self._key.name, origin, cure))
        findings += self._found
        findings += [
            truncated(f"checkpoint of size {each}", each, size) for each in self._ahead if each > size
        ]
        if self._wrong:
            more = f", and under {len(self._wrong) - 1} later" if len(self._wrong) > 1 else ""
            where = f"tree under the checkpoint of size {self._wrong[0]}"
            findings.append(altered(where, "the root that was signed", f"another root{more}"))
        left = size - self.covered + unsequenced
        if left:
            findings.append(
                Finding(
                    kind="uncovered",
                    where=f"the last {left} entries" if self.covered else f"all {left} entries",
                    expected="a signed checkpoint",
                    found=f"the last sound one covers {self.covered}",
                    cure=_SIGN,
                )
            )
        return findings


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


def check_signer(
    before: Memory, after: Memory, key: NoteKey, size: int, root: bytes | None, last: int
) -> list[Finding]:
    """Compare the log with what its signer remembers.

    Args:
        before: what it remembered before the rows were read: all of that is in the tree.
        after: what it remembered after the state of the rows was fixed: that covers every stored checkpoint,
            since the memory is written first. The two differ where it signed meanwhile.
        key: the log's key.
        size: of the recomputed tree.
        root: the recomputed root of the size that was remembered before, None where the log was never so large.
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
    if root is None:
        return [truncated("signer state", before.size, size)]
    if root != before.root:
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
