"""What the verification of a package comes to: findings by level, and one conclusion that never says a bare "valid".

Invariants: a finding stands once for a level, kind and place; a conclusion above ``consistent`` takes the fingerprint
that the reader brought. Witnesses vouch for the log, and a timestamp for bytes that were there: whoever takes records
out, or the report, and signs anew keeps the cosigned checkpoint, and an authority stamps what anybody sends to it.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate.moment import to_text
from consentgate.values import dataclass
from consentgate.verify.result import BROKEN, CANNOT_JUDGE, HOLDS, INCOMPLETE, Finding, Level, Verdict

Conclusion: TypeAlias = Literal["broken", "consistent", "confirmed", "witnessed"]

LEVELS: Final = (
    "files",
    "manifest",
    "records",
    "answers",
    "statements",
    "artifacts",
    "tree",
    "checkpoint",
    "witnesses",
    "timestamps",
)
"""In the order in which they are shown; the last two only where there is something to judge."""

OPEN: Final = "open"

_MOST: Final = 1000
"""Findings of a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """A timestamp by an authority that the reader trusts.

    Attributes:
        path: the file that it is about.
        by: the authority's name, as its certificate says.
        at: when it saw the file, as it says.
    """

    path: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a package was found to be.

    Attributes:
        levels: in order.
        findings: by level, each level's in the order in which they were found.
        fingerprint: RFC 7638 thumbprint of the key that signed the package; None where no key can be read.
        confirmed: whether the reader gave this fingerprint.
        witnesses: names of the witnesses that the reader trusts and that cosigned.
        stamped: timestamps by authorities that the reader trusts.
        notes: what the reader has to do so that more can be judged.
        counts: what the manifest counts, by name; empty where it cannot be read.
        matter: as the manifest says.
        export: id of the export, as the manifest says.
    """

    levels: tuple[Level, ...]
    findings: Mapping[str, tuple[Finding, ...]]
    fingerprint: str | None = None
    confirmed: bool = False
    witnesses: tuple[str, ...] = ()
    stamped: tuple[Stamped, ...] = ()
    notes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    matter: str = ""
    export: str = ""

    @property
    def conclusion(self) -> Conclusion:
        """One word for all of it."""
        if any(each.verdict == "broken" for each in self.levels):
            return "broken"
        if not self.confirmed:
            return "consistent"
        return "witnessed" if self.witnesses or self.stamped else "confirmed"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in sentences, for the reader."""
        if self.conclusion == "broken":
            return ("Not as it was made: see the findings.",)
        said = ["Consistent with itself.", f"Signed by key {self.fingerprint}."]
        said.append("You confirmed this key." if self.confirmed else "Nobody confirmed this key to you.")
        said += [f"Witnessed by {name}." for name in self.witnesses]
        return (*said, *(f"Timestamped by {s.by}: {s.path} was there {to_text(s.at)}." for s in self.stamped))

    @property
    def exit_code(self) -> int:
        """1 broken, 3 the signer is not confirmed, 4 confirmed but something is withheld or open, else 0."""
        if self.conclusion == "broken":
            return BROKEN
        if not self.confirmed:
            return CANNOT_JUDGE
        withheld = self.counts.get("parts_withheld", 0) + self.counts.get("withheld_entries", 0)
        is_open = any(each.verdict == "incomplete" for each in self.levels)
        return INCOMPLETE if withheld or is_open else HOLDS


class Findings:
    """What was found so far, by level."""

    def __init__(self) -> None:
        self._found: dict[str, dict[tuple[str, str], Finding]] = {}
        self._judged: dict[str, bool] = {}

    def say(self, level: str, kind: str, where: str, expected: str, found: str, cure: str = "") -> None:
        """Take a finding, unless the same is there already.

        Args:
            level: at which level.
            kind: what is the matter.
            where: which thing.
            expected: what it should be.
            found: what it is.
            cure: what to do now; by default to ask for the package again.
        """
        found_here = self._found.setdefault(level, {})
        if (kind, where) not in found_here and len(found_here) < _MOST:
            found_here[kind, where] = Finding(
                kind=kind, where=where, expected=expected, found=found, cure=cure or _CURE
            )

    def judged(self, level: str, *, wholly: bool = True) -> None:
        """Take note that a level is one of this package.

        Args:
            level: which.
            wholly: whether all that it is about could be looked at.
        """
        self._judged[level] = self._judged.get(level, True) and wholly

    def kinds(self, level: str) -> frozenset[str]:
        """Say which kinds were found at a level.

        Args:
            level: which.

        Returns:
            The kinds.
        """
        return frozenset(kind for kind, _ in self._found.get(level, ()))

    def levels(self) -> tuple[Level, ...]:
        """Give the levels that were judged, each with its verdict.

        Returns:
            The levels in order.
        """
        return tuple(Level(name=name, verdict=self._verdict(name)) for name in LEVELS if name in self._judged)

    def by_level(self) -> dict[str, tuple[Finding, ...]]:
        """Give the findings.

        Returns:
            By level, in order; a level without findings is left out.
        """
        return {name: tuple(self._found[name].values()) for name in LEVELS if self._found.get(name)}

    def _verdict(self, level: str) -> Verdict:
        kinds = self.kinds(level)
        if kinds - {OPEN}:
            return "broken"
        if kinds:
            return "incomplete"
        return "holds" if self._judged[level] else "cannot_judge"


_CURE: Final = "Ask whoever gave you the package for it again; keep this one as it is."
