"""The stored form of decisions and of their inputs: canonical JSON without floats, and back.

What is stored is enough to say the same again: codes, packs with digests, clauses, obligations, and, beside them,
the facts that the decision was told. Statements, assertions and packs are entries and artifacts of their own and
are named here, never copied. Sentences are not stored: they follow from the codes.

Invariants: ``decision_from(decision_json(d))`` is d, and likewise for facts; absent is absent, never null;
readers raise only `Malformed`. The stored form holds personal data and only ever lies sealed.
"""

from consentgate.canonical import Json
from consentgate.consent.shapes import read, write
from consentgate.errors import Malformed
from consentgate.policy.decide import Decision
from consentgate.policy.facts import RequestFacts, SpeakerFacts
from consentgate.policy.reasons import DEFINITIONS, Reason


def decision_json(decision: Decision) -> dict[str, Json]:
    """Write a decision.

    Args:
        decision: the decision.

    Returns:
        Its members.
    """
    return write(decision)


def decision_from(stored: Json) -> Decision:
    """Read a decision.

    Args:
        stored: what `decision_json` made.

    Returns:
        The decision.

    Raises:
        Malformed: it is something else, or names a reason that this release does not know.
    """
    decision = read(Decision, stored, closed=True, where="decision")
    for reason in decision.reasons:
        _check_code(reason)
    return decision


def reason_json(reason: Reason) -> dict[str, Json]:
    """Write a reason.

    Args:
        reason: the reason.

    Returns:
        Its members.
    """
    return write(reason)


def reason_from(stored: Json) -> Reason:
    """Read a reason.

    Args:
        stored: what `reason_json` made.

    Returns:
        The reason.

    Raises:
        Malformed: it is something else, or a reason that this release does not know.
    """
    reason = read(Reason, stored, closed=True, where="reason")
    _check_code(reason)
    return reason


def request_json(request: RequestFacts) -> dict[str, Json]:
    """Write what a decision was told about the request.

    Args:
        request: the facts.

    Returns:
        Their members.
    """
    return write(request)


def request_from(stored: Json) -> RequestFacts:
    """Read what a decision was told about the request.

    Args:
        stored: what `request_json` made.

    Returns:
        The facts.

    Raises:
        Malformed: it is something else.
    """
    return read(RequestFacts, stored, closed=True, where="request")


def speaker_json(speaker: SpeakerFacts) -> dict[str, Json]:
    """Write what a decision was told about the speaker.

    Args:
        speaker: the facts.

    Returns:
        Their members.
    """
    return write(speaker)


def speaker_from(stored: Json) -> SpeakerFacts:
    """Read what a decision was told about the speaker.

    Args:
        stored: what `speaker_json` made.

    Returns:
        The facts.

    Raises:
        Malformed: it is something else.
    """
    return read(SpeakerFacts, stored, closed=True, where="speaker")


def _check_code(reason: Reason) -> None:
    # Replay must not guess what a code of a later release means.
    if reason.code.partition(":")[0] not in DEFINITIONS:
        raise Malformed("The stored reason is none that this release knows.")
