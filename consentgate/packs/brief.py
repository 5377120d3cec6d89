"""One jurisdiction on one page: what its pack says on a day, requirement by requirement, in plain sentences.

A *brief* is made of sections of lines; whoever shows it (a page, the CLI) only lays it out. It says what the
pack itself says; `above` says what parents and groups add to that.

Invariants: pure; every stated requirement stands in exactly one section; a line never loses its citation.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from consentgate.packs.pack import Basis, ConditionalRule, Confidence, Pack, Version
from consentgate.packs.packset import PackSet
from consentgate.packs.phrases import CHOICES, LABELS
from consentgate.packs.rules import Rules, WithdrawalRule
from consentgate.packs.wording import wordings
from consentgate.values import dataclass

Standing: TypeAlias = Literal["in_force", "coming", "past"]

SECTIONS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    (
        "Consent",
        (
            "prohibited",
            "prohibited_uses",
            "voiceprint_covered",
            "consent_required",
            "consent_basis",
            "consent_form",
            "electronic_signature_ok",
            "oral_consent_ok",
            "separate_consent",
            "consent_refresh",
            "minors",
        ),
    ),
    ("Notice", ("notice_required", "notice_in_writing", "notice_elements", "notice_elements_conditional")),
    (
        "Use",
        (
            "purpose_limited",
            "strict_necessity",
            "alternative_required",
            "call_recording_consent",
            "sale_prohibited",
            "disclosure_rule",
            "data_localisation",
        ),
    ),
    ("Keeping and deletion", ("max_retention", "withdrawal")),
    ("Duties of the controller", ("prior_authority", "impact_assessment_required", "public_policy_required")),
    ("Proof and claims", ("record_keeping", "private_right_of_action")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One requirement in words.

    Attributes:
        name: its field of `consentgate.packs.rules.Rules`.
        label: what it is called.
        sentence: what the pack says about it.
        asks: whether it asks for something; False for what is left free or only shown.
        citation: the clause.
        confidence: whether the source behind it was read.
        uncertain: whether the pack names it as uncertain.
    """

    name: str
    label: str
    sentence: str
    asks: bool
    citation: str
    confidence: Confidence
    uncertain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Requirements that belong together.

    Attributes:
        title: what they are about.
        lines: the requirements.
    """

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What one pack says on one day.

    Attributes:
        pack: the pack.
        version: the version of that day; where none is in force the next one, else the last one.
        standing: whether that version is in force, comes later, or has ended.
        sections: its requirements; sections without any are left out.
        conditions: the conditional rules, each with the lines that it overwrites; without lines where the
            condition takes the whole pack out of play.
    """

    pack: Pack
    version: Version
    standing: Standing
    sections: tuple[Section, ...]
    conditions: tuple[tuple[ConditionalRule, tuple[Line, ...]], ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The requirements of all sections, in order."""
        return tuple(line for section in self.sections for line in section.lines)


def brief(pack: Pack, day: date) -> Brief:
    """Put what a pack says on a day into words.

    Args:
        pack: the pack.
        day: the day, in UTC.

    Returns:
        The brief.
    """
    version, standing = _version(pack, day)
    return Brief(
        pack=pack,
        version=version,
        standing=standing,
        sections=_sections(version),
        conditions=tuple((rule, _conditional(pack, rule)) for rule in version.conditional_rules),
    )


def above(packs: PackSet, code: str, day: date) -> tuple[tuple[Pack, tuple[Line, ...]], ...]:
    """Say what parents and groups add to what a pack says itself.

    Args:
        packs: the set.
        code: a code of the set.
        day: the day, in UTC.

    Returns:
        Per parent or group in force, nearest first, the lines that ask for more than the pack itself does.

    Raises:
        PackInvalid: one of the packs cannot be used.
    """
    own = packs.pack(code).in_force(day)
    stated = Rules() if own is None else own.rules
    found = []
    for each in packs.stack(code, day):
        if each.pack.code != code:
            more = _beyond(each.pack, each.version.rules, stated)
            lines = _lines(more, each.version.bases)
            found.append((each.pack, tuple(line for line in lines if line.asks)))
    return tuple(found)


def changes(pack: Pack, day: date) -> tuple[tuple[Version, tuple[Line, ...], tuple[str, ...]], ...]:
    """Say what later versions of a pack change.

    Args:
        pack: the pack.
        day: the day, in UTC.

    Returns:
        Per version that begins after the day: the version, the lines that differ from the version before it
        (from nothing, where there is none), and the labels of the requirements that it drops.
    """
    before = pack.in_force(day)
    found = []
    for version in pack.versions:
        if version.since > day:
            old = Rules() if before is None else before.rules
            lines = tuple(
                line for line in _all(version) if getattr(version.rules, line.name) != getattr(old, line.name)
            )
            dropped = tuple(LABELS[name] for name in old.stated() if getattr(version.rules, name) is None)
            found.append((version, lines, dropped))
            before = version
    return tuple(found)


def _version(pack: Pack, day: date) -> tuple[Version, Standing]:
    now = pack.in_force(day)
    if now is not None:
        return now, "in_force"
    later = [version for version in pack.versions if version.since > day]
    return (later[0], "coming") if later else (pack.versions[-1], "past")


def _sections(version: Version) -> tuple[Section, ...]:
    lines = _all(version)
    found = (
        Section(title=title, lines=tuple(line for line in lines if line.name in names))
        for title, names in SECTIONS
    )
    return tuple(section for section in found if section.lines)


def _all(version: Version) -> tuple[Line, ...]:
    return tuple(_lines(version.rules, version.bases))


def _conditional(pack: Pack, rule: ConditionalRule) -> tuple[Line, ...]:
    basis = Basis(pack=pack.code, citation=rule.cite, confidence=pack.confidence)
    return tuple(_lines(rule.require, dict.fromkeys(rule.require.stated(), basis)))


def _lines(rules: Rules, bases: Mapping[str, Basis]) -> Iterator[Line]:
    for name in LABELS:
        value = getattr(rules, name)
        for wording in () if value is None else wordings(name, value):
            yield Line(
                name=name,
                label=LABELS[name],
                sentence=wording.sentence,
                asks=wording.asks,
                citation=wording.cite or bases[name].citation,
                confidence=bases[name].confidence or "from-knowledge",
                uncertain=bases[name].uncertain,
            )


def _beyond(pack: Pack, rules: Rules, own: Rules) -> Rules:
    """Keep of the rules from above what asks for more than a pack's own rules do."""
    more: dict[str, Any] = {}
    for name in rules.stated():
        value, has = getattr(rules, name), getattr(own, name)
        if isinstance(value, tuple):
            more[name] = tuple(item for item in value if item not in (has or ())) or None
        elif has is None or _stricter(name, value, has):
            more[name] = value
    if pack.is_group and own.minors is not None and own.minors.guardian_required_below is not None:
        more["minors"] = None  # a group's age yields to its member's
    return Rules(**more)


def _stricter(name: str, value: Any, has: Any) -> bool:
    if name in CHOICES:
        order = list(CHOICES[name])
        return order.index(value) > order.index(has)
    if name == "minors":
        return (value.guardian_required_below or 0) > (has.guardian_required_below or 0)
    if name == "withdrawal":
        return _deletion(value) > _deletion(has)
    return bool(value != has)


def _deletion(rule: WithdrawalRule) -> tuple[bool, int, int]:
    return rule.deletion_required, -rule.deletion_deadline.months, -rule.deletion_deadline.days
