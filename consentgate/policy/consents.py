"""Judging one grant: form, notice, time, purpose, age, disclosure, and what the grant itself covers.

Each rule is one function that adds its reasons to those found, so that all of them are said at once. A grant that
cannot be relied on is not looked into: a record that may be forged proves nothing, good or bad.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from consentgate.consent.state import Consent, Grant
from consentgate.packs.pack import Basis
from consentgate.packs.rules import FORMS
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import FLOOR, STATEMENT, Requirements
from consentgate.policy.facts import DISCLOSE, OPERATIONS, SELL, TONE_ANALYSIS, RequestFacts, SpeakerFacts
from consentgate.policy.reasons import Reason, reason
from consentgate.values import dataclass

_ADULT: Final = 18
_RANK: Final = {form: rank for rank, form in enumerate(FORMS)}
_SPOKEN: Final = ("voice_recording", "verbal_unrecorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All inputs of one decision about one speaker."""

    request: RequestFacts
    speaker: SpeakerFacts
    requirements: Requirements
    standing: Standing
    at: datetime


def judge(case: Case, consent: Consent) -> tuple[Reason, ...]:
    """Say why one consent does not allow the request.

    Args:
        case: the inputs of the decision.
        consent: the consent.

    Returns:
        Every reason at once; empty where it allows it.
    """
    found: list[Reason] = []
    grant = consent.grant
    if grant is None:
        _ended(case, consent, found)
        _stale(case, None, found)
    elif not grant.sound:
        found.append(_make(case, "RECORD_INTEGRITY_FAILED"))
        _stale(case, grant.given_at, found)
    else:
        _ended(case, consent, found)
        _time(case, consent, grant, found)
        _stale(case, grant.given_at, found)
        _form(case, grant, found)
        _notice(case, grant, found)
        _age(case, grant, found)
        _sharing(case, grant, found)
        _reach(case, consent.entry, grant, found)
        _issuer(case, consent.entry, grant, found)
    return tuple(found)


def no_consent(case: Case) -> tuple[Reason, ...]:
    """Say that there is no consent to judge.

    Args:
        case: the inputs of the decision.

    Returns:
        The reasons.
    """
    found = [_make(case, "NO_CONSENT")]
    _stale(case, None, found)
    return tuple(found)


def missing_elements(against: Iterable[Reason]) -> tuple[str, ...]:
    """Name the notice elements that a consent's notice lacks.

    Args:
        against: what `judge` said about the consent.

    Returns:
        Sorted elements; empty where there is no sound grant to judge.
    """
    for each in against:
        if each.code == "NOTICE_INCOMPLETE":
            return each.detail
    return ()


def _make(case: Case, code: str, bases: tuple[Basis, ...] = (), detail: tuple[str, ...] = ()) -> Reason:
    # Made without `reasons.reason`, which checks codes: these are ours, and a test walks them all.
    return Reason(
        code=code,
        speaker=case.speaker.name,
        bases=bases or case.requirements.demands["consent"],
        detail=detail,
    )


def _once(bases: Iterable[Basis]) -> tuple[Basis, ...]:
    """Name each clause once, in order; by its text, which is quicker than by the value."""
    return tuple({(basis.pack, basis.citation): basis for basis in bases}.values())


def _gate(case: Case, entry: str, code: str, *detail: str) -> Reason:
    """Make a reason that follows from what the statement itself covers, and cite the statement."""
    bases = (Basis(pack=STATEMENT, citation=entry),)
    return reason(code, *detail, speaker=case.speaker.name, bases=bases)


def _ended(case: Case, consent: Consent, found: list[Reason]) -> None:
    if not consent.endings:
        return
    kinds = {ending.kind for ending in consent.endings}
    if "refused" in kinds:
        found.append(_make(case, "CONSENT_REFUSED"))
    if "withdrawn" in kinds:
        found.append(_make(case, "CONSENT_WITHDRAWN"))


def _time(case: Case, consent: Consent, grant: Grant, found: list[Reason]) -> None:
    captured = case.request.audio_captured_at
    never_given = grant.given_at is None and not consent.endings
    if never_given or (grant.given_at is not None and grant.given_at > case.at):
        found.append(_make(case, "CONSENT_NOT_YET_GIVEN"))
    if grant.valid_until is not None and grant.valid_until <= case.at:
        found.append(_make(case, "CONSENT_EXPIRED"))
    if captured is not None and grant.given_at is not None and captured < grant.given_at:
        found.append(_make(case, "COLLECTION_BEFORE_CONSENT"))


def _stale(case: Case, given_at: datetime | None, found: list[Reason]) -> None:
    """Refresh counts from the last interaction, but a grant given since then is fresh by itself."""
    last = case.speaker.last_interaction_at
    if last is None or (given_at is not None and last < given_at):
        return
    due = tuple(each.basis for each in case.requirements.refresh if each.within.after(last) <= case.at)
    if due:
        found.append(_make(case, "CONSENT_REFRESH_REQUIRED", due))


