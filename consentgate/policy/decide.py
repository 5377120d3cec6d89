"""The decision: may this request compare this speaker's voice now, and if not, why not.

Pure and total: the same inputs give the same decision, every reason is said at once, and what is not known
denies. Allowed exactly when there is no reason. Two reasons stand alone, because nothing else can be said beside
them: nobody knows which law applies, and the law forbids it altogether.
"""

from dataclasses import field
from datetime import datetime
from operator import attrgetter
from typing import Final

from consentgate.consent.state import Consent, State
from consentgate.packs.pack import Basis
from consentgate.policy import circumstances, consents
from consentgate.policy.assertions import AssertionUsed, Standing
from consentgate.policy.consents import Case
from consentgate.policy.deadlines import Obligation
from consentgate.policy.demands import FLOOR, PackUsed, Requirements
from consentgate.policy.duties import duties
from consentgate.policy.facts import RequestFacts, SpeakerFacts
from consentgate.policy.reasons import Reason, reason
from consentgate.policy.used import used
from consentgate.values import dataclass

_BY_CODE: Final = attrgetter("code", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A consent that was looked at.

    Attributes:
        entry: id of its entry.
        codes: the codes of its reasons, sorted; empty where it allows the request.
    """

    entry: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one speaker.

    Attributes:
        allowed: whether the request may be sent, as far as this speaker goes.
        at: the moment of the decision.
        speaker: which speaker, as the caller named them, or None.
        reasons: every reason against it, sorted by code.
        missing_notice_elements: what the notice of the consent in question lacks, sorted.
        obligations: what follows, allowed or not.
        grant: entry id of the grant that allows it, or None.
        through: entry id of the statement that two references are one person by which that grant counts for the
            speaker, or None where it is the speaker's own.
        considered: every consent that was judged, newest first.
        candidates: the jurisdictions that were asked about, sorted.
        packs: the packs that applied, sorted by code.
        pack_set: digest of the set that they come from.
        assertions: the assertions that the packs and the floor read, each with its value, who made it and since
            when; sorted by name and entry.
    """

    allowed: bool
    at: datetime
    speaker: str | None = None
    reasons: tuple[Reason, ...] = ()
    missing_notice_elements: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    grant: str | None = None
    through: str | None = None
    considered: tuple[Considered, ...] = ()
    candidates: tuple[str, ...] = ()
    packs: tuple[PackUsed, ...] = ()
    pack_set: bytes = field(default=b"", repr=False)
    assertions: tuple[AssertionUsed, ...] = ()


def decide(
    request: RequestFacts,
    speaker: SpeakerFacts,
    state: State,
    requirements: Requirements,
    standing: Standing,
    at: datetime,
) -> Decision:
    """Decide about one speaker.

    Args:
        request: the request.
        speaker: the speaker.
        state: what stands of the speaker's statements, for the request's purpose.
        requirements: what the law asks, for the speaker's candidates, the day of `at` and the request's purpose.
        standing: what the controller asserts at that moment.
        at: the moment.

    Returns:
        The decision.
    """
    case = Case(request=request, speaker=speaker, requirements=requirements, standing=standing, at=at)
    alone = _alone(case)
    if alone is not None:
        # What is not judged has no clocks, but a withdrawal is one under any law.
        follows = duties(case, state, deadline=None, consent=None, allowed=False)
        return _decision(case, (alone,), obligations=follows, judged=False)
    chosen, against, considered = _judged(case, state)
    deadline = circumstances.retention(case)
    reasons = (*against, *circumstances.judge(case, deadline))
    follows = duties(case, state, deadline=deadline, consent=chosen, allowed=not reasons)
    return _decision(
        case,
        tuple(sorted(reasons, key=_BY_CODE)) if reasons else (),
        missing=consents.missing_elements(against) if against else (),
        obligations=follows,
        grant=chosen if not against else None,
        considered=considered,
    )


def _judged(case: Case, state: State) -> tuple[Consent | None, tuple[Reason, ...], tuple[Considered, ...]]:
    """Judge each consent alone, the newest first; the one with the fewest reasons speaks, of equals the newest."""
    chosen, against, considered = None, None, []
    for each in reversed(state.standing or state.consents):
        found = consents.judge(case, each)
        codes = tuple(sorted([reason.code for reason in found])) if found else ()
        considered.append(Considered(entry=each.entry, codes=codes))
        if against is None or len(found) < len(against):
            chosen, against = each, found
    if against is None:
        against = consents.no_consent(case)
    return chosen, against, tuple(considered)


def _alone(case: Case) -> Reason | None:
    asked, name = case.requirements, case.speaker.name
    if asked.unknown or not asked.candidates:
        return reason("UNKNOWN_JURISDICTION", *asked.unknown, speaker=name, bases=(FLOOR,))
    if bases := (*asked.demand("prohibited"), *_forbidding(case)):
        return reason("PROHIBITED_BY_LAW", speaker=name, bases=bases)
    return None


def _forbidding(case: Case) -> tuple[Basis, ...]:
    """Name the clauses that forbid this operation; a person of whom nobody said where they are counts as there."""
    operation, where = case.request.operation, case.speaker.setting
    return tuple(
        [
            use.basis
            for use in case.requirements.forbidden
            if use.operation == operation and (where is None or not use.settings or where in use.settings)
        ]
    )


def _decision(
    case: Case,
    reasons: tuple[Reason, ...],
    *,
    missing: tuple[str, ...] = (),
    obligations: tuple[Obligation, ...] = (),
    grant: Consent | None = None,
    considered: tuple[Considered, ...] = (),
    judged: bool = True,
) -> Decision:
    asked = case.requirements
    relied_on = grant if not reasons else None
    return Decision(
        allowed=not reasons,
        at=case.at,
        speaker=case.speaker.name,
        reasons=reasons,
        missing_notice_elements=missing,
        obligations=obligations,
        grant=relied_on.entry if relied_on else None,
        through=relied_on.grant.through if relied_on and relied_on.grant else None,
        considered=considered,
        candidates=asked.candidates,
        packs=asked.packs,
        pack_set=asked.pack_set,
        assertions=used(case.request, asked, case.standing, judged=judged),
    )
