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
from consentgate.policy import circumstances, consents
from consentgate.policy.assertions import Standing
from consentgate.policy.consents import Case
from consentgate.policy.deadlines import Obligation
from consentgate.policy.demands import FLOOR, PackUsed, Requirements
from consentgate.policy.facts import RequestFacts, SpeakerFacts
from consentgate.policy.reasons import Reason, reason
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
        assertions: entry ids of the assertions that were in force, sorted.
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
    assertions: tuple[str, ...] = ()


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
        return _decision(case, (alone,))
    standing_consents = state.standing
    judged = [(each, consents.judge(case, each)) for each in reversed(standing_consents or state.consents)]
    chosen, against = _chosen(judged) if judged else (None, consents.no_consent(case))
    deadline = circumstances.retention(case)
    reasons = (*against, *circumstances.judge(case, deadline))
    return _decision(
        case,
        tuple(sorted(reasons, key=_BY_CODE)),
        missing=consents.missing_elements(against),
        obligations=(
            *(() if standing_consents else _withdrawal_duties(case, state)),
            *circumstances.retention_duties(case, deadline),
        ),
        grant=chosen if not against else None,
        considered=tuple(_considered(each, found) for each, found in judged),
    )


def _chosen(
    judged: list[tuple[Consent, tuple[Reason, ...]]],
) -> tuple[Consent, tuple[Reason, ...]]:
    """Fewest reasons first, the newest of equals: `min` keeps the first, and the newest stand first."""
    return min(judged, key=lambda pair: len(pair[1]))


def _alone(case: Case) -> Reason | None:
    asked, name = case.requirements, case.speaker.name
    if asked.unknown or not asked.candidates:
        return reason("UNKNOWN_JURISDICTION", *asked.unknown, speaker=name, bases=(FLOOR,))
    if bases := asked.demand("prohibited"):
        return reason("PROHIBITED_BY_LAW", speaker=name, bases=bases)
    return None


def _withdrawal_duties(case: Case, state: State) -> tuple[Obligation, ...]:
    """Where nothing stands and something was withdrawn, the voiceprint goes; a legal hold keeps it sealed first."""
    ends = [ending.at for each in state.consents for ending in each.endings if ending.kind == "withdrawn"]
    if not ends:
        return ()
    clocks = case.requirements.deletion
    last = max(ends)
    due = min([clock.within.after(last) for clock in clocks], default=None)
    bases = tuple([clock.basis for clock in clocks])
    delete = Obligation(duty="delete_template", due=due, bases=bases)
    if case.speaker.legal_hold:
        return (delete, Obligation(duty="preserve_sealed_no_search", bases=bases))
    return (delete,)


def _considered(consent: Consent, found: tuple[Reason, ...]) -> Considered:
    return Considered(entry=consent.entry, codes=tuple(sorted([each.code for each in found])))


def _decision(
    case: Case,
    reasons: tuple[Reason, ...],
    *,
    missing: tuple[str, ...] = (),
    obligations: tuple[Obligation, ...] = (),
    grant: Consent | None = None,
    considered: tuple[Considered, ...] = (),
) -> Decision:
    asked = case.requirements
    relied_on = grant if not reasons else None
    return Decision(
        allowed=not reasons,
        at=case.at,
        speaker=case.speaker.name,
        reasons=reasons,
        missing_notice_elements=missing,
        obligations=_once(obligations),
        grant=relied_on.entry if relied_on else None,
        through=relied_on.grant.through if relied_on and relied_on.grant else None,
        considered=considered,
        candidates=asked.candidates,
        packs=asked.packs,
        pack_set=asked.pack_set,
        assertions=tuple(sorted([each.entry for each in case.standing.used])),
    )


def _once(obligations: tuple[Obligation, ...]) -> tuple[Obligation, ...]:
    """Name each duty once; the first stands, and withdrawal comes first."""
    if len(obligations) < 2:
        return obligations
    return tuple({each.text: each for each in reversed(obligations)}.values())[::-1]
