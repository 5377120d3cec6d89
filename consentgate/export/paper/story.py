"""What the report lists of each entry: the story in the order of Bates numbers, and the law that it cites.

Every entry is an `Item`. Clauses of law stand once, in a list of their own, and are named by number; numbers are
given in the order in which clauses are met, so that they stay the same however the report is cut into volumes.

Invariants: every decision stands in the story with each of its reasons and clauses; an item holds texts that the
report's fonts can show, and nothing else; memory grows with the clauses and notices, never with the entries.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from consentgate.export.paper.entry import Entry
from consentgate.export.paper.shown import printable
from consentgate.export.paper.telling import CAUSE
from consentgate.export.paper.views import Clause, Ruling
from consentgate.export.paper.words import DUTIES, WITHHELD, word
from consentgate.export.paper.zones import MONTHS, utc
from consentgate.values import dataclass

Item: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A clause that decisions rest on.

    Attributes:
        number: its number in the list of law.
        clause: the clause.
    """

    number: int
    clause: Clause


class Law:
    """The clauses that were cited so far, each with its number and how often it was."""

    def __init__(self) -> None:
        """Cite nothing yet."""
        self._cited: dict[tuple[str, str], Cited] = {}
        self._uses: Counter[int] = Counter()
        self._here: Counter[int] = Counter()

    def number(self, clause: Clause) -> int:
        """Cite a clause.

        Args:
            clause: the clause.

        Returns:
            Its number.
        """
        key = (clause.pack, clause.citation)
        if key not in self._cited:
            self._cited[key] = Cited(number=len(self._cited) + 1, clause=clause)
        number = self._cited[key].number
        self._uses[number] += 1
        self._here[number] += 1
        return number

    def turn(self) -> list[Item]:
        """Give the clauses that were cited since the last turn, and begin anew.

        Returns:
            As `listed`, in the order of their numbers, with how often each was cited since.
        """
        here, self._here = self._here, Counter()
        return self._shown(here)

    def listed(self) -> list[Item]:
        """Give the clauses.

        Returns:
            Each with its number, whose law it is, where it stands, and how often it was cited.
        """
        return self._shown(self._uses)

    def _shown(self, uses: Mapping[int, int]) -> list[Item]:
        return [
            {
                "number": each.number,
                "pack": printable(_whose(each.clause.pack)),
                "citation": printable(each.clause.citation),
                "uncertain": each.clause.uncertain,
                "uses": uses[each.number],
            }
            for each in self._cited.values()
            if each.number in uses
        ]


def item(entry: Entry, law: Law, *, plain: bool = False) -> Item:
    """Put an entry into the story.

    Args:
        entry: the entry.
        law: the clauses so far.
        plain: whether only ASCII may stand in it.

    Returns:
        What the template of the report reads.
    """

    def shown(text: str) -> str:
        return printable(text, plain=plain)

    record, told = entry.record, entry.told
    utc_text = utc(record.at)
    lines = [
        [shown(label), shown(entry.numbers.shown(value) if label == CAUSE else value)]
        for label, value in told.lines
    ]
    answers = entry.numbers.shown(str(record.re)) if record.re else ""
    return {
        "bates": record.bates,
        "month": utc_text[:7],
        "month_name": f"{MONTHS[record.at.month - 1]} {record.at.year}",
        "utc": utc_text,
        "local": entry.local[11:],
        "kind": record.kind,
        "tone": told.tone,
        "title": shown(told.title),
        "lines": [*lines, *([["Answers", answers]] if answers else [])],
        "rulings": [_ruling(each, entry, law, shown) for each in entry.rulings],
        "withheld": _withheld(entry),
    }


def _ruling(ruling: Ruling, entry: Entry, law: Law, shown: Callable[[str], str]) -> Item:
    numbers = entry.numbers
    through = f", counted through {numbers.shown(ruling.through)}" if ruling.through else ""
    return {
        "speaker": shown(ruling.speaker or "The request"),
        "verdict": ruling.verdict,
        "grant": shown(numbers.shown(ruling.grant)),
        "through": shown(through),
        "reasons": [
            {
                "code": shown(why.code),
                "sentence": shown(why.sentence),
                "law": [law.number(clause) for clause in why.clauses],
            }
            for why in ruling.reasons
        ],
        "duties": [
            {
                "duty": shown(word(DUTIES, duty.duty)),
                "due": shown(duty.due[:10]),
                "law": [law.number(clause) for clause in duty.clauses],
            }
            for duty in ruling.duties
        ],
    }


def _withheld(entry: Entry) -> str:
    if not entry.withheld:
        return ""
    reasons = dict.fromkeys(part.reason for _, part in entry.withheld)
    names = ", ".join(name for name, _ in entry.withheld)
    return f"{names}: {' '.join(word(WITHHELD, reason) for reason in reasons)}"


def _whose(pack: str) -> str:
    return {"baseline": "Floor", "statement": "Statement"}.get(pack, pack)
