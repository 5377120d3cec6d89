"""What a verification comes to: findings, levels with a verdict each, and one exit code.

Invariant: never a bare yes: each level says what it covered, up to when.
"""

from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate.values import dataclass

Verdict: TypeAlias = Literal["holds", "broken", "incomplete", "cannot_judge"]

HOLDS: Final = 0
BROKEN: Final = 1
CANNOT_JUDGE: Final = 3
INCOMPLETE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        kind: what is the matter: ``altered``, ``missing``, ``extra``, ``reordered``, ``truncated``,
            ``malformed``, ``unsigned``, ``link_missing``, ``key_left``, or of what is only incomplete
            ``unsequenced``, ``uncovered``, ``open``, ``lost``, ``gap``.
        where: which thing.
        expected: what it should be.
        found: what it is.
        cure: what to do now.
    """

    kind: str
    where: str
    expected: str
    found: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of verification.

    Attributes:
        name: which.
        verdict: what it came to.
        until: the time of the last entry that it covers, or None where it covers none.
    """

    name: str
    verdict: Verdict
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result.

    Attributes:
        levels: in the order in which they build on each other.
        findings: what is not as it should be, in the order of the levels.
    """

    levels: tuple[Level, ...]
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 holds, 1 broken, 3 cannot judge, 4 incomplete; 1 beats 3 beats 4."""
        verdicts = {each.verdict for each in self.levels}
        if "broken" in verdicts:
            return BROKEN
        if "cannot_judge" in verdicts:
            return CANNOT_JUDGE
        return INCOMPLETE if "incomplete" in verdicts else HOLDS
