"""The stored form of decisions and of their inputs: canonical JSON without floats, and back.

What is stored is enough to say the same again: codes, packs with digests, clauses, obligations, and, beside them,
the facts that the decision was told. Statements, assertions and packs are entries and artifacts of their own and
are named here, never copied. Sentences are not stored: they follow from the codes.

Invariants: ``decision_from(decision_json(d))`` is d, and likewise for facts; absent is absent, never null;
readers raise only `Malformed`. The stored form holds personal data and only ever lies sealed.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from consentgate import canonical, moment
from consentgate.canonical import Json
from consentgate.consent.details import CallContext
from consentgate.errors import InvalidInput, Malformed
from consentgate.packs.pack import Basis
from consentgate.policy.deadlines import Obligation
from consentgate.policy.decide import Considered, Decision
from consentgate.policy.demands import PackUsed
from consentgate.policy.facts import Evidence, RequestFacts, SpeakerFacts
from consentgate.policy.reasons import DEFINITIONS, Reason

_T = TypeVar("_T")


def decision_json(decision: Decision) -> dict[str, Json]:
    """Write a decision.

    Args:
        decision: the decision.

    Returns:
        Its members.
    """
    return _present(
        allowed=decision.allowed,
        at=moment.to_text(decision.at),
        speaker=decision.speaker,
        reasons=[reason_json(each) for each in decision.reasons],
        missing_notice_elements=[*decision.missing_notice_elements],
        obligations=[_obligation_json(each) for each in decision.obligations],
        grant=decision.grant,
        considered=[{"entry": each.entry, "codes": [*each.codes]} for each in decision.considered],
        candidates=[*decision.candidates],
        packs=[_pack_json(each) for each in decision.packs],
        pack_set=canonical.b64(decision.pack_set),
        assertions=[*decision.assertions],
    )


def decision_from(stored: Json) -> Decision:
    """Read a decision.

    Args:
        stored: what `decision_json` made.

    Returns:
        The decision.

    Raises:
        Malformed: it is something else.
    """
    return _reading("decision", _decision_from, stored)


def reason_json(reason: Reason) -> dict[str, Json]:
    """Write a reason.

    Args:
        reason: the reason.

    Returns:
        Its members.
    """
    return _present(
        code=reason.code,
        speaker=reason.speaker,
        bases=[_basis_json(each) for each in reason.bases],
        detail=[*reason.detail],
    )


def reason_from(stored: Json) -> Reason:
    """Read a reason.

    Args:
        stored: what `reason_json` made.

    Returns:
        The reason.

    Raises:
        Malformed: it is something else.
    """
    return _reading("reason", _reason_from, stored)


def request_json(request: RequestFacts) -> dict[str, Json]:
    """Write what a decision was told about the request.

    Args:
        request: the facts.

    Returns:
        Their members.
    """
    context = request.context
    return _present(
        operation=request.operation,
        purpose=request.purpose,
        processing_country=request.processing_country,
        audio_captured_at=_time(request.audio_captured_at),
        recording_consent=request.recording_consent,
        controller=request.controller,
        context=None
        if context is None
        else _present(
            transaction_id=context.transaction_id,
            voice_connector_id=context.voice_connector_id,
            call_leg=context.call_leg,
        ),
    )


def request_from(stored: Json) -> RequestFacts:
    """Read what a decision was told about the request.

    Args:
        stored: what `request_json` made.

    Returns:
        The facts.

    Raises:
        Malformed: it is something else.
    """
    return _reading("request", _request_from, stored)


def speaker_json(speaker: SpeakerFacts) -> dict[str, Json]:
    """Write what a decision was told about the speaker.

    Args:
        speaker: the facts.

    Returns:
        Their members.
    """
    return _present(
        name=speaker.name,
        evidence=[_evidence_json(each) for each in speaker.evidence],
        age=speaker.age,
        adult=speaker.adult,
        claimed_by=speaker.claimed_by,
        last_interaction_at=_time(speaker.last_interaction_at),
        legal_hold=speaker.legal_hold,
        uses=[{"entry": entry, "count": count} for entry, count in speaker.uses],
    )


def speaker_from(stored: Json) -> SpeakerFacts:
    """Read what a decision was told about the speaker.

    Args:
        stored: what `speaker_json` made.

    Returns:
        The facts.

    Raises:
        Malformed: it is something else.
    """
    return _reading("speaker", _speaker_from, stored)


def _present(**members: Json) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}


def _time(at: datetime | None) -> str | None:
    return None if at is None else moment.to_text(at)


def _basis_json(basis: Basis) -> dict[str, Json]:
    return {"pack": basis.pack, "citation": basis.citation}


def _obligation_json(obligation: Obligation) -> dict[str, Json]:
    bases = [_basis_json(each) for each in obligation.bases]
    return _present(duty=obligation.duty, due=_time(obligation.due), bases=bases)


def _pack_json(used: PackUsed) -> dict[str, Json]:
    return {
        "code": used.code,
        "digest": used.digest,
        "since": used.since.isoformat(),
        "conditions": [*used.conditions],
        "exemptions": [*used.exemptions],
    }


def _evidence_json(evidence: Evidence) -> dict[str, Json]:
    return _present(
        code=evidence.code,
        kind=evidence.kind,
        source=evidence.source,
        confidence=evidence.confidence,
        observed_at=_time(evidence.observed_at),
    )


def _reading(what: str, read: Callable[[Mapping[str, Any]], _T], stored: Json) -> _T:
    try:
        if isinstance(stored, Mapping):
            return read(stored)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput, Malformed) as error:
        raise Malformed(f"A stored {what} cannot be read.") from error
    raise Malformed(f"A stored {what} is not an object.")


def _decision_from(it: Mapping[str, Any]) -> Decision:
    return Decision(
        allowed=_is(bool, it["allowed"]),
        at=moment.from_text(it["at"]),
        speaker=it.get("speaker"),
        reasons=tuple(_reason_from(each) for each in it["reasons"]),
        missing_notice_elements=tuple(it["missing_notice_elements"]),
        obligations=tuple(_obligation_from(each) for each in it["obligations"]),
        grant=it.get("grant"),
        considered=tuple(
            Considered(entry=each["entry"], codes=tuple(each["codes"])) for each in it["considered"]
        ),
        candidates=tuple(it["candidates"]),
        packs=tuple(_pack_from(each) for each in it["packs"]),
        pack_set=canonical.unb64(it["pack_set"]),
        assertions=tuple(it["assertions"]),
    )


def _reason_from(it: Mapping[str, Any]) -> Reason:
    if it["code"].partition(":")[0] not in DEFINITIONS:
        raise Malformed("There is no such reason.")
    bases = tuple(_basis_from(each) for each in it["bases"])
    return Reason(code=it["code"], speaker=it.get("speaker"), bases=bases, detail=tuple(it["detail"]))


def _basis_from(it: Mapping[str, Any]) -> Basis:
    return Basis(pack=it["pack"], citation=it["citation"])


def _obligation_from(it: Mapping[str, Any]) -> Obligation:
    bases = tuple(_basis_from(each) for each in it["bases"])
    return Obligation(duty=it["duty"], due=_time_from(it.get("due")), bases=bases)


def _pack_from(it: Mapping[str, Any]) -> PackUsed:
    return PackUsed(
        code=it["code"],
        digest=it["digest"],
        since=date.fromisoformat(it["since"]),
        conditions=tuple(it["conditions"]),
        exemptions=tuple(it["exemptions"]),
    )


def _request_from(it: Mapping[str, Any]) -> RequestFacts:
    context = it.get("context")
    return RequestFacts(
        operation=it["operation"],
        purpose=it.get("purpose"),
        processing_country=it.get("processing_country"),
        audio_captured_at=_time_from(it.get("audio_captured_at")),
        recording_consent=it.get("recording_consent"),
        controller=it.get("controller"),
        context=None if context is None else CallContext(**context),
    )


def _speaker_from(it: Mapping[str, Any]) -> SpeakerFacts:
    return SpeakerFacts(
        name=it.get("name"),
        evidence=tuple(_evidence_from(each) for each in it["evidence"]),
        age=it.get("age"),
        adult=_is(bool, it["adult"]),
        claimed_by=it.get("claimed_by"),
        last_interaction_at=_time_from(it.get("last_interaction_at")),
        legal_hold=_is(bool, it["legal_hold"]),
        uses=tuple((each["entry"], each["count"]) for each in it["uses"]),
    )


def _evidence_from(it: Mapping[str, Any]) -> Evidence:
    return Evidence(
        code=it["code"],
        kind=it["kind"],
        source=it["source"],
        confidence=it["confidence"],
        observed_at=_time_from(it.get("observed_at")),
    )


def _time_from(text: Any) -> datetime | None:
    return None if text is None else moment.from_text(text)


def _is(kind: type[_T], value: object) -> _T:
    if not isinstance(value, kind):
        raise Malformed("A stored value is of another kind.")
    return value
