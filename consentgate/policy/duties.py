"""What follows from a decision, allowed or not: to stop, to delete, to seal, to ask again, to keep the proof.

Invariants: a duty is named once, withdrawal's first; a legal hold never permits a search, it only keeps what would
have to go; what nobody asked for has no date.
"""

from datetime import datetime

from consentgate.consent.state import Consent, State
from consentgate.packs.pack import Basis
from consentgate.policy.consents import Case
from consentgate.policy.deadlines import Deadline, Duty, Obligation, earliest
from consentgate.policy.demands import Term


def duties(
    case: Case, state: State, *, deadline: Deadline | None, consent: Consent | None, allowed: bool
) -> tuple[Obligation, ...]:
    """Say what follows.

    Args:
        case: the inputs of the decision.
        state: what stands of the speaker's statements.
        deadline: by when the data has to be gone, as `circumstances.retention` finds it.
        consent: the consent that the decision speaks of, or None.
        allowed: whether the request is allowed on it.

    Returns:
        The duties, each once.
    """
    found: list[Obligation] = []
    if not state.standing:
        _withdrawn(case, state, found)
    if deadline is not None:
        _retention(case, deadline, found)
    if case.requirements.refresh:
        _refresh(case, consent, found)
    if allowed and case.requirements.proofs:
        _proof(case, found)
    return _once(found)


def _withdrawn(case: Case, state: State, found: list[Obligation]) -> None:
    """Where nothing stands and something was withdrawn, the voiceprint goes; a legal hold keeps it sealed first."""
    ends = [ending.at for each in state.consents for ending in each.endings if ending.kind == "withdrawn"]
    if not ends:
        return
    last, asked = max(ends), case.requirements
    found.append(_due("stop_processing", asked.stops, last))
    found.append(_due("delete_template", asked.deletion, last))
    if case.speaker.legal_hold:
        found.append(Obligation(duty="preserve_sealed_no_search", bases=asked.deletion.bases))


def _due(duty: Duty, term: Term, last: datetime) -> Obligation:
    due = min([period.after(last) for period in term.periods]) if term.periods else None
    return Obligation(duty=duty, due=due, bases=term.bases)


def _retention(case: Case, deadline: Deadline, found: list[Obligation]) -> None:
    """Delete by a time, or at once where that time has passed; or, where a legal hold forbids it, keep it sealed."""
    bases = (deadline.basis,)
    if deadline.at > case.at:
        found.append(Obligation(duty="delete_by", due=deadline.at, bases=bases))
    elif case.speaker.legal_hold:
        found.append(Obligation(duty="preserve_sealed_no_search", bases=bases))
    else:
        found.append(Obligation(duty="delete_template", due=deadline.at, bases=bases))


def _refresh(case: Case, consent: Consent | None, found: list[Obligation]) -> None:
    """Ask again before the consent goes stale; one given since the last interaction is fresh by itself."""
    grant, last = consent.grant if consent else None, case.speaker.last_interaction_at
    if last is None or grant is None or (grant.given_at is not None and last < grant.given_at):
        return
    due = earliest(case.requirements.refresh, {"last_interaction": last})
    if due is not None and due.at > case.at:
        found.append(Obligation(duty="refresh_by", due=due.at, bases=(due.basis,)))


def _proof(case: Case, found: list[Obligation]) -> None:
    """Keep the proof of what was relied on, from this reliance on, as long as the longest of those who ask."""
    last: datetime = case.at
    bases: tuple[Basis, ...] = ()
    for period, asking in case.requirements.proofs:
        end = period.after(case.at)
        if end > last:
            last, bases = end, asking
        elif end == last:
            bases += asking
    found.append(Obligation(duty="retain_proof_until", due=last, bases=bases))


def _once(found: list[Obligation]) -> tuple[Obligation, ...]:
    if len({each.duty for each in found}) == len(found):
        return tuple(found)
    # The first of a duty stands.
    return tuple({each.text: each for each in reversed(found)}.values())[::-1]
