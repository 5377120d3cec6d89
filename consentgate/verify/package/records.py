"""Level ``records``: what stands in the package as an entry is one, in its place, and reads as it was sealed.

One pass over ``entries.jsonl``, in step with the readable form and the list of what is withheld. Whoever judges a
later level takes part in it, so that no record is read twice and none is kept.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import field
from typing import Final

from consentgate.canonical import Json
from consentgate.errors import KeyMismatch, Malformed
from consentgate.values import dataclass
from consentgate.verify.package import entry
from consentgate.verify.package.entry import Changed, EntryLine, Numbered
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.lines import Lines
from consentgate.verify.package.manifest import Manifest
from consentgate.verify.package.readable import Readable
from consentgate.verify.package.result import Findings
from consentgate.verify.package.withheld import WithheldLog

PATH: Final = "data/records/entries.jsonl"
LEVEL: Final = "records"

_Contents = dict[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A record that could be read.

    Attributes:
        line: its exact bytes, read.
        contents: its parts that were opened, by name.
        in_order: whether it lies behind the record before it.
    """

    line: EntryLine
    contents: Mapping[str, Mapping[str, Json]] = field(repr=False)
    in_order: bool


class Records:
    """One pass over the records."""

    def __init__(self, folder: PackageFolder, manifest: Manifest, findings: Findings) -> None:
        """Begin before the first record.

        Args:
            folder: the package.
            manifest: its manifest.
            findings: takes what is wrong.
        """
        self._folder = folder
        self._manifest = manifest
        self._findings = findings
        self._next = manifest.first
        self._last = (-1, -1)
        self._lines = self._open = self._closed = 0
        self._in_logs = dict.fromkeys(manifest.logs, 0)
        self._withheld = WithheldLog(folder, findings)
        self._there = PATH in folder
        self._left_out = self._gap = False

    @property
    def read(self) -> bool:
        """Whether every record that is there could be read, once all were."""
        return self._there and not self._left_out

    @property
    def whole(self) -> bool:
        """Whether every record of the range could be read, once all were."""
        return self.read and not self._gap

    def __iter__(self) -> Iterator[Read]:
        self._findings.judged(LEVEL)
        if not self._there:
            self._findings.say(LEVEL, "missing", PATH, "the exact records", "nothing")
        readable = Readable(self._folder, self._findings)
        with closing(Lines(self._folder, PATH)) as lines, closing(self._withheld):
            for data in lines:
                self._lines += 1
                line = self._line(data)
                if line is None:
                    self._left_out = True
                    readable.take(None, {}, fits=False)
                    continue
                fits = [part.name for part in line.parts] == [ref.p for ref in line.leaf.parts]
                contents = self._judge(line, fits=fits)
                in_order = self._place(line)
                readable.take(line, contents, fits=fits)
                yield Read(line=line, contents=contents, in_order=in_order)
            if self._there:
                readable.finish()
                self._finish()

    def _line(self, data: bytes) -> EntryLine | None:
        try:
            line = entry.decode(data, self._manifest)
        except Numbered as problem:
            self._number(problem.number)
            where = f"record {self._manifest.bates(problem.number)}"
            self._findings.say(LEVEL, "malformed", where, "an entry", str(problem))
            return None
        except Malformed as problem:
            self._next += 1
            self._findings.say(LEVEL, "malformed", PATH, "canonical JSON, one entry a line", str(problem))
            return None
        self._number(line.number)
        return line

    def _number(self, number: int) -> None:
        bates = self._manifest.bates
        if not self._manifest.first <= number <= self._manifest.last:
            self._findings.say(
                LEVEL, "extra", f"record {bates(number)}", "nothing", "a record out of the range"
            )
        elif number < self._next:
            found = "one that stands too late, or twice"
            self._findings.say(LEVEL, "reordered", f"record {bates(number)}", "a record in its place", found)
        else:
            if number > self._next:
                self._missing()
            self._next = number + 1

    def _missing(self) -> None:
        self._gap = True
        where = f"record {self._manifest.bates(self._next)}"
        self._findings.say(LEVEL, "missing", where, "each number of the range once", "nothing")

    def _place(self, line: EntryLine) -> bool:
        place = (line.log, line.position)
        in_order = place > self._last
        if not in_order:
            self._findings.say(
                LEVEL,
                "reordered",
                line.where,
                "records in the order of their positions",
                "an earlier position",
            )
        self._last = place
        self._in_logs[line.log] += 1
        return in_order

    def _judge(self, line: EntryLine, *, fits: bool) -> _Contents:
        if line.entry != str(line.leaf.id):
            self._findings.say(LEVEL, "altered", line.where, "the id of its leaf", "another id")
        if not fits:
            self._findings.say(LEVEL, "altered", line.where, "the parts of its leaf", "other parts")
        contents: _Contents = {}
        for number, part in enumerate(line.parts):
            if part.withheld:
                self._closed += 1
                self._withheld.take(line, part)
            else:
                self._open += 1
            if fits:
                self._part(line, number, contents)
        return contents

    def _part(self, line: EntryLine, number: int, contents: _Contents) -> None:
        part, ref = line.parts[number], line.leaf.parts[number]
        where = f"{line.where} part {part.name}"
        try:
            if part.withheld:
                entry.require(part, ref)
            else:
                contents[part.name] = entry.opened(part, ref)
        except KeyMismatch as problem:
            self._findings.say(LEVEL, "forged", where, "a token that names its key", str(problem))
        except Changed as problem:
            self._findings.say(LEVEL, "altered", where, "the part that was sealed", str(problem))
        except Malformed as problem:
            self._findings.say(LEVEL, "malformed", where, "a sealed part", str(problem))

    def _finish(self) -> None:
        if self._next <= self._manifest.last:
            self._missing()
        self._withheld.finish(compare=not self._left_out)
        if not self._findings.kinds(LEVEL) & {"malformed", "missing", "extra", "reordered"}:
            self._reconcile()

    def _reconcile(self) -> None:
        manifest, told = self._manifest, self._manifest.counts
        seen = {
            "exported": self._lines,
            "withheld_entries": self._withheld.entries,
            "selected": self._lines + self._withheld.entries,
            "parts": self._open + self._closed,
            "parts_open": self._open,
            "parts_withheld": self._closed,
            "numbers": self._lines,
            **{f"log {number}": count for number, count in self._in_logs.items()},
        }
        said = {
            **told,
            "numbers": manifest.last - manifest.first + 1,
            **{f"log {number}": log.positions for number, log in manifest.logs.items()},
        }
        for name, count in seen.items():
            if said[name] != count:
                self._findings.say(LEVEL, "altered", "manifest.json", f"{name}: {count}", f"{said[name]}")
