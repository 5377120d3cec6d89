"""Level ``answers``: an answer names the entry that it answers by its true hash, and each intent has one outcome.

Invariant: what can be answered, and what answers name, is kept on disk; nothing of any record stays in memory.
What is answered may be outside of the package: then nothing is said about it.
"""

from contextlib import ExitStack
from datetime import datetime
from typing import Final

from consentgate.storage.scratch import DiskMap
from consentgate.tlog.merkle import HASH_BYTES
from consentgate.verify.package.entry import EntryLine
from consentgate.verify.package.result import OPEN, Findings

LEVEL: Final = "answers"

_ANSWERED: Final = ("intent", "stop")
_OUTCOME: Final = "outcome"
# Where parts of a kept answer end: the id that it names, the hash, whether it is final.
_ID: Final = 16
_HASH: Final = _ID + HASH_BYTES
_WHERE: Final = _HASH + 1


class Answers:
    """Goes along the records."""

    def __init__(self, at: datetime) -> None:
        """Begin before the first record.

        Args:
            at: when the package was made.
        """
        self._at = at
        self._open = ExitStack()
        self._hashes, self._due, self._answers, self._ended = (
            self._open.enter_context(DiskMap()) for _ in range(4)
        )
        self._count = 0

    def take(self, line: EntryLine) -> None:
        """Take the next record.

        Args:
            line: the record.
        """
        leaf, where = line.leaf, line.where.encode()
        if leaf.kind in _ANSWERED:
            self._hashes.put(leaf.id.bytes, line.hash)
        if leaf.send_by is not None and leaf.send_by < self._at:
            self._due.put(leaf.id.bytes, where)
        if leaf.re is not None:
            self._count += 1
            is_final = b"1" if leaf.kind == _OUTCOME else b"0"
            self._answers.put(self._count.to_bytes(8), leaf.re.id.bytes + leaf.re.h + is_final + where)

    def finish(self, findings: Findings, *, wholly: bool) -> None:
        """Judge the level.

        Args:
            findings: takes what is wrong.
            wholly: whether every record of the range could be read.
        """
        findings.judged(LEVEL, wholly=wholly)
        for _, answer in self._answers.below():
            self._judge(answer, findings)
        # Behind the others, which a bound on findings would hide: what is open breaks nothing.
        for intent, where in self._due.below():
            if intent not in self._ended:
                findings.say(
                    LEVEL,
                    OPEN,
                    where.decode(),
                    "an outcome, since its time to leave is over",
                    "none in this package",
                    "Ask how this request ended.",
                )

    def close(self) -> None:
        """Forget everything."""
        self._open.close()

    def _judge(self, answer: bytes, findings: Findings) -> None:
        target, named, is_final = answer[:_ID], answer[_ID:_HASH], answer[_HASH:_WHERE] == b"1"
        where = answer[_WHERE:].decode()
        known = self._hashes.get(target)
        if known is not None and known != named:
            expected = f"{known.hex()}, the hash of what it answers"
            findings.say(LEVEL, "forged", where, expected, named.hex())
        if is_final and target in self._ended:
            findings.say(LEVEL, "extra", where, "one final outcome", "a second one")
        elif is_final:
            self._ended.put(target)
