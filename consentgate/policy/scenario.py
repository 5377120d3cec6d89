"""Scenario files: a case of the law in plain words, decided by the same engine as a live request.

The format is described in ``tests/scenarios/README.md``. This module takes a scenario as parsed YAML or JSON, so
that it needs no parser itself. In a scenario what is not stated is not so: no purpose is none of the consent's,
no country is another country, and a consent has no operations, controllers or issuer to be held against it. With
``live: true`` it is what the gate was not told, as in a live request.

Invariants: only `InvalidInput` leaves this module for a scenario that cannot be read, and it names the field;
members that the format does not know are ignored.
"""

from dataclasses import field, replace
from typing import Final, get_args

from consentgate.consent.state import State
from consentgate.packs.packset import PackSet
from consentgate.packs.rules import Setting
from consentgate.policy.assertions import Standing
from consentgate.policy.decide import Decision, decide
from consentgate.policy.demands import Requirements
from consentgate.policy.facts import (
    Evidence,
    RecordingConsent,
    RequestFacts,
    SpeakerFacts,
    Uses,
    candidates,
)
from consentgate.policy.members import Part
from consentgate.policy.requirements import merge
from consentgate.policy.scenario_consents import context_of, held
from consentgate.values import dataclass

# What stands for something that is not stated: no purpose, country or type of controller is called that.
_UNSTATED: Final = "(not stated)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the engine says to a scenario.

    Attributes:
        id: the scenario's id.
        decision: the decision.
        as_expected: whether it is what the scenario expects; None where it expects nothing.
        requirements: what the law asks of it.
        state: what stands of its consents.
        purpose: what the request is for, or None.
        evidence: of jurisdiction; empty but where the scenario is ``live``.
    """

    id: str
    decision: Decision
    as_expected: bool | None
    requirements: Requirements = field(repr=False)
    state: State = field(repr=False)
    purpose: str | None = None
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)

    @property
    def verdict(self) -> str:
        """``allow`` or ``deny``."""
        return "allow" if self.decision.allowed else "deny"

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sorted reason codes."""
        return tuple(sorted({each.code for each in self.decision.reasons}))

    @property
    def obligations(self) -> tuple[str, ...]:
        """The obligations in one word each, sorted."""
        return tuple(sorted(each.text for each in self.decision.obligations))


def evaluate(scenario: object, packs: PackSet) -> Result:
    """Decide a scenario.

    Args:
        scenario: one item of a file's ``scenarios``.
        packs: the rules.

    Returns:
        The result.

    Raises:
        InvalidInput: the scenario cannot be read; the message names the field.
        PackInvalid: a pack that applies cannot be used.
    """
    it = Part(scenario, "")
    name, at, live = it.text("id"), it.time("at"), it.truth("live")
    request, facts, controller = it.part("request"), it.part("facts"), it.part("controller")
    standing = _standing(request, facts, controller, live=live)
    purpose = request.text_or_none("purpose")
    consents = held(it, at, purpose=purpose, live=live)
    asked = merge(_codes(it, live=live), packs, day=at.date(), purpose=purpose, standing=standing)
    decision = decide(
        request=_request(it, live=live),
        speaker=_speaker(it.part("speaker"), facts, consents.uses, it),
        state=consents.state,
        requirements=asked,
        standing=standing,
        at=at,
    )
    result = Result(
        id=name,
        decision=decision,
        as_expected=None,
        requirements=asked,
        state=consents.state,
        purpose=purpose,
        evidence=_evidence(it) if live else (),
    )
    expect = it.part_or_none("expect")
    return result if expect is None else replace(result, as_expected=_meets(result, expect))


def _meets(result: Result, expect: Part) -> bool:
    missing = expect.texts("missing_notice_elements") if "missing_notice_elements" in expect else None
    return (
        result.verdict == expect.word("decision", ("allow", "deny"))
        and result.reasons == tuple(sorted(expect.texts("reasons")))
        and (missing is None or result.decision.missing_notice_elements == tuple(sorted(missing)))
        and {*expect.texts("obligations")} <= {*result.obligations}
        and ("grant" not in expect or result.decision.grant == expect.text("grant"))
    )