def _form(case: Case, grant: Grant, found: list[Reason]) -> None:
    asked = case.requirements
    against: tuple[Basis, ...] = ()
    written = asked.form == "written_release"
    if _RANK[grant.form] < _RANK[asked.form] or (written and grant.signature == "none"):
        against += asked.form_bases
    elif written and grant.signature == "electronic":
        against += asked.demand("no_electronic_signature")
    if grant.method in _SPOKEN:
        against += asked.demand("no_oral_consent")
    if against:
        found.append(_make(case, "CONSENT_FORM_INSUFFICIENT", _once(against), (asked.form,)))
    # An import that does not name its original method proves no more than an unrecorded word.
    if grant.method in ("verbal_unrecorded", "import"):
        found.append(_make(case, "NO_PROOF_OF_CONSENT"))


def _notice(case: Case, grant: Grant, found: list[Reason]) -> None:
    asked = case.requirements
    if not grant.notice_in_writing and (bases := asked.demand("notice_in_writing")):
        found.append(_make(case, "NOTICE_NOT_WRITTEN", bases))
    if not asked.every_element <= grant.notice_elements:
        _lacking(case, grant.notice_elements, found)
    if not grant.separate and (bases := asked.demand("separate_consent")):
        found.append(_make(case, "CONSENT_BUNDLED", bases))


def _lacking(case: Case, said: frozenset[str], found: list[Reason]) -> None:
    asked = case.requirements
    lacking: set[str] = set()
    against = []
    for basis, wanted in asked.asking:
        if not wanted <= said:
            lacking |= wanted - said
            against.append(basis)
    for element, flag, basis in asked.conditional_elements:
        # A flag that nobody asserted counts as set: a doubt never shortens a notice.
        if element not in said and getattr(case.standing, flag) is not False:
            lacking.add(element)
            against.append(basis)
    if lacking:
        found.append(_make(case, "NOTICE_INCOMPLETE", _once(against), tuple(sorted(lacking))))


def _age(case: Case, grant: Grant, found: list[Reason]) -> None:
    limit, bases, speaker = case.requirements.age, case.requirements.age_bases, case.speaker
    if speaker.age is not None:
        if speaker.age < limit and grant.guardian != "verified":
            found.append(_make(case, "MINOR_NO_GUARDIAN", bases, (f"the limit is {limit}",)))
        return
    known = max(_ADULT if speaker.adult else 0, grant.age_over or 0)
    if known < limit:
        found.append(_make(case, "AGE_UNKNOWN", bases, (f"the limit is {limit}",)))


def _sharing(case: Case, grant: Grant, found: list[Reason]) -> None:
    asked = case.requirements
    if case.request.operation == DISCLOSE:
        against = asked.demand("no_disclosure")
        if grant.disclosure_consent != "separate":
            against += asked.demand("separate_disclosure")
        if grant.disclosure_consent == "none":
            against += asked.demand("disclosure_consent")
        if against:
            found.append(_make(case, "DISCLOSURE_NOT_PERMITTED", _once(against)))
    if case.request.operation == SELL and (bases := asked.demand("no_sale")):
        found.append(_make(case, "SALE_PROHIBITED", bases))


def _reach(case: Case, entry: str, grant: Grant, found: list[Reason]) -> None:
    """Check what the grant itself covers: purpose, operation, controller, call and number of uses."""
    request = case.request
    if request.purpose is not None and request.purpose not in grant.purposes:
        limited = case.requirements.demand("purpose_limited") or (FLOOR,)
        found.append(_make(case, "PURPOSE_MISMATCH", limited))
    if not _covers(grant, request.operation):
        found.append(_gate(case, entry, "OPERATION_NOT_CONSENTED"))
    if grant.controllers is not None and request.controller is None:
        found.append(_gate(case, entry, "INPUT_MISSING", "controller"))
    elif grant.controllers is not None and request.controller not in grant.controllers:
        found.append(_gate(case, entry, "CONTROLLER_NOT_CONSENTED"))
    if not _same_call(case, grant):
        found.append(_gate(case, entry, "CONSENT_FOR_OTHER_CALL"))
    if grant.max_uses is not None:
        uses = next((each.count for each in case.speaker.uses if each.entry == entry), None)
        if uses is None:
            found.append(_gate(case, entry, "INPUT_MISSING", "uses"))
        elif uses >= grant.max_uses:
            found.append(_gate(case, entry, "CONSENT_USED_UP"))


def _covers(grant: Grant, operation: str) -> bool:
    """Where a scenario names no operations its consent is for the known ones, but never for tone analysis."""
    if grant.operations is not None:
        return operation in grant.operations
    return operation in OPERATIONS and operation != TONE_ANALYSIS


def _same_call(case: Case, grant: Grant) -> bool:
    asked, call = grant.context, case.request.context
    if asked is None:
        return True
    names = ("transaction_id", "voice_connector_id", "call_leg")
    stated = [name for name in names if getattr(asked, name) is not None]
    return call is not None and all(getattr(asked, name) == getattr(call, name) for name in stated)


def _issuer(case: Case, entry: str, grant: Grant, found: list[Reason]) -> None:
    problems = grant.issuer_problems
    if grant.issuer_jurisdictions != ("*",):
        allowed = {*grant.issuer_jurisdictions}
        outside = (f"jurisdiction:{code}" for code, above in case.requirements.reaches if not above & allowed)
        problems = tuple(dict.fromkeys((*problems, *outside)))
    if problems:
        found.append(_gate(case, entry, "ISSUER_OUT_OF_SCOPE", *problems))
