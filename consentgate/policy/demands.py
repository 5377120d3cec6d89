"""What is asked of one request, as values: demands, each with the clauses that make it.

A plain demand is the tuple of bases that make it; none is no demand. `requirements.merge` fills these in and
`decide` reads them: between the two they are all that is known of law.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final

from consentgate.packs.pack import Basis
from consentgate.packs.period import Period
from consentgate.packs.rules import Flag, Form, Rules, Setting, Tri, Trigger
from consentgate.policy.assertions import Key
from consentgate.values import dataclass

BASELINE: Final = "baseline"
STATEMENT: Final = "statement"
"""In place of a pack's code where a reason follows from what the consent says; the citation is its entry's id."""
FLOOR: Final = Basis(pack=BASELINE, citation="the floor of consentgate, not law")
FLOOR_FORM: Final[Form] = "opt_in"
FLOOR_ELEMENTS: Final = ("collection_or_storage_disclosed", "specific_purpose")
DEFAULT_AGE: Final = 18

# Demand, the assertion that meets it, and the reason where nobody asserted it.
ASSERTED: Final = (
    ("impact_assessment", "impact_assessment_done", "IMPACT_ASSESSMENT_MISSING"),
    ("public_policy", "public_policy_published", "PUBLIC_POLICY_MISSING"),
    ("alternative", "alternative_offered", "ALTERNATIVE_NOT_OFFERED"),
    ("strict_necessity", "strictly_necessary", "NOT_STRICTLY_NECESSARY"),
)

_NO_SALE: Final = ("yes", "yes_with_narrow_exceptions", "without_signed_authorization")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A period that starts with something, and the clause that sets it."""

    trigger: Trigger
    within: Period
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How long something may take after a withdrawal: the periods, each once, and everybody who sets one."""

    periods: tuple[Period, ...] = ()
    bases: tuple[Basis, ...] = (FLOOR,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A filing that must have been made some time before."""

    code: str
    lead_time: Period
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenUse:
    """An operation that a law forbids, everywhere or in some settings, and the clause that says so."""

    operation: str
    settings: tuple[Setting, ...]
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class PackUsed:
    """A pack that had a part in a decision.

    Attributes:
        code: its code.
        digest: SHA-256 of its file, in hex.
        since: first day of the version that applied, as ``2024-08-02``.
        conditions: ids of the conditions that applied.
        exemptions: ids of the exemptions that the controller claims and that took it out of play.
        covers: whether the law covers voiceprints, ``unclear`` where it applies on doubt; None where not stated.
    """

    code: str
    digest: str
    since: str
    covers: Tri | None = None
    conditions: tuple[str, ...] = ()
    exemptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What is asked; a demand is named after what it demands.

    Attributes:
        candidates: the codes that were asked about, sorted.
        unknown: those that no pack answers for.
        reaches: per candidate, every code that it stands under, itself included.
        purpose: the purpose that it holds for.
        packs: the packs that apply, sorted by code.
        pack_set: digest of the whole set.
        covered: whether some law covers voiceprints, doubt included; shown only.
        demands: the plain demands by name (`DEMANDS`); absent means not demanded.
        forbidden: operations that some law forbids on that day.
        form: the form of consent that is needed.
        form_bases: who needs that form.
        elements: notice elements, each with who needs it.
        conditional_elements: notice elements needed under a flag.
        age: below which age a guardian has to consent.
        age_bases: who says so.
        clocks: by when the data must be gone.
        refresh: when consent has to be asked for again.
        stops: by when after a withdrawal the processing must have stopped.
        deletion: by when after a withdrawal the data must be gone.
        proofs: how long the proof of a consent has to be kept, with who asks for that.
        filings: filings with authorities.
        localisation: countries in which the voice has to stay, each with who needs it.
        reads: the assertions that the packs and the floor read.
        asking: per basis the notice elements that it asks for under no flag; follows from `elements`.
        every_element: all notice elements that may be needed, under whatever flag; follows from the others.
    """

    candidates: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    reaches: tuple[tuple[str, frozenset[str]], ...] = ()
    purpose: str | None
    packs: tuple[PackUsed, ...] = ()
    pack_set: bytes = b""
    covered: bool = False
    demands: Mapping[str, tuple[Basis, ...]] = field(default_factory=dict)
    forbidden: tuple[ForbiddenUse, ...] = ()
    form: Form = FLOOR_FORM
    form_bases: tuple[Basis, ...] = (FLOOR,)
    elements: tuple[tuple[str, tuple[Basis, ...]], ...] = ()
    conditional_elements: tuple[tuple[str, Flag, Basis], ...] = ()
    age: int = DEFAULT_AGE
    age_bases: tuple[Basis, ...] = ()
    clocks: tuple[Clock, ...] = ()
    refresh: tuple[Clock, ...] = ()
    stops: Term = Term()
    deletion: Term = Term()
    proofs: tuple[tuple[Period, tuple[Basis, ...]], ...] = ()
    filings: tuple[Filing, ...] = ()
    localisation: tuple[tuple[str, Basis], ...] = ()
    reads: frozenset[Key] = field(default=frozenset(), repr=False)
    asking: tuple[tuple[Basis, frozenset[str]], ...] = field(
        default=(), init=False, repr=False, compare=False
    )
    every_element: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = (*(each[0] for each in self.elements), *(each[0] for each in self.conditional_elements))
        object.__setattr__(self, "every_element", frozenset(named))
        wanted: dict[Basis, set[str]] = {}
        for element, bases in self.elements:
            for basis in bases:
                wanted.setdefault(basis, set()).add(element)
        asking = tuple((basis, frozenset(wanted[basis])) for basis in sorted(wanted, key=_clause))
        object.__setattr__(self, "asking", asking)

    def demand(self, name: str) -> tuple[Basis, ...]:
        """Say who makes a demand.

        Args:
            name: a name of `DEMANDS`.

        Returns:
            The bases; empty where nobody does.
        """
        return self.demands.get(name, ())


def _clause(basis: Basis) -> tuple[str, str]:
    return basis.pack, basis.citation


# Demand, the field that states it, and when a pack makes it. A doubt about signatures or oral consent counts
# against them, and only a pack that asks for the form in question is asked about it.
DEMANDS: Final[tuple[tuple[str, str, Callable[[Rules], bool]], ...]] = (
    ("prohibited", "prohibited", lambda r: r.prohibited is True),
    ("consent", "consent_required", lambda r: r.consent_required is True),
    (
        "no_electronic_signature",
        "electronic_signature_ok",
        lambda r: r.consent_form == "written_release" and r.electronic_signature_ok != "yes",
    ),
    (
        "no_oral_consent",
        "oral_consent_ok",
        lambda r: r.consent_required is True and r.oral_consent_ok != "yes",
    ),
    ("notice_in_writing", "notice_in_writing", lambda r: r.notice_in_writing is True),
    ("separate_consent", "separate_consent", lambda r: r.separate_consent is True),
    ("alternative", "alternative_required", lambda r: r.alternative_required is True),
    ("purpose_limited", "purpose_limited", lambda r: r.purpose_limited is True),
    ("strict_necessity", "strict_necessity", lambda r: r.strict_necessity is True),
    ("impact_assessment", "impact_assessment_required", lambda r: r.impact_assessment_required is True),
    ("public_policy", "public_policy_required", lambda r: r.public_policy_required is True),
    ("all_parties", "call_recording_consent", lambda r: r.call_recording_consent == "all_party"),
    ("no_sale", "sale_prohibited", lambda r: r.sale_prohibited in _NO_SALE),
    ("no_disclosure", "disclosure_rule", lambda r: r.disclosure_rule == "closed_list"),
    ("separate_disclosure", "disclosure_rule", lambda r: r.disclosure_rule == "separate_consent"),
    (
        "disclosure_consent",
        "disclosure_rule",
        lambda r: r.disclosure_rule in ("consent", "consent_or_list"),
    ),
)
