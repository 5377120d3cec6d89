"""Why: the full trace of a decision that the gate would make, or would have made, without writing anything.

The decision itself is the gate's own `judge`; around it stand the same requirements and the same state, so
that each thing that the law asks can be shown with its clause and with what became of it.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from uuid import UUID

from consentgate.config.parts import Parts
from consentgate.config.trace import Trace, trace
from consentgate.consent.details import CallContext
from consentgate.consent.state import fold
from consentgate.errors import InvalidInput
from consentgate.gate.judge import Judged, Verdict, judge
from consentgate.gate.request import GatedRequest, Leg
from consentgate.ledger.hypothetical import as_of, reading_of
from consentgate.ledger.speaker import Speaker
from consentgate.ledger.times import trusted_times
from consentgate.policy.facts import RecordingConsent
from consentgate.policy.requirements import merge
from consentgate.values import dataclass


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
class Traced:
    """One speaker's part of an explanation.

    Attributes:
        judged: the gate's decision.
        trace: how it came about.
    """

    judged: Judged
    trace: Trace


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
    trusted = _trusted(parts, verdict)
    return Explained(
        verdict=verdict, speakers=tuple(_traced(parts, verdict, each, trusted) for each in verdict.judged)
    )


def _trusted(parts: Parts, verdict: Verdict) -> dict[str, datetime]:
    """Find the trusted times that the statements had at the moment in question: an anchor came later or not."""
    entries = [UUID(each.entry) for judged in verdict.judged for each in judged.on.received]
    if not entries:
        return {}
    with parts.database.read() as connection:
        found = trusted_times(connection, parts.book.tenant, entries)
    return {str(entry): at for entry, at in found.items() if at <= verdict.at}


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


def _traced(parts: Parts, verdict: Verdict, judged: Judged, trusted: Mapping[str, datetime]) -> Traced:
    asked = merge(
        judged.decision.candidates,
        parts.gate.packs,
        day=verdict.at.date(),
        purpose=verdict.purpose,
        standing=judged.standing,
    )
    state = fold(judged.on.received, references=judged.on.speaker.known_as, purpose=verdict.purpose)
    how = trace(
        parts.gate.packs,
        judged.decision,
        asked,
        state,
        name=judged.on.name,
        evidence=judged.facts.evidence,
        trusted=trusted,
    )
    return Traced(judged=judged, trace=how)