def _codes(it: Part, *, live: bool) -> tuple[str, ...]:
    named = it.parts("jurisdictions")
    if not live:
        return tuple(sorted({each.text("code") for each in named}))
    return candidates(_evidence(it), controller=it.part("controller").text_or_none("jurisdiction"))


def _evidence(it: Part) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            code=each.text("code"),
            kind=each.text_or_none("kind") or each.text_or_none("source") or "declared_location",
            source=each.text_or_none("source") or "scenario",
            confidence=each.text_or_none("confidence") or "unknown",
            observed_at=each.time_or_none("observed_at"),
        )
        for each in it.parts("jurisdictions")
    )


def _request(it: Part, *, live: bool) -> RequestFacts:
    request, facts = it.part("request"), it.part("facts")
    unstated = None if live else _UNSTATED
    told = not live or "recording_consent" in facts
    return RequestFacts(
        operation=request.text("operation"),
        purpose=request.text_or_none("purpose") or unstated,
        processing_country=request.text_or_none("processing_country") or unstated,
        audio_captured_at=request.time_or_none("audio_captured_at"),
        recording_consent=facts.word("recording_consent", get_args(RecordingConsent), "none")
        if told
        else None,
        controller=it.part("controller").text_or_none("id"),
        context=context_of(request),
    )


def _speaker(speaker: Part, facts: Part, uses: tuple[Uses, ...], it: Part) -> SpeakerFacts:
    return SpeakerFacts(
        name=speaker.text_or_none("id"),
        evidence=_evidence(it) if it.truth("live") else (),
        age=speaker.count("age"),
        adult=speaker.truth("adult"),
        last_interaction_at=facts.time_or_none("last_interaction_at"),
        legal_hold=facts.truth("legal_hold"),
        setting=speaker.word("setting", get_args(Setting)) if "setting" in speaker else None,
        uses=uses,
    )


def _standing(request: Part, facts: Part, controller: Part, *, live: bool) -> Standing:
    def flag(part: Part, name: str) -> bool | None:
        return part.truth_or_none(name) if live else part.truth(name)

    return Standing(
        controller_type=controller.text_or_none("type") or (None if live else _UNSTATED),
        exemptions=tuple(
            _exemption(each, i, controller) for i, each in enumerate(controller.items("exemptions"))
        ),
        filings=facts.part("authority_filings").times(),
        public_policy_published=facts.truth_or_none("public_policy_published"),
        impact_assessment_done=facts.truth_or_none("impact_assessment_done"),
        alternative_offered=facts.truth_or_none("alternative_offered"),
        strictly_necessary=facts.truth_or_none("strictly_necessary"),
        has_dpo=flag(controller, "has_dpo"),
        cross_border=flag(request, "cross_border"),
        automated_decision=flag(request, "automated_decision"),
        third_party_provision=flag(request, "third_party_provision"),
        provision_is_contractual=flag(request, "provision_is_contractual"),
        purpose_satisfied_at=facts.time_or_none("purpose_satisfied_at"),
        employment_ended_at=facts.time_or_none("employment_ended_at"),
        storage_unnecessary_determined_at=facts.time_or_none("storage_unnecessary_determined_at"),
    )


def _exemption(claim: object, i: int, controller: Part) -> tuple[str, str]:
    """Read a claimed exemption: its id alone, ``US-IL:id``, or an object with both."""
    if isinstance(claim, str):
        code, colon, name = claim.partition(":")
        return (code, name) if colon else ("", code)
    part = Part(claim, f"{controller.at('exemptions')}[{i}]")
    named = (part.text_or_none(name) for name in ("jurisdiction", "code", "entry"))
    return next((code for code in named if code), ""), part.text("id")
