"""What a decision is told about the request and the speaker: typed, dated, with its source.

Invariants: None means that nobody said so, and never that it is fine; nothing here is looked up. Personal
data shows in no repr.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate import moment
from consentgate.consent import terms
from consentgate.consent.details import CallContext
from consentgate.packs.rules import Setting
from consentgate.values import dataclass

RecordingConsent: TypeAlias = Literal["none", "one_party", "all_parties"]
EvidenceKind: TypeAlias = Literal[
    "verified_address", "declared_location", "network", "phone_number", "controller"
]

# What may be done with a voice; an operation outside this list needs a grant that names it, like any other.
SEARCH: Final = "search"
ENROL: Final = "enrol"
UPDATE: Final = "update"
DISCLOSE: Final = "disclose"
SELL: Final = "sell"
TONE_ANALYSIS: Final = "tone_analysis"
OPERATIONS: Final = (SEARCH, ENROL, UPDATE, DISCLOSE, SELL, TONE_ANALYSIS)

PHONE_NUMBER: Final = "phone_number"
"""The kind of evidence that is a hint: it adds laws, and never stands in for knowing where somebody is."""

CONTROLLER: Final = "controller"
"""The kind of evidence that is about the controller, and adds laws as a hint does."""

_ALIASES: Final[Mapping[str, EvidenceKind]] = {
    "verified_address": "verified_address",
    "account_address": "verified_address",
    "billing_address": "verified_address",
    "service_address": "verified_address",
    "address": "verified_address",
    "residence": "verified_address",
    "declared_location": "declared_location",
    "network": "network",
    "ip": "network",
    "ip_address": "network",
    "phone_number": "phone_number",
    "phone": "phone_number",
    "number": "phone_number",
    "area_code": "phone_number",
    "country_code": "phone_number",
    "ani": "phone_number",
    "controller": "controller",
}


def evidence_kind(word: str) -> EvidenceKind:
    """Say which kind of evidence a word means.

    Args:
        word: what a caller or a scenario calls it, for example ``account_address``.

    Returns:
        One of the five kinds. A word that is not known is somebody's statement: ``declared_location``.
    """
    return _ALIASES.get(word, "declared_location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a jurisdiction's law may protect a speaker.

    Attributes:
        code: ISO 3166 code, for example ``US-IL``.
        kind: what kind of evidence: ``verified_address``, ``declared_location``, ``network``, ``phone_number`` or
            ``controller``, or another word for one of them, as `evidence_kind` reads it.
        source: where it came from, for example ``crm``.
        confidence: how sure, in the caller's word.
        observed_at: when it was observed, or None.
    """

    code: str
    kind: str
    source: str
    confidence: str = "unknown"
    observed_at: datetime | None = None

    def __post_init__(self) -> None:
        # A code of another form would fall back to a weaker, wider law.
        terms.check_form(self.code, terms.JURISDICTION, "The code of evidence, such as US-IL or FR,")
        for name in ("kind", "source", "confidence"):
            terms.check_text(getattr(self, name), name, limit=256)
        if self.observed_at is not None:
            object.__setattr__(self, "observed_at", moment.floor(self.observed_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """How often a grant was used.

    Attributes:
        entry: id of the grant's entry.
        count: intents that name it and did not end as ``rejected`` or ``not_sent``.
    """

    entry: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerFacts:
    """One speaker, as a decision sees them.

    Attributes:
        name: how the caller names them on the call, or None where there is only one.
        evidence: of jurisdiction, this speaker's own.
        age: in years, or None.
        adult: whether the caller vouches that they are 18 or older.
        claimed_by: who said so about age or adulthood, or None.
        last_interaction_at: the interaction before this one, or None.
        legal_hold: whether their data is under a legal hold.
        setting: as what they are on the call: a customer, at work, or in education; None is unknown, and what a law
            forbids in one of these is then forbidden.
        uses: of each grant that limits its uses, how often it was used; one that is not here denies.
    """

    name: str | None = None
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)
    age: int | None = field(default=None, repr=False)
    adult: bool = field(default=False, repr=False)
    claimed_by: str | None = None
    last_interaction_at: datetime | None = field(default=None, repr=False)
    legal_hold: bool = False
    setting: Setting | None = None
    uses: tuple[Uses, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """The request, as a decision sees it.

    Attributes:
        operation: what it does to a voice: a word of `OPERATIONS`, or another that grants name.
        purpose: why, in the controller's word; None denies.
        processing_country: ISO 3166-1 code of where the voice is processed, or None.
        audio_captured_at: when speaker processing of the audio may begin, or None.
        recording_consent: who agreed to the recording on this call; None asks the standing assertion.
        controller: who asks, as grants name controllers; None meets no grant.
        context: the call, for grants that were given for one call; None meets none of these.
    """

    operation: str
    purpose: str | None = None
    processing_country: str | None = None
    audio_captured_at: datetime | None = None
    recording_consent: RecordingConsent | None = None
    controller: str | None = None
    context: CallContext | None = field(default=None, repr=False)


def candidates(evidence: Iterable[Evidence], *, controller: str | None = None) -> tuple[str, ...]:
    """Name the jurisdictions that may protect a speaker.

    Args:
        evidence: the speaker's own. Of kind ``phone_number`` or ``controller`` it only ever adds to other evidence.
        controller: the controller's own jurisdiction, or None. It is added only where evidence names one, so
            that it can add reasons and never stand in for evidence.

    Returns:
        Sorted codes without repetition; empty where there is no evidence, or none but what only adds.
    """
    pieces = tuple(evidence)
    if all(evidence_kind(piece.kind) in (PHONE_NUMBER, CONTROLLER) for piece in pieces):
        return ()
    codes = {piece.code for piece in pieces}
    if controller is not None:
        codes.add(controller)
    return tuple(sorted(codes))
