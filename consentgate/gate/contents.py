"""What the parts of intents and denials hold: all that the decision read, by name, and the exact request.

Everything here lies sealed, each part under the key of the one speaker that it is about. A denial that is
about no speaker lies under a key of the month.
"""

from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.gate.context import GateContext
from consentgate.gate.enrolling import enrolled
from consentgate.gate.judge import Judged, Verdict
from consentgate.gate.request import GatedRequest
from consentgate.ledger.book import Content
from consentgate.ledger.reading import Reading
from consentgate.ledger.vault import Subject, month_key
from consentgate.policy.record import decision_json, reason_json, request_json, speaker_json
from consentgate.values import dataclass
from consentgate.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A denied request.

    Attributes:
        request: the request.
        verdict: why.
    """

    request: GatedRequest
    verdict: Verdict


def intent_contents(
    gate: GateContext,
    request: GatedRequest,
    reading: Reading,
    verdict: Verdict,
    owners: tuple[Subject, ...],
) -> list[Content]:
    """Give the parts of an intent.

    Args:
        gate: the gate.
        request: the request.
        reading: what the decision read.
        verdict: what was decided.
        owners: the speakers' subjects, in order.

    Returns:
        ``decision.i`` and ``exchange.i`` for each speaker, or ``body.0`` where it is about nobody.
    """
    if verdict.about_nobody:
        members: dict[str, Json] = {
            "decision": _shared(gate, request, reading, verdict),
            "exchange": request_members(request),
        }
        return [Content(name="body.0", data_key=owners[0].data_key, members=members)]
    return _about_speakers(gate, request, reading, verdict, owners)


def denial_contents(
    gate: GateContext, connection: Connection, denial: Denial, owners: tuple[Subject, ...], at: datetime
) -> list[Content]:
    """Give the parts of a denial.

    Args:
        gate: the gate.
        connection: an open write transaction.
        denial: what was denied, and why.
        owners: the speakers' subjects, in order; empty when it is about nobody.
        at: the time.

    Returns:
        ``decision.i`` and ``exchange.i`` for each speaker, or ``body.0``.
    """
    request, verdict = denial.request, denial.verdict
    if owners and verdict.reading is not None:
        return _about_speakers(gate, request, verdict.reading, verdict, owners)
    key = gate.book.vault.ensure_key(connection, month_key("unattributed", at))
    members: dict[str, Json] = {
        "decision": {
            "request": "denied",
            "action": request.action,
            "engine": VERSION,
            "reasons": [reason_json(reason) for reason in verdict.reasons],
            **_shadow(gate, verdict),
        },
        "exchange": request_members(request),
    }
    return [Content(name="body.0", data_key=key.data_key, members=members)]


def request_members(request: GatedRequest) -> dict[str, Json]:
    """Give the stored form of a request: method, path, query and exact body or its digest, never a header.

    Args:
        request: the request.

    Returns:
        Canonical JSON members.
    """
    members: dict[str, Json] = {
        "service": request.service,
        "operation": request.operation,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "token_from": request.token_from,
        "lasts_ms": request.lasts_ms,
    }
    if request.keep_body:
        members["body"] = canonical.b64(request.body)
    else:
        members["body_sha256"] = canonical.b64(sha256(request.body).digest())
        members["body_size"] = len(request.body)
    if request.leg_beside:
        members["leg"] = request.leg
    if request.token is not None:
        members["token"] = request.token
    if request.region is not None:
        members["region"] = request.region
    return members


def _about_speakers(
    gate: GateContext,
    request: GatedRequest,
    reading: Reading,
    verdict: Verdict,
    owners: tuple[Subject, ...],
) -> list[Content]:
    shared = _shared(gate, request, reading, verdict)
    exchange = request_members(request)
    pairs = list(zip(verdict.judged, owners, strict=True))
    one = enrolled(request, reading.speakers) if request.about == "task" else None
    decisions = [
        Content(
            name=f"decision.{i}",
            data_key=owner.data_key,
            members={**shared, **_of_speaker(judged), **({"enrols": True} if judged.on is one else {})},
        )
        for i, (judged, owner) in enumerate(pairs)
    ]
    exchanges = [
        Content(name=f"exchange.{i}", data_key=owner.data_key, members=exchange)
        for i, (_, owner) in enumerate(pairs)
    ]
    return [*decisions, *exchanges]


def _shared(gate: GateContext, request: GatedRequest, reading: Reading, verdict: Verdict) -> dict[str, Json]:
    members: dict[str, Json] = {
        "request": "allowed" if verdict.allowed else "denied",
        "action": request.action,
        "engine": VERSION,
        "controller": gate.controller,
        "packs": canonical.b64(gate.packs.digest),
        "registry": canonical.b64(reading.controller.registry_digest),
        "calls": [str(entry) for entry in reading.call.entries] if reading.call else [],
        **_shadow(gate, verdict),
    }
    call = request.call or (reading.task.call if reading.task else None)
    if call is not None:
        members["call"] = call
    if request.task is not None:
        members["task"] = request.task
    if gate.jurisdiction is not None:
        members["controller_jurisdiction"] = gate.jurisdiction
    if verdict.purpose is not None:
        members["purpose"] = verdict.purpose
    return members


def _shadow(gate: GateContext, verdict: Verdict) -> dict[str, Json]:
    shadow = gate.shadow
    return {"shadow": shadow.members} if shadow is not None and shadow.is_on(verdict.at) else {}


def _of_speaker(judged: Judged) -> dict[str, Json]:
    return {
        "leg": judged.on.leg,
        "number": judged.on.number,
        "references": [{"kind": r.kind, "value": r.value} for r in judged.on.speaker.known_as],
        "speaker": speaker_json(judged.facts),
        "asked": request_json(judged.asked),
        "statements": [received.entry for received in judged.on.received],
        "assertions": [used.entry for used in judged.standing.used],
        "decision": decision_json(judged.decision),
    }
