"""The readable form of the records, ``records.jsonl``, held against what the exact bytes say.

Invariant: an open part must read as it was sealed, member for member. What a redaction shows cannot be judged: a part
key opens a whole part, so a redacted part has none in the package.
"""

from collections.abc import Mapping
from typing import Final

from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.moment import to_text
from consentgate.verify.package.entry import EntryLine
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.lines import Lines, object_of
from consentgate.verify.package.result import Findings

PATH: Final = "data/records/records.jsonl"

_REDACTED: Final = frozenset({"redacted", "shown"})


class Readable:
    """The readable records, in step with the exact ones."""

    def __init__(self, folder: PackageFolder, findings: Findings) -> None:
        """Begin before the first record.

        Args:
            folder: the package.
            findings: takes what is wrong.
        """
        self._lines = Lines(folder, PATH)
        self._findings = findings
        self._goes_on = self._lines.there
        if not self._lines.there:
            findings.say("records", "missing", PATH, "the records in readable form", "nothing")

    def take(self, line: EntryLine | None, contents: Mapping[str, Mapping[str, Json]], *, fits: bool) -> None:
        """Go on by one line.

        Args:
            line: the exact record; None where it could not be read, so that its readable form is passed over.
            contents: its parts that were opened, by name.
            fits: whether its parts are those of its leaf.
        """
        if not self._goes_on:
            return
        read = self._lines.next()
        if read is None:
            self._stop("altered", "a line for each record", "fewer lines")
            return
        if line is None:
            return
        try:
            members = object_of(read)
        except Malformed as problem:
            self._stop("malformed", "canonical JSON, one object a line", str(problem))
            return
        if members.get("bates") != line.bates:
            self._stop("altered", f"the record {line.bates}", "another record")
        elif not _same(members, line, contents, fits=fits):
            self._findings.say(
                "records", "altered", line.where, "the readable form of what was sealed", "another text"
            )

    def finish(self) -> None:
        """End behind the last record."""
        if self._goes_on and self._lines.next() is not None:
            self._stop("altered", "a line for each record", "more lines")
        self._lines.close()

    def _stop(self, kind: str, expected: str, found: str) -> None:
        self._goes_on = False
        self._findings.say("records", kind, PATH, expected, found)


def _same(
    members: Mapping[str, Json], line: EntryLine, contents: Mapping[str, Mapping[str, Json]], *, fits: bool
) -> bool:
    leaf = line.leaf
    expected: dict[str, Json] = {
        "bates": line.bates,
        "entry": str(leaf.id),
        "log": line.log,
        "position": line.position,
        "kind": leaf.kind,
        "at": to_text(leaf.at),
    }
    if leaf.end is not None:
        expected["end"] = leaf.end
    if leaf.re is not None:
        expected["re"] = str(leaf.re.id)
    parts = members.get("parts")
    told = {name: value for name, value in members.items() if name != "parts"}
    if told != expected or not isinstance(parts, dict):
        return False
    if not fits:
        return True
    if parts.keys() != {part.name for part in line.parts}:
        return False
    return all(_fits(parts[part.name], part.withheld, contents.get(part.name)) for part in line.parts)


def _fits(value: Json, reason: str, content: Mapping[str, Json] | None) -> bool:
    if not reason:
        # A part that could not be opened has its finding already.
        return content is None or _equal(value, content)
    if value == {"withheld": reason}:
        return True
    return (
        isinstance(value, dict)
        and value.keys() == _REDACTED
        and value["redacted"] == reason
        and isinstance(value["shown"], dict)
    )


def _equal(one: Json, other: Json) -> bool:
    """Compare as JSON does: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return type(one) is type(other) and one == other
