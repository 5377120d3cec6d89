"""The matrix as values: jurisdictions by requirements, each cell with the clauses behind it.

A cell says what is asked of somebody who may be protected there: by the jurisdiction itself and by its parents
and groups, the strictest of them, as a decision unites them; where no law asks, the product's floor. The tests
compare every cell with what the engine asks.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from consentgate.packs.brief import Line, brief, changes
from consentgate.packs.packset import InForce, PackSet
from consentgate.packs.period import Period
from consentgate.packs.phrases import CHOICES
from consentgate.packs.rules import Rules
from consentgate.packs.wording import period, wordings
from consentgate.policy.demands import DEFAULT_AGE, FLOOR_ELEMENTS
from consentgate.values import dataclass

Origin: TypeAlias = Literal["own", "above", "floor", ""]
Level: TypeAlias = Literal[0, 1, 2, 3, 4]

REGIONS: Final = {
    "united-states": "United States",
    "canada": "Canada",
    "americas": "Central and South America",
    "europe": "Europe",
    "asia": "Asia",
    "africa": "Africa",
    "oceania": "Oceania",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """What one pack says behind a cell; a floor's has no citation."""

    pack: str
    sentence: str
    citation: str
    confidence: str
    uncertain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One requirement in one jurisdiction.

    Attributes:
        text: what stands in it; empty for a plain yes or for nothing.
        level: 0 nothing is asked, 1 little, 2 much, 3 hard, 4 forbidden.
        origin: whose law it is.
        clauses: what is said, by whom.
        conditions: what else is said for some purposes; not counted in what stands in the cell.
    """

    text: str = ""
    level: Level = 0
    origin: Origin = ""
    clauses: tuple[Clause, ...] = ()
    conditions: tuple[Clause, ...] = ()

    @property
    def uncertain(self) -> bool:
        """Whether all that it rests on is named as uncertain."""
        return bool(self.clauses) and all(clause.uncertain for clause in self.clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One jurisdiction."""

    code: str
    name: str
    region: str
    file: str
    confidence: str
    above: tuple[str, ...]
    cells: dict[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One requirement: how it is called at the head, and in full."""

    name: str
    group: str
    head: str
    title: str


COLUMNS: Final = tuple(
    Column(name=name, group=group, head=head, title=title)
    for group, columns in (
        (
            "Consent",
            (
                ("prohibited", "Forbidden", "Forbidden, whole or in part"),
                ("consent_form", "Form", "Form of consent"),
                ("electronic_signature_ok", "No e-signature", "An electronic signature will not do"),
                ("oral_consent_ok", "Not spoken", "Spoken consent will not do"),
                ("separate_consent", "Separate", "Consent apart from other terms"),
                ("minors", "Guardian below", "Age below which a guardian consents"),
                ("consent_refresh", "Asked anew", "Consent has to be asked for anew"),
            ),
        ),
        (
            "Notice",
            (
                ("notice_in_writing", "In writing", "Notice in writing"),
                ("notice_elements", "Says", "How many things the notice says"),
            ),
        ),
        (
            "Use",
            (
                ("alternative_required", "Another way", "Another way for those who decline"),
                ("strict_necessity", "Necessity", "Only where strictly necessary"),
                ("call_recording_consent", "Recording", "All parties agree to the recording"),
                ("sale_prohibited", "Sale", "Limits on sale"),
                ("disclosure_rule", "Disclosure", "Limits on disclosure"),
                ("data_localisation", "Stays in country", "Voice stays in the country"),
            ),
        ),
        (
            "Keeping",
            (
                ("max_retention", "Gone within", "When the voiceprint has to be gone"),
                ("withdrawal", "After withdrawal", "Deletion after a withdrawal"),
            ),
        ),
        (
            "Duties",
            (
                ("prior_authority", "Filing", "Filing with an authority"),
                ("impact_assessment_required", "Assessment", "Impact assessment"),
                ("public_policy_required", "Policy", "Public retention policy"),
            ),
        ),
        ("Ahead", (("coming", "Change", "Change of law to come"),)),
    )
    for name, head, title in columns
)

# What stands in a cell, and how much is asked, from what a pack may state.
_SHOWN: Final[dict[str, dict[object, tuple[str, Level]]]] = {
    "prohibited": {True: ("", 4)},
    "consent_form": {"opt_in": ("opt-in", 1), "explicit": ("explicit", 2), "written_release": ("signed", 3)},
    "electronic_signature_ok": {"unclear": ("", 3), "no": ("", 3)},
    "oral_consent_ok": {"unclear": ("", 3), "no": ("", 3)},
    "separate_consent": {True: ("", 2)},
    "notice_in_writing": {True: ("", 3)},
    "alternative_required": {True: ("", 2)},
    "strict_necessity": {True: ("", 3)},
    "call_recording_consent": {"all_party": ("", 2)},
    "sale_prohibited": {
        "opt_out": ("opt-out", 1),
        "without_consent": ("consent", 1),
        "without_signed_authorization": ("signed", 2),
        "yes_with_narrow_exceptions": ("no, but", 3),
        "yes": ("no", 3),
    },
    "disclosure_rule": {
        "consent": ("consent", 1),
        "consent_or_list": ("or list", 1),
        "separate_consent": ("own", 2),
        "closed_list": ("list only", 3),
    },
    "data_localisation": {"conditional": ("partly", 1), "required": ("", 3)},
    "impact_assessment_required": {True: ("", 2)},
    "public_policy_required": {True: ("", 2)},
}


class Stack:
    """What applies in one jurisdiction on one day: its own version in force, its parents' and its groups'."""

    def __init__(self, packs: PackSet, code: str, day: date) -> None:
        """Collect it."""
        self.code = code
        self.entries = packs.stack(code, day)
        briefs = {each.pack.code: brief(each.pack, day) for each in self.entries}
        self._lines = {code: each.lines for code, each in briefs.items()}
        self._conditions = {code: each.conditions for code, each in briefs.items()}

    def stated(self, name: str, where: Callable[[Rules], bool] = lambda _: True) -> list[tuple[InForce, Any]]:
        """Give who states a requirement, and what."""
        return [
            (each, value)
            for each in self.entries
            if (value := getattr(each.version.rules, name)) is not None and where(each.version.rules)
        ]

    def cell(self, name: str, who: Iterable[InForce], text: str, level: Level) -> Cell:
        """Make a cell of what some of them say."""
        who = tuple(who)
        origin: Origin = "own" if any(each.pack.code == self.code for each in who) else "above"
        clauses = tuple(self._clause(each, line) for each in who for line in self._about(each, name))
        return Cell(text=text, level=level, origin=origin, clauses=clauses)

    def conditions(self, name: str) -> tuple[Clause, ...]:
        """Say what is asked for some purposes only."""
        return tuple(
            self._clause(each, replace(line, sentence=f"For {when}: {line.sentence}"))
            for each in self.entries
            for rule, lines in self._conditions[each.pack.code]
            if (when := ", ".join(rule.purpose_in or ()).replace("_", " "))
            for line in lines
            if line.name == name
        )

    def _about(self, each: InForce, name: str) -> list[Line]:
        return [line for line in self._lines[each.pack.code] if line.name == name]

    def _clause(self, each: InForce, line: Line) -> Clause:
        return Clause(
            pack=each.pack.code,
            sentence=line.sentence,
            citation=line.citation,
            confidence=line.confidence,
            uncertain=line.uncertain,
        )


def rows(packs: PackSet, day: date) -> tuple[Row, ...]:
    """Fill the matrix.

    Args:
        packs: the set.
        day: the day that it is true of.

    Returns:
        A row for each jurisdiction, by region and name; a country or group before its parts.
    """
    files = {code: named["file"] for code, named in json.loads(packs.index)["packs"].items()}
    found = [_row(packs, code, day, file) for code, file in files.items()]
    regions = list(REGIONS)
    return tuple(
        sorted(
            found,
            key=lambda row: (
                regions.index(row.region),
                not packs.pack(row.code).is_group,
                _path(packs, row.code),
            ),
        )
    )


def _path(packs: PackSet, code: str) -> tuple[str, ...]:
    """Name what a code is part of, from the country down."""
    parts = code.split("-")
    named = ("-".join(parts[: i + 1]) for i in range(len(parts)))
    return tuple(packs.pack(each).name for each in named if each in packs.codes)


def _row(packs: PackSet, code: str, day: date, file: str) -> Row:
    pack, stack = packs.pack(code), Stack(packs, code, day)
    cells = {name: _chosen(stack, name) for name in _SHOWN}
    if not cells["prohibited"].level:
        cells["prohibited"] = _forbidden_uses(stack, day)
    cells |= {name: write(stack) for name, write in _WRITTEN.items()}
    cells = {name: replace(cell, conditions=stack.conditions(name)) for name, cell in cells.items()}
    cells["coming"] = _coming(packs, code, day)
    return Row(
        code=code,
        name=pack.name,
        region=file.partition("/")[0],
        file=file,
        confidence=pack.confidence,
        above=tuple(each.code for each in packs.above(code)[1:]),
        cells={column.name: cells[column.name] for column in COLUMNS},
    )


# A pack is asked about signatures where it wants a written release, about spoken consent where it wants consent.
_ASKED: Final[dict[str, Callable[[Rules], bool]]] = {
    "electronic_signature_ok": lambda rules: rules.consent_form == "written_release",
    "oral_consent_ok": lambda rules: rules.consent_required is True,
}


def _chosen(stack: Stack, name: str) -> Cell:
    stated = stack.stated(name, _ASKED.get(name, lambda _: True))
    order = list(CHOICES[name])
    if stated:
        most = max((value for _, value in stated), key=order.index)
        if most in _SHOWN[name]:
            who = (each for each, value in stated if value == most)
            return stack.cell(name, who, *_SHOWN[name][most])
    if name == "consent_form":
        return _floor("opt-in", "The person has to opt in: the product's floor.")
    return Cell()


def _forbidden_uses(stack: Stack, day: date) -> Cell:
    stated = [
        (each, uses) for each, uses in stack.stated("prohibited_uses") if any(u.since <= day for u in uses)
    ]
    if not stated:
        return Cell()
    return stack.cell("prohibited_uses", (each for each, _ in stated), "partly", 1)


def _floor(text: str, sentence: str) -> Cell:
    clause = Clause(pack="", sentence=sentence, citation="", confidence="", uncertain=False)
    return Cell(text=text, level=1, origin="floor", clauses=(clause,))


def _age(stack: Stack) -> Cell:
    stated = [
        (each, value.guardian_required_below)
        for each, value in stack.stated("minors")
        if value.guardian_required_below is not None
    ]
    near = [(each, age) for each, age in stated if each.pack.code == stack.code or not each.pack.is_group]
    deciding = near or stated
    if not deciding:
        return _floor(
            str(DEFAULT_AGE), f"Below {DEFAULT_AGE} a guardian has to consent: the product's floor."
        )
    most = max(age for _, age in deciding)
    level: Level = 1 if most < 14 else 2 if most <= DEFAULT_AGE else 3
    return stack.cell("minors", (each for each, age in deciding if age == most), str(most), level)


def _elements(stack: Stack) -> Cell:
    stated = [(each, value) for each, value in stack.stated("notice_elements") if value]
    told = {element for _, value in stated for element in value}
    if not told - set(FLOOR_ELEMENTS):
        (floor,) = wordings("notice_elements", FLOOR_ELEMENTS)
        if not stated:
            return _floor(str(len(FLOOR_ELEMENTS)), floor.sentence[:-1] + ": the product's floor.")
    count = len(told | set(FLOOR_ELEMENTS))
    level: Level = 1 if count < 5 else 2 if count < 12 else 3
    return stack.cell("notice_elements", (each for each, _ in stated), str(count), level)


def _clocks(stack: Stack) -> Cell:
    stated = [(each, value) for each, value in stack.stated("max_retention") if value]
    clocks = [clock for _, value in stated for clock in value if clock.trigger != "consent_withdrawn"]
    if not clocks:
        return Cell()
    fixed = [clock.within for clock in clocks if clock.within.months or clock.within.days]
    who = (each for each, value in stated if any(clock in clocks for clock in value))
    if not fixed:
        return stack.cell("max_retention", who, "met", 1)
    return stack.cell("max_retention", who, _short(min(fixed, key=_length)), 2)


def _refresh(stack: Stack) -> Cell:
    stated = stack.stated("consent_refresh")
    if not stated:
        return Cell()
    after = min((value.after for _, value in stated), key=_length)
    return stack.cell("consent_refresh", (each for each, _ in stated), _short(after), 2)


def _deletion(stack: Stack) -> Cell:
    stated = [
        (each, value.deletion_deadline)
        for each, value in stack.stated("withdrawal")
        if value.deletion_required
    ]
    if not stated:
        return _floor("now", "After a withdrawal the voiceprint has to be gone at once: the product's floor.")
    soonest = min((value for _, value in stated), key=_length)
    level: Level = 1 if soonest.months or soonest.days > 15 else 2
    who = (each for each, value in stated if _length(value) == _length(soonest))
    return stack.cell("withdrawal", who, _short(soonest), level)


def _filing(stack: Stack) -> Cell:
    stated = [(each, value) for each, value in stack.stated("prior_authority") if value.required]
    gating = [(each, value) for each, value in stated if value.gate]
    if not stated:
        return Cell()
    if not gating:
        return stack.cell("prior_authority", (each for each, _ in stated), "shown", 1)
    longest = max((value.lead_time for _, value in gating), key=_length)
    text = _short(longest) if _length(longest) else ""
    return stack.cell("prior_authority", (each for each, _ in gating), text, 3)


_WRITTEN: Final[dict[str, Callable[[Stack], Cell]]] = {
    "minors": _age,
    "consent_refresh": _refresh,
    "notice_elements": _elements,
    "max_retention": _clocks,
    "withdrawal": _deletion,
    "prior_authority": _filing,
}


def _coming(packs: PackSet, code: str, day: date) -> Cell:
    later = [(pack, each) for pack in packs.above(code) for each in changes(pack, day)]
    if not later:
        return Cell()
    first = min(version.since for _, (version, _, _) in later)
    clauses = tuple(
        Clause(
            pack=pack.code,
            sentence=f"From {version.since.isoformat()}: "
            + " ".join(line.sentence for line in lines if line.asks),
            citation="; ".join(dict.fromkeys(law.citation for law in pack.laws)),
            confidence=pack.confidence,
            uncertain=False,
        )
        for pack, (version, lines, _) in later
    )
    own = any(pack.code == code for pack, _ in later)
    return Cell(text=f"{first:%Y-%m}", level=2, origin="own" if own else "above", clauses=clauses)


def _length(value: Period) -> int:
    return value.months * 31 + value.days


def _short(value: Period) -> str:
    """Write a period as shortly as a cell needs it: ``3 y``, ``24 m``, ``45 d``, ``now``."""
    if not _length(value):
        return "now"
    number, unit = period(value).split(" ")[:2]
    return f"{number} {unit[0]}"
