"""Judging everything but the consent: recording, filings, policies, clocks, place.

Each rule is one function that adds its reasons to those found. What nobody asserted is not the case, and what was
not told is missing.
"""

from datetime import datetime
from typing import Final

from consentgate.packs.pack import Basis
from consentgate.packs.rules import Trigger
from consentgate.policy.consents import Case
from consentgate.policy.deadlines import Deadline, earliest
from consentgate.policy.demands import ASSERTED, FLOOR
from consentgate.policy.facts import DISCLOSE, SELL
from consentgate.policy.reasons import Reason, reason

# What is done with a voiceprint that is there already; disclosure and sale have rules of their own.
_NO_PROCESSING: Final = (DISCLOSE, SELL)


def judge(case: Case, deadline: Deadline | None) -> tuple[Reason, ...]:
    """Say what, apart from the consent, stands against the request.

    Args:
        case: the inputs of the decision.
        deadline: by when the data has to be gone, as `retention` finds it.

    Returns:
        Every reason at once; empty where nothing does.
    """
    found: list[Reason] = []
    _purpose(case, found)
    _recording(case, found)
    _filings(case, found)
    _asserted(case, found)
    _retention(case, deadline, found)
    _place(case, found)
    return tuple(found)


def retention(case: Case) -> Deadline | None:
    """Find by when the data has to be gone.

    Args:
        case: the inputs of the decision.

    Returns:
        The earliest deadline, or None where no clock runs.
    """
    standing = case.standing
    started: dict[Trigger, datetime | None] = {
        "purpose_satisfied": standing.purpose_satisfied_at,
        "last_interaction": case.speaker.last_interaction_at,
        "employment_ended": standing.employment_ended_at,
        "storage_unnecessary_determined": standing.storage_unnecessary_determined_at,
    }
    return earliest(case.requirements.clocks, started)


def _make(case: Case, code: str, bases: tuple[Basis, ...], detail: tuple[str, ...] = ()) -> Reason:
    return Reason(code=code, speaker=case.speaker.name, bases=bases, detail=detail)


def _purpose(case: Case, found: list[Reason]) -> None:
    if not case.request.purpose:
        limited = case.requirements.demand("purpose_limited") or (FLOOR,)
        found.append(reason("INPUT_MISSING", "purpose", speaker=case.speaker.name, bases=limited))
    satisfied = case.standing.purpose_satisfied_at
    if satisfied is not None and satisfied <= case.at and case.request.operation not in _NO_PROCESSING:
        limited = case.requirements.demand("purpose_limited") or (FLOOR,)
        found.append(_make(case, "PURPOSE_SATISFIED", limited))


def _recording(case: Case, found: list[Reason]) -> None:
    consent = case.request.recording_consent or case.standing.recording_consent or "none"
    all_parties = case.requirements.demand("all_parties")
    if consent == "none" or (all_parties and consent != "all_parties"):
        found.append(_make(case, "RECORDING_CONSENT_MISSING", all_parties or (FLOOR,)))


def _filings(case: Case, found: list[Reason]) -> None:
    if not case.requirements.filings:
        return
    made = dict(case.standing.filings)
    missing = [each for each in case.requirements.filings if each.code not in made]
    pending = [
        each
        for each in case.requirements.filings
        if each.code in made and each.lead_time.after(made[each.code]) > case.at
    ]
    for code, filings in (("PRIOR_AUTHORITY_MISSING", missing), ("PRIOR_AUTHORITY_PENDING", pending)):
        if filings:
            bases = tuple(each.basis for each in filings)
            found.append(_make(case, code, bases, tuple(each.code for each in filings)))


def _asserted(case: Case, found: list[Reason]) -> None:
    demands = case.requirements.demands
    for demand, assertion, code in ASSERTED:
        if demand in demands and getattr(case.standing, assertion) is not True:
            found.append(_make(case, code, demands[demand]))


def _retention(case: Case, deadline: Deadline | None, found: list[Reason]) -> None:
    if deadline is not None and deadline.at <= case.at:
        found.append(_make(case, "RETENTION_EXCEEDED", (deadline.basis,)))


def _place(case: Case, found: list[Reason]) -> None:
    countries = case.requirements.localisation
    if not countries:
        return
    where = case.request.processing_country
    if where is None:
        bases = tuple(basis for _, basis in countries)
        found.append(reason("INPUT_MISSING", "processing_country", speaker=case.speaker.name, bases=bases))
        return
    broken = tuple(basis for country, basis in countries if country != where)
    if broken:
        found.append(_make(case, "LOCALISATION_VIOLATION", broken))
