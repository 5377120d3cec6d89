"""Where each requirement comes from: the finest citation that the research has, and how sure of it the research is.

Invariants: every stated field has a basis with a citation; a clause is never put together from parts; where the
research names no law, the citation says so; a law is not cited for a time in which it was not in force.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from consentgate.packs.pack import Basis, Confidence, Law, Pack, Source, Version
from consentgate.packs.rules import Rules

UNCITED: Final = "research notes; they name no law for this"

# Values that carry a clause of their own, finer than what the pack says about the field.
_CITING: Final = frozenset({"consent_refresh", "withdrawal", "minors", "prior_authority"})


def with_bases(pack: Pack, version: Version) -> Version:
    """Find the clause behind each stated field: the value's own, the pack's about the field, else its laws.

    Args:
        pack: the pack.
        version: one of its versions.

    Returns:
        The version, with a basis for every field that it states.
    """
    about = {name: source for source in pack.sources for name in source.requirements}
    laws = [law for law in pack.laws if _in_time(law, version)]
    general = _citations([law for law in laws if not law.requirements])
    own = {name: _citations([law for law in laws if name in law.requirements]) for name in _carried(laws)}
    doubted = pack.uncertain_names()
    bases = {}
    for name in version.rules.stated():
        source = about.get(name)
        citation = (
            own_clause(version.rules, name)
            or (source.cite if source else None)
            or own.get(name)
            or general
            or UNCITED
        )
        bases[name] = Basis(
            pack=pack.code,
            citation=citation,
            confidence=_confidence(pack, source, citation),
            uncertain=name in doubted,
        )
    return replace(version, bases=bases)


def own_clause(rules: Rules, name: str) -> str | None:
    """Give the clause that a value itself carries.

    Args:
        rules: the rules.
        name: a field of them that is stated.

    Returns:
        The clause, or None.
    """
    return getattr(rules, name).cite if name in _CITING else None


def _confidence(pack: Pack, source: Source | None, citation: str) -> Confidence:
    if citation == UNCITED:
        return "from-knowledge"
    return source.confidence if source else pack.confidence


def _in_time(law: Law, version: Version) -> bool:
    begun = law.in_force_from is None or version.until is None or law.in_force_from <= version.until
    return begun and (law.in_force_to is None or version.since <= law.in_force_to)


def _carried(laws: Sequence[Law]) -> frozenset[str]:
    return frozenset(name for law in laws for name in law.requirements)


def _citations(laws: Sequence[Law]) -> str:
    return "; ".join(dict.fromkeys(law.citation for law in laws))
