"""Why: the full trace of a decision that the gate would make, or would have made, without writing anything.

The decision itself is the gate's own `judge`; around it stand the same requirements and the same state, so
that each thing that the law asks can be shown with its clause and with what became of it.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate.config.parts import Parts
from consentgate.consent.details import CallContext
from consentgate.consent.state import State, fold
from consentgate.errors import InvalidInput
from consentgate.gate.judge import Judged, Verdict, judge
from consentgate.gate.request import GatedRequest, Leg
from consentgate.ledger.hypothetical import as_of, reading_of
from consentgate.ledger.speaker import Speaker
from consentgate.packs.pack import Basis
from consentgate.policy.demands import Requirements
from consentgate.policy.facts import RecordingConsent
from consentgate.policy.requirements import merge
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
    "separate_consent": ("CONSENT_BUNDLED",),
    "purpose_limited": ("PURPOSE_MISMATCH",),
    "age": ("AGE_UNKNOWN", "MINOR_NO_GUARDIAN"),
    "no_disclosure": _DISCLOSURE,
    "separate_disclosure": _DISCLOSURE,
    "disclosure_consent": _DISCLOSURE,
}
_WITHOUT_GRANT: Final = frozenset(("NO_CONSENT", "RECORD_INTEGRITY_FAILED"))
_ALONE: Final = frozenset(("UNKNOWN_JURISDICTION", "PROHIBITED_BY_LAW"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be explained.

    Attributes:
        at: the moment.
        call: a transaction id, or None.
        leg: the leg of that call, or None for both.
        speaker: somebody on no call, or None.
        action: what would be done, for example ``search``.
        purpose: what for; None for the default of the settings.
        country: where the voice would be processed, or None.
        recording_consent: as the call would name it; for a speaker on no call.
    """

    at: datetime
    call: str | None = field(default=None, repr=False)
    leg: Leg | None = None
    speaker: Speaker | None = None
    action: str = "search"
    purpose: str | None = None
    country: str | None = None
    recording_consent: RecordingConsent | None = None


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
class Traced:
    """One speaker's part of an explanation.

    Attributes:
        judged: the gate's decision.
        requirements: what is asked.
        state: what stands of the speaker's statements.
        asked: what is asked, one by one.
    """

    judged: Judged
    requirements: Requirements
    state: State
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An explanation.

    Attributes:
        verdict: the gate's verdict.
        speakers: the trace of each speaker.
    """

    verdict: Verdict
    speakers: tuple[Traced, ...]


def explain(parts: Parts, question: Question) -> Explained:
    """Explain what the gate would decide.

    Args:
        parts: the deployment.
        question: about whom, for what, when.

    Returns:
        The verdict and the trace.

    Raises:
        InvalidInput: the question names neither a call nor a speaker, or both.
        Malformed: something stored cannot be read.
    """
    if (question.call is None) == (question.speaker is None):
        raise InvalidInput("Name a call or a speaker.")
    call = f"transaction/{question.call}" if question.call is not None else None
    with parts.database.read() as connection:
        if question.speaker is None:
            reading = parts.reader.read(connection, call, question.leg)
            if reading.call is not None and question.purpose is not None:
                reading = replace(reading, call=replace(reading.call, purpose=question.purpose))
        else:
            reading = reading_of(
                parts.reader,
                connection,
                question.speaker,
                at=question.at,
                purpose=question.purpose,
                recording_consent=question.recording_consent,
            )
    verdict = judge(parts.gate, _request(parts, question, call), as_of(reading, question.at), question.at)
    return Explained(
        verdict=verdict, speakers=tuple(_traced(parts, verdict, each) for each in verdict.judged)
    )


def _request(parts: Parts, question: Question, call: str | None) -> GatedRequest:
    return GatedRequest(
        intent=parts.book.new_id(question.at),
        service="explanation",
        operation="explain",
        action=question.action,
        region=None,
        country=question.country,
        method="",
        path="",
        query="",
        body=b"",
        call=call,
        context=CallContext(transaction_id=question.call) if question.call else None,
        leg=question.leg,
        token=None,
        token_from="gate",  # noqa: S106  # who would have made it; there is none
        lasts_ms=0,
    )


def _traced(parts: Parts, verdict: Verdict, judged: Judged) -> Traced:
    asked = merge(
        judged.decision.candidates,
        parts.gate.packs,
        day=verdict.at.date(),
        purpose=verdict.purpose,
        standing=judged.standing,
    )
    state = fold(judged.on.received, references=judged.on.speaker.known_as, purpose=verdict.purpose)
    codes = frozenset(reason.code for reason in judged.decision.reasons)
    return Traced(judged=judged, requirements=asked, state=state, asked=_asked(asked, state, codes))


def _asked(asked: Requirements, state: State, codes: frozenset[str]) -> tuple[Asked, ...]:
    found = []
    has_grant = any(each.grant is not None for each in state.consents) and not codes & _WITHOUT_GRANT
    for name, detail, bases in _all(asked):
        against = _OF_REQUEST.get(name) or _OF_GRANT[name]
        result: Result = "met"
        if codes & {*against}:
            result = "not met"
        elif codes & _ALONE or (name in _OF_GRANT and not has_grant):
            result = "not judged"
        found.append(Asked(name=name, detail=detail, bases=bases, result=result))
    return tuple(found)


def _all(asked: Requirements) -> list[tuple[str, str, tuple[Basis, ...]]]:
    if not asked.packs:
        return []
    found = [(name, "", bases) for name, bases in asked.demands.items()]
    found.append(("form", asked.form, asked.form_bases))
    elements = tuple(dict.fromkeys(basis for _, bases in asked.elements for basis in bases))
    found.append(("notice_elements", ", ".join(element for element, _ in asked.elements), elements))
    found.append(("age", f"{asked.age} or older, or a verified guardian", asked.age_bases))
    for name, clocks in (("retention", asked.clocks), ("refresh", asked.refresh)):
        found += [(name, f"{clock.within.text} after {clock.trigger}", (clock.basis,)) for clock in clocks]
    found += [
        ("filings", f"{each.code}, {each.lead_time.text} before", (each.basis,)) for each in asked.filings
    ]
    found += [("localisation", country, (basis,)) for country, basis in asked.localisation]
    order = [*_OF_REQUEST, *_OF_GRANT]
    return sorted(found, key=lambda each: order.index(each[0]))
