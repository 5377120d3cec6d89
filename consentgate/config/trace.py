"""What the law asks of one decision, one by one, and what became of each.

A decision says why not. A trace says also what is met, and shows what packs state that no decision depends on.

Invariants: pure; each thing that is asked stands with the clauses that ask for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate.consent.state import State
from consentgate.packs.brief import brief
from consentgate.packs.pack import Basis
from consentgate.packs.packset import PackSet
from consentgate.policy.decide import Decision
from consentgate.policy.demands import Requirements
from consentgate.policy.facts import Evidence
from consentgate.values import dataclass

Result: TypeAlias = Literal["met", "not met", "not judged"]

_CONSENT: Final = (
    "NO_CONSENT",
    "CONSENT_REFUSED",
    "CONSENT_WITHDRAWN",
    "CONSENT_EXPIRED",
    "CONSENT_NOT_YET_GIVEN",
    "COLLECTION_BEFORE_CONSENT",
    "RECORD_INTEGRITY_FAILED",
)
_DISCLOSURE: Final = ("DISCLOSURE_NOT_PERMITTED",)

# Which reasons answer for which demand. Those of the second table are asked of a grant: without one that can be
# relied on there is nothing to ask.
_OF_REQUEST: Final[Mapping[str, tuple[str, ...]]] = {
    "prohibited": ("PROHIBITED_BY_LAW",),
    "forbidden_use": ("PROHIBITED_BY_LAW",),
    "consent": _CONSENT,
    "alternative": ("ALTERNATIVE_NOT_OFFERED",),
    "strict_necessity": ("NOT_STRICTLY_NECESSARY",),
    "impact_assessment": ("IMPACT_ASSESSMENT_MISSING",),
    "public_policy": ("PUBLIC_POLICY_MISSING",),
    "all_parties": ("RECORDING_CONSENT_MISSING",),
    "filings": ("PRIOR_AUTHORITY_MISSING", "PRIOR_AUTHORITY_PENDING"),
    "retention": ("RETENTION_EXCEEDED", "PURPOSE_SATISFIED"),
    "refresh": ("CONSENT_REFRESH_REQUIRED",),
    "localisation": ("LOCALISATION_VIOLATION", "INPUT_MISSING:processing_country"),
    "no_sale": ("SALE_PROHIBITED",),
}
_OF_GRANT: Final[Mapping[str, tuple[str, ...]]] = {
    "form": ("CONSENT_FORM_INSUFFICIENT",),
    "no_electronic_signature": ("CONSENT_FORM_INSUFFICIENT",),
    "no_oral_consent": ("NO_PROOF_OF_CONSENT", "CONSENT_FORM_INSUFFICIENT"),
    "notice_in_writing": ("NOTICE_NOT_WRITTEN",),
    "notice_elements": ("NOTICE_INCOMPLETE",),
    "conditional_element": ("NOTICE_INCOMPLETE",),
    "separate_consent": ("CONSENT_BUNDLED",),
    "purpose_limited": ("PURPOSE_MISMATCH",),
    "age": ("AGE_UNKNOWN", "MINOR_NO_GUARDIAN"),
    "no_disclosure": _DISCLOSURE,
    "separate_disclosure": _DISCLOSURE,
    "disclosure_consent": _DISCLOSURE,
}
_WITHOUT_GRANT: Final = frozenset(("NO_CONSENT", "RECORD_INTEGRITY_FAILED"))
_ALONE: Final = frozenset(("UNKNOWN_JURISDICTION", "PROHIBITED_BY_LAW"))

# What packs state and no decision depends on.
_INFORMATIONAL: Final = ("consent_basis", "record_keeping", "private_right_of_action")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that is asked, and what became of it.

    Attributes:
        name: what is asked.
        detail: which form, which elements, which age.
        bases: who asks for it.
        result: whether it is met; ``not judged`` where there is nothing to judge it by.
    """

    name: str
    detail: str
    bases: tuple[Basis, ...]
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Something that a pack states and no decision depends on.

    Attributes:
        label: what it is called.
        sentence: what the pack says.
        basis: the pack and its clause.
    """

    label: str
    sentence: str
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """How one decision came about.

    Attributes:
        name: how the speaker is called towards people.
        stored: whether its consents are entries of a ledger; those of a scenario are not.
        evidence: of jurisdiction.
        decision: the decision.
        requirements: what is asked.
        state: what stands of the speaker's statements.
        asked: what is asked, one by one.
        shown: what is only shown.
        trusted: the trusted times of the entries of its consents, by their ids; nothing for a weak one.
    """

    name: str
    stored: bool
    evidence: tuple[Evidence, ...] = field(repr=False)
    decision: Decision
    requirements: Requirements
    state: State
    asked: tuple[Asked, ...]
    shown: tuple[Shown, ...]
    trusted: Mapping[str, datetime] = field(default_factory=dict)


def trace(
    packs: PackSet,
    decision: Decision,
    requirements: Requirements,
    state: State,
    *,
    name: str,
    evidence: tuple[Evidence, ...] = (),
    stored: bool = True,
    trusted: Mapping[str, datetime] | None = None,
) -> Trace:
    """Trace a decision.

    Args:
        packs: the rules that it was made by.
        decision: the decision.
        requirements: what was asked.
        state: what stood of the speaker's statements.
        name: how the speaker is called towards people.
        evidence: of jurisdiction.
        stored: whether its consents are entries of a ledger.
        trusted: the trusted times of the entries of its consents, by their ids.

    Returns:
        The trace.

    Raises:
        PackInvalid: a pack cannot be used.
    """
    return Trace(
        name=name,
        stored=stored,
        evidence=evidence,
        decision=decision,
        requirements=requirements,
        state=state,
        asked=tuple(_judged(requirements, state, decision)),
        shown=tuple(_shown(packs, decision)),
        trusted=trusted or {},
    )


def _judged(asked: Requirements, state: State, decision: Decision) -> Iterator[Asked]:
    codes = frozenset(reason.code for reason in decision.reasons)
    has_grant = any(each.grant is not None for each in state.consents) and not codes & _WITHOUT_GRANT
    for name, detail, bases in _all(asked):
        against = _OF_REQUEST.get(name) or _OF_GRANT[name]
        result: Result = "met"
        if codes & {*against} and _is_about(name, detail, decision):
            result = "not met"
        elif codes & _ALONE or (name in _OF_GRANT and not has_grant):
            result = "not judged"
        yield Asked(name=name, detail=detail, bases=bases, result=result)


def _is_about(name: str, detail: str, decision: Decision) -> bool:
    """Whether what is wrong with a notice is wrong for this demand: it may lack only what another one asks for."""
    lacking = set(decision.missing_notice_elements)
    if name == "conditional_element":
        return detail.partition(" ")[0] in lacking
    return name != "notice_elements" or bool(lacking & {*detail.split(", ")})


def _all(asked: Requirements) -> list[tuple[str, str, tuple[Basis, ...]]]:
    if not asked.packs:
        return []
    found = [(name, "", bases) for name, bases in asked.demands.items()]
    found.append(("form", asked.form, asked.form_bases))
    elements = tuple(dict.fromkeys(basis for _, bases in asked.elements for basis in bases))
    found.append(("notice_elements", ", ".join(element for element, _ in asked.elements), elements))
    found += [
        ("conditional_element", f"{element} (unless {flag} is denied)", (basis,))
        for element, flag, basis in asked.conditional_elements
    ]
    found += [
        (
            "forbidden_use",
            " in ".join(filter(None, (each.operation, " or ".join(each.settings)))),
            (each.basis,),
        )
        for each in asked.forbidden
    ]
    found.append(("age", f"{asked.age} or older, or a verified guardian", asked.age_bases))
    for name, clocks in (("retention", asked.clocks), ("refresh", asked.refresh)):
        found += [(name, f"{clock.within.text} after {clock.trigger}", (clock.basis,)) for clock in clocks]
    found += [
        ("filings", f"{each.code}, {each.lead_time.text} before", (each.basis,)) for each in asked.filings
    ]
    found += [("localisation", country, (basis,)) for country, basis in asked.localisation]
    order = [*_OF_REQUEST, *_OF_GRANT]
    return sorted(found, key=lambda each: order.index(each[0]))


def _shown(packs: PackSet, decision: Decision) -> Iterator[Shown]:
    for used in decision.packs:
        pack = packs.pack(used.code)
        said = brief(pack, decision.at.date())
        rule = said.version.rules.prior_authority
        names = _INFORMATIONAL if rule is None or rule.gate else (*_INFORMATIONAL, "prior_authority")
        for line in said.lines:
            if line.name in names and (line.asks or line.name == "consent_basis"):
                basis = Basis(pack=pack.code, citation=line.citation)
                yield Shown(label=line.label, sentence=line.sentence, basis=basis)
        if pack.territorial_triggers:
            reach = "; ".join(each.replace("_", " ") for each in pack.territorial_triggers)
            laws = "; ".join(law.citation for law in pack.laws)
            basis = Basis(pack=pack.code, citation=laws)
            yield Shown(label="Reach", sentence=f"Reaches: {reach}.", basis=basis)
