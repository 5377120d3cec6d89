"""The list of what is withheld, ``withheld.jsonl``, in step with what is withheld.

Invariant: each withheld part of the package has its line, in the order of the records, with the same reason; a line
without a part is an entry that is not in the package, and is only counted.
"""

from collections.abc import Mapping
from typing import Final

from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.verify.package.entry import EntryLine, SealedLine
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.lines import Lines, object_of
from consentgate.verify.package.result import Findings

PATH: Final = "data/withheld/withheld.jsonl"

_OF_PART: Final = frozenset({"bates", "entry", "part", "reason", "rule"})
_OF_ENTRY: Final = frozenset({"entry", "reason", "rule"})
_LIMIT: Final = 1 << 20


class WithheldLog:
    """The lines, in step with the records."""

    def __init__(self, folder: PackageFolder, findings: Findings) -> None:
        """Begin before the first line.

        Args:
            folder: the package.
            findings: takes what is wrong.
        """
        self._lines = Lines(folder, PATH, limit=_LIMIT)
        self._findings = findings
        self._same = True
        self.entries = 0
        if not self._lines.there:
            findings.say("records", "missing", PATH, "the list of what is withheld", "nothing")

    def take(self, line: EntryLine, part: SealedLine) -> None:
        """Take the next withheld part.

        Args:
            line: whose.
            part: the part.
        """
        told = self._next()
        expected = {"bates": line.bates, "entry": line.entry, "part": part.name, "reason": part.withheld}
        if told is None or {name: told[name] for name in expected} != expected:
            self._same = False

    def finish(self, *, compare: bool) -> None:
        """End behind the last record.

        Args:
            compare: whether every record could be read, so that the list can be judged.
        """
        while self._next() is not None:
            self._same = False
        if self._lines.there and compare and not self._same:
            self._findings.say("records", "altered", PATH, "what is withheld, in order", "another list")

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def _next(self) -> Mapping[str, Json] | None:
        """Read on to the next line of a part."""
        while (line := self._lines.next()) is not None:
            try:
                told = _told(line)
            except Malformed as problem:
                self._findings.say("records", "malformed", PATH, "one object a line", str(problem))
                continue
            if told.keys() == _OF_PART:
                return told
            self.entries += 1
        return None


def _told(line: bytes) -> Mapping[str, Json]:
    told = object_of(line)
    texts = all(isinstance(each, str) for each in told.values())
    if told.keys() not in (_OF_PART, _OF_ENTRY) or not texts:
        raise Malformed("The line has other members than it should.")
    return told
