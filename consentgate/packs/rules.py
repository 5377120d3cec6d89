"""What a law may ask, as values: the gating fields that decisions read, and the informational ones.

A field that is None is not stated: the pack then adds nothing there, and what its parents and groups say
stands. The words follow `docs/formats/pack.md`, which describes every field.
"""

from dataclasses import field, fields, replace
from datetime import date
from typing import Any, Final, Literal, TypeAlias, get_args

from consentgate.packs.claims import PrivateAction
from consentgate.packs.period import Period
from consentgate.values import dataclass

Tri: TypeAlias = Literal["yes", "no", "unclear"]
Form: TypeAlias = Literal["none", "notice_only", "opt_in", "explicit", "written_release"]
Trigger: TypeAlias = Literal[
    "purpose_satisfied",
    "last_interaction",
    "consent_withdrawn",
    "employment_ended",
    "storage_unnecessary_determined",
]
Recording: TypeAlias = Literal["one_party", "all_party"]
Sale: TypeAlias = Literal[
    "no", "opt_out", "without_consent", "without_signed_authorization", "yes_with_narrow_exceptions", "yes"
]
Disclosure: TypeAlias = Literal["general", "consent", "consent_or_list", "separate_consent", "closed_list"]
Localisation: TypeAlias = Literal["none", "conditional", "required"]
Operation: TypeAlias = Literal["search", "enrol", "update", "disclose", "sell", "tone_analysis"]
Setting: TypeAlias = Literal["customer", "workplace", "education"]
AuthorityKind: TypeAlias = Literal[
    "none",
    "declaration",
    "authorisation_conditional",
    "registration",
    "accreditation",
    "notification_over_100k",
]
Flag: TypeAlias = Literal[
    "cross_border", "automated_decision", "third_party_provision", "provision_is_contractual", "has_dpo"
]


FORMS: Final[tuple[Form, ...]] = get_args(Form)  # from weakest to strongest

NOTICE_ELEMENTS: Final = frozenset(
    {
        "identity_of_controller",
        "controller_contact",
        "dpo_contact",
        "collection_or_storage_disclosed",
        "categories_of_data",
        "specific_purpose",
        "legal_basis",
        "length_of_term",
        "retention_schedule",
        "recipients_or_disclosure",
        "cross_border_transfer",
        "automated_decision",
        "withdrawal_right",
        "data_subject_rights",
        "complaint_right",
        "consequences_of_refusal",
        "alternative_available",
        "necessity_and_impact",
        "policy_url",
        "recording_disclosed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalElement:
    """A notice element that is needed only in some processing.

    Attributes:
        element: the notice element.
        flag: the fact that makes it needed.
    """

    element: str
    flag: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionClock:
    """By when the data must be gone.

    Attributes:
        trigger: what starts the clock.
        within: how long it runs.
        cite: the clause, or None.
        extension: by how much it may be extended, or None; shown, never applied.
    """

    trigger: Trigger
    within: Period
    cite: str | None = None
    extension: Period | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """When a consent has to be asked for again.

    Attributes:
        trigger: what starts the clock.
        after: how long it runs.
        cite: the clause, or None.
    """

    trigger: Literal["last_interaction"]
    after: Period
    cite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalRule:
    """What a withdrawal brings about.

    Attributes:
        supported: whether the law knows it.
        effect: ``stop_processing`` or ``stop_on_request``.
        stop_deadline: by when processing has to stop.
        deletion_required: whether the data has to go.
        deletion_deadline: by when.
        cite: the clause, or None.
    """

    supported: bool
    effect: Literal["stop_processing", "stop_on_request"]
    stop_deadline: Period
    deletion_required: bool
    deletion_deadline: Period
    cite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorsRule:
    """Below which age somebody else has to consent.

    Attributes:
        guardian_required_below: the age, or None where the law states none.
        kind: how sure the age is: ``statutory``, ``inferred``, ``proxy`` ...
        cite: the clause, or None.
        strict_child_age: an age with further duties, or None; shown only.
    """

    guardian_required_below: int | None = None
    kind: str
    cite: str | None = None
    strict_child_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRule:
    """A filing with an authority.

    Attributes:
        required: whether the law asks for one.
        kind: what kind.
        lead_time: how long before the processing it has to be made.
        cite: the clause, or None.
        gate: whether a decision depends on it, or `explain` only shows it.
    """

    required: bool
    kind: AuthorityKind
    lead_time: Period
    cite: str | None = None
    gate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKeeping:
    """What has to be kept as proof; shown only.

    Attributes:
        proof_of_consent_duty: whether the controller has to prove consent.
        retain_proof_for: for how long, or None.
        basis: why so long, or None.
        cite: the clause, or None.
    """

    proof_of_consent_duty: bool
    retain_proof_for: Period | None = None
    basis: str | None = None
    cite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitedUse:
    """A use that the law forbids whatever the consent.

    Attributes:
        operation: what may not be done.
        settings: where the person must be for it to be forbidden; empty for everywhere. A person of whom nobody
            said where they are counts as being there.
        since: first day of the prohibition, in UTC.
        cite: the clause.
    """

    operation: Operation
    settings: tuple[Setting, ...] = ()
    since: date = field(metadata={"name": "from"})
    cite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What one version asks; None is not stated.

    The names are the fields of the TOML file; `docs/formats/pack.md` describes each.
    """

    voiceprint_covered: Tri | None = None
    consent_required: bool | None = None
    consent_basis: str | None = None
    consent_form: Form | None = None
    electronic_signature_ok: Tri | None = None
    oral_consent_ok: Tri | None = None
    notice_required: bool | None = None
    notice_in_writing: bool | None = None
    notice_elements: tuple[str, ...] | None = None
    notice_elements_conditional: tuple[ConditionalElement, ...] | None = None
    separate_consent: bool | None = None
    alternative_required: bool | None = None
    purpose_limited: bool | None = None
    strict_necessity: bool | None = None
    max_retention: tuple[RetentionClock, ...] | None = None
    consent_refresh: Refresh | None = None
    withdrawal: WithdrawalRule | None = None
    minors: MinorsRule | None = None
    call_recording_consent: Recording | None = None
    prior_authority: AuthorityRule | None = None
    impact_assessment_required: bool | None = None
    public_policy_required: bool | None = None
    record_keeping: RecordKeeping | None = None
    private_right_of_action: PrivateAction | None = None
    sale_prohibited: Sale | None = None
    disclosure_rule: Disclosure | None = None
    data_localisation: Localisation | None = None
    prohibited: bool | None = None
    prohibited_uses: tuple[ProhibitedUse, ...] | None = None

    def overwritten(self, by: "Rules") -> "Rules":
        """Put stated fields of other rules in place of these.

        Args:
            by: the other rules.

        Returns:
            The rules that result.
        """
        stated: dict[str, Any] = {name: getattr(by, name) for name in by.stated()}
        return replace(self, **stated)

    def stated(self) -> tuple[str, ...]:
        """Name the fields that are stated.

        Returns:
            Their names, in the order of the class.
        """
        return tuple(name for name in RULE_NAMES if getattr(self, name) is not None)


RULE_NAMES: Final = tuple(each.name for each in fields(Rules))
