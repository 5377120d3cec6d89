"""One jurisdiction's rules, as values: what the law asks, since when, and where it says so.

A *pack* has *versions* with dates in force; each has *rules* (`consentgate.packs.rules`). The words follow
`docs/formats/pack.md`.

Invariants: versions are in order and do not overlap; a version that requires consent says whether oral
consent will do, one that asks for a written release whether an electronic signature will do. Law is data with
citations here, never advice.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Final, Literal, TypeAlias

from consentgate.packs.rules import RULE_NAMES, Rules
from consentgate.values import dataclass

PackKind: TypeAlias = Literal["country", "subdivision", "municipality", "group"]
Confidence: TypeAlias = Literal["source-read", "from-knowledge"]
LawStatus: TypeAlias = Literal[
    "in_force", "enacted_not_yet_in_force", "partly_in_force", "in_force_not_enforced"
]
_NAME: Final = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Where a requirement comes from.

    Attributes:
        pack: code of the pack, or ``baseline`` for the product's own floor.
        citation: the clause, as the pack cites it.
        confidence: whether that clause was read; None for the product's own floor.
        uncertain: whether the research lists the field as one that it is not sure of.
    """

    pack: str
    citation: str
    confidence: Confidence | None = None
    uncertain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalRule:
    """Rules that apply under one condition; exactly one of the two conditions is set.

    Attributes:
        id: its name within the pack.
        purpose_in: applies when the request's purpose is one of these; None otherwise.
        controller_type_not_in: applies when the controller's type is none of these; None otherwise.
        applies: False where the condition takes the whole pack out of play but for call recording.
        require: the fields that it overwrites.
        level: ``law`` or ``conservative``; both are on.
        cite: the clause.
    """

    id: str
    purpose_in: tuple[str, ...] | None = None
    controller_type_not_in: tuple[str, ...] | None = None
    applies: bool = True
    require: Rules = field(default_factory=Rules)
    level: Literal["law", "conservative"]
    cite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The rules of a pack in one span of time.

    Attributes:
        since: first day in force, in UTC.
        until: last day in force, or None.
        rules: what it asks.
        conditional_rules: what it asks under conditions, in order.
        bases: per stated field, where it comes from.
    """

    since: date = field(metadata={"name": "from"})
    until: date | None = field(default=None, metadata={"name": "to"})
    rules: Rules = field(metadata={"name": "requirements"})
    conditional_rules: tuple[ConditionalRule, ...] = ()
    bases: Mapping[str, Basis] = field(
        default_factory=dict, repr=False, compare=False, metadata={"computed": True}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One law behind a pack.

    Attributes:
        name: its name.
        citation: how it is cited.
        in_force_from: since when, or None where that was not established.
        in_force_to: its last day, or None.
        requirements: the fields that it carries; empty for a law that is behind all that no other law carries.
        status: whether it is in force.
        amendments: amendments in words.
    """

    name: str
    citation: str
    in_force_from: date | None = None
    in_force_to: date | None = None
    requirements: tuple[str, ...] = ()
    status: LawStatus
    amendments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The citation behind some of a pack's fields.

    Attributes:
        requirements: the fields that it carries; may be empty.
        about: what else it is about, in words, or None.
        cite: the citation.
        confidence: whether the source was read.
    """

    requirements: tuple[str, ...] = ()
    about: str | None = None
    cite: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """An exemption that a controller may claim; never applied by itself.

    Attributes:
        id: its name within the pack.
        cite: the clause.
        effect: what it takes out, in words.
    """

    id: str
    cite: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One jurisdiction.

    Attributes:
        format: the version of the file's shape, 1.
        code: ISO 3166 code, or the name of a group.
        name: its English name.
        kind: country, subdivision, municipality or group.
        tier: how deep the research went: 1 deep, 2 medium, 3 light.
        confidence: whether the main points were read in a source.
        parents: codes whose rules apply too.
        groups: groups that it belongs to; their age limit yields to its own.
        members: for a group, its members; shown only.
        versions: in order of time.
        laws: the laws behind it.
        sources: citations per requirement.
        exemptions: what a controller may claim.
        uncertain_fields: what the research is not sure of, in words.
        territorial_triggers: when the law reaches somebody, in words.
        notes: remarks, or None.
        links: where the research was read.
        digest: SHA-256 of the file, in lower-case hex; under an overlay that of the two files' digests.
        overlay: the file of the deployment that tightened it, or None.
    """

    format: int
    code: str
    name: str
    kind: PackKind
    tier: int
    confidence: Confidence
    parents: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    versions: tuple[Version, ...]
    laws: tuple[Law, ...]
    sources: tuple[Source, ...] = field(default=(), metadata={"name": "basis"})
    exemptions: tuple[Exemption, ...] = ()
    uncertain_fields: tuple[str, ...] = ()
    territorial_triggers: tuple[str, ...] = ()
    notes: str | None = None
    links: tuple[str, ...] = field(default=(), metadata={"name": "sources"})
    digest: str = field(metadata={"computed": True})
    overlay: str | None = field(default=None, metadata={"computed": True})

    def in_force(self, day: date) -> Version | None:
        """Find the version of a day.

        Args:
            day: a day in UTC.

        Returns:
            The version, or None where none is in force.
        """
        for version in self.versions:
            if version.since <= day and (version.until is None or day <= version.until):
                return version
        return None

    def uncertain(self, field: str) -> tuple[str, ...]:
        """Find what the research is not sure of about one field.

        Args:
            field: a requirement, for example ``minors``.

        Returns:
            The remarks of `uncertain_fields` that name it, as they are written; empty where there is none.
        """
        return tuple(remark for remark in self.uncertain_fields if field in _named(remark))

    def uncertain_names(self) -> frozenset[str]:
        """Name the fields that the research is not sure of.

        Returns:
            Their names.
        """
        return frozenset(name for remark in self.uncertain_fields for name in _named(remark))

    @property
    def is_group(self) -> bool:
        """Whether the code names a group of countries."""
        return self.kind == "group"


def _named(remark: str) -> tuple[str, ...]:
    head = remark.partition("(")[0].strip()  # behind the bracket stands why, in words that may be fields too
    return RULE_NAMES if head == "all requirement fields" else tuple(_NAME.findall(head))
