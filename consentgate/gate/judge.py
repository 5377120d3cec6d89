"""Step 3: each speaker is decided alone; a request is allowed when every speaker on the leg is.

Pure but for the packs, which are read when they are first needed. The gate's own reasons come first and stand
alone: without knowing whom a request is about there is nothing that a law could be asked.
"""

from dataclasses import field, replace
from datetime import datetime
from itertools import chain

from consentgate.consent.state import fold
from consentgate.errors import PackInvalid
from consentgate.gate.context import GateContext
from consentgate.gate.request import MAX_SPEAKERS, GatedRequest
from consentgate.ledger.reading import OnLeg, Reading
from consentgate.policy.assertions import Standing, in_force
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import RequestFacts, SpeakerFacts, candidates
from consentgate.policy.reasons import Reason, reason
from consentgate.policy.requirements import merge
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was decided about one speaker.

    Attributes:
        on: the speaker.
        asked: the request as the decision saw it.
        facts: the speaker as the decision saw them.
        standing: what is asserted.
        decision: the decision.
    """

    on: OnLeg
    asked: RequestFacts
    facts: SpeakerFacts
    standing: Standing
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided about a request.

    Attributes:
        at: when.
        reasons: every reason, of every speaker; empty when the request is allowed.
        judged: the speakers, in order; empty when the gate could not tell whom it is about.
        purpose: the purpose that it was decided for.
        reading: what was read.
        about_nobody: whether the request is about nobody's voice.
    """

    at: datetime
    reasons: tuple[Reason, ...]
    judged: tuple[Judged, ...] = ()
    purpose: str | None = None
    reading: Reading | None = field(default=None, repr=False)
    about_nobody: bool = False

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against the request, and somebody was asked about who is in question."""
        return not self.reasons and (bool(self.judged) or self.about_nobody)


def judge(
    gate: GateContext, request: GatedRequest, reading: Reading, at: datetime, own: tuple[Reason, ...] = ()
) -> Verdict:
    """Decide about a request.

    Args:
        gate: the gate.
        request: what botocore is about to send.
        reading: what was read.
        at: the time of the decision.
        own: reasons of the gate that had to be read.

    Returns:
        The verdict, with every reason at once.
    """
    own = own or _own_reasons(request, reading)
    purpose = (reading.call.purpose if reading.call else None) or gate.purposes.get(request.action)
    if own:
        return Verdict(at=at, reasons=own, purpose=purpose, reading=reading)
    if request.about == "nobody":
        return Verdict(at=at, reasons=(), purpose=purpose, reading=reading, about_nobody=True)
    try:
        judged = tuple(_judge(gate, request, reading, on, purpose, at) for on in reading.speakers)
    except PackInvalid:
        return Verdict(at=at, reasons=(reason("PACKS_UNUSABLE"),), purpose=purpose, reading=reading)
    reasons = tuple(chain.from_iterable(each.decision.reasons for each in judged))
    return Verdict(at=at, reasons=reasons, judged=judged, purpose=purpose, reading=reading)


def facts_of(on: OnLeg) -> SpeakerFacts:
    """Give one speaker as the policy engine sees them.

    Args:
        on: the speaker on the call.

    Returns:
        The facts.
    """
    claimed = on.speaker.age is not None or on.speaker.adult
    return SpeakerFacts(
        name=on.name,
        evidence=tuple(on.speaker.evidence),
        age=on.speaker.age,
        adult=on.speaker.adult,
        claimed_by="register_call" if claimed else None,
        last_interaction_at=on.last_interaction_at,
        setting=on.speaker.setting,
        uses=on.uses,
    )


def _own_reasons(request: GatedRequest, reading: Reading) -> tuple[Reason, ...]:
    if request.trouble is not None:
        return (reason(request.trouble),)
    if request.about == "nobody":
        return ()
    if reading.call is None:
        return (reason("CALL_UNKNOWN"),)
    if reading.unknown_legs:
        return tuple(reason("LEG_UNKNOWN", leg) for leg in reading.unknown_legs)
    if not reading.speakers:
        return (reason("NO_SPEAKER"),)
    if len(reading.speakers) > MAX_SPEAKERS:
        return (reason("TOO_MANY_SPEAKERS"),)
    if request.dated and reading.call.captured_at is None:
        return (reason("INPUT_MISSING", "audio_captured_at"),)
    return ()


def _judge(
    gate: GateContext, request: GatedRequest, reading: Reading, on: OnLeg, purpose: str | None, at: datetime
) -> Judged:
    about = str(on.subject.id) if on.subject else None
    standing = in_force((*reading.controller.assertions, *on.asserted), at, about=about)
    facts = facts_of(on)
    codes = candidates(facts.evidence, controller=gate.jurisdiction)
    requirements = merge(codes, gate.packs, day=at.date(), purpose=purpose, standing=standing)
    state = fold(on.received, references=on.speaker.known_as, purpose=purpose)
    context = request.context or (reading.task.context if reading.task else None)
    asked = RequestFacts(
        operation=request.action,
        purpose=purpose,
        processing_country=request.country,
        audio_captured_at=_captured_at(request, reading, at),
        recording_consent=reading.call.recording_consent if reading.call else None,
        controller=gate.controller,
        context=replace(context, call_leg=on.leg) if context else None,
    )
    decision = decide(
        request=asked, speaker=facts, state=state, requirements=requirements, standing=standing, at=at
    )
    return Judged(on=on, asked=asked, facts=facts, standing=standing, decision=decision)


def _captured_at(request: GatedRequest, reading: Reading, at: datetime) -> datetime:
    """Live audio is heard from now on; what was recorded, from its first moment."""
    told = reading.call.captured_at if request.dated and reading.call else request.captured_at
    return min(told or at, at)
