"""Level ``answers``: an answer names the entry that it answers by its true hash, and each intent has one outcome.

Invariant: 32 bytes are kept of what can be answered, and of answers what they name; nothing else of any record.
What is answered may be outside of the package: then nothing is said about it.
"""

from datetime import datetime
from typing import Final

from consentgate.verify.package.entry import EntryLine
from consentgate.verify.package.result import OPEN, Findings

LEVEL: Final = "answers"

_ANSWERED: Final = ("intent", "stop")
_OUTCOME: Final = "outcome"


class Answers:
    """Goes along the records."""

    def __init__(self, at: datetime) -> None:
        """Begin before the first record.

        Args:
            at: when the package was made.
        """
        self._at = at
        self._hashes: dict[bytes, bytes] = {}
        self._due: dict[bytes, str] = {}
        self._answers: list[tuple[str, bytes, bytes]] = []
        self._ended: dict[bytes, list[str]] = {}

    def take(self, line: EntryLine) -> None:
        """Take the next record.

        Args:
            line: the record.
        """
        leaf = line.leaf
        if leaf.kind in _ANSWERED:
            self._hashes[leaf.id.bytes] = line.hash
        if leaf.send_by is not None and leaf.send_by < self._at:
            self._due[leaf.id.bytes] = line.where
        if leaf.re is not None:
            self._answers.append((line.where, leaf.re.id.bytes, leaf.re.h))
            if leaf.kind == _OUTCOME:
                self._ended.setdefault(leaf.re.id.bytes, []).append(line.where)

    def finish(self, findings: Findings, *, wholly: bool) -> None:
        """Judge the level.

        Args:
            findings: takes what is wrong.
            wholly: whether there were records to read.
        """
        findings.judged(LEVEL, wholly=wholly)
        for where, target, named in self._answers:
            known = self._hashes.get(target)
            if known is not None and known != named:
                expected = f"{known.hex()}, the hash of what it answers"
                findings.say(LEVEL, "forged", where, expected, named.hex())
        for outcomes in self._ended.values():
            for where in outcomes[1:]:
                findings.say(LEVEL, "extra", where, "one final outcome", "a second one")
        for intent, where in self._due.items():
            if intent not in self._ended:
                findings.say(
                    LEVEL,
                    OPEN,
                    where,
                    "an outcome, since its time to leave is over",
                    "none in this package",
                    "Ask how this request ended.",
                )
