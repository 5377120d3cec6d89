"""The one table of gated operations: what each names on the wire, and what its answer means.

An operation of the table without an adapter is refused outright: it carries the vendor's consent warning, and
nothing here could say yet whom it is about. Operations that stop or delete are not in the table: they stay
open.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Final
from urllib.parse import unquote

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.details import CallContext
from consentgate.errors import InvalidInput, Malformed
from consentgate.gate.request import Leg
from consentgate.values import dataclass

VOICE: Final = "chime-sdk-voice"
PIPELINES: Final = "chime-sdk-media-pipelines"

_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A request as botocore serialised it.

    Attributes:
        method: HTTP method.
        path: URL path, percent-encoded.
        query: URL query without the question mark.
        body: exact bytes of the body.
    """

    method: str
    path: str
    query: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Which call and leg a request is about.

    Attributes:
        call: the ledger's name of the call, or None.
        context: the call as grants name it, without the leg, or None.
        leg: the leg, or None for both.
        token: the client request token on the wire, or None.
        trouble: code of a gate reason when the request says something that cannot be gated.
        parameters: what the request says, by the vendor's names, as the backend's resolver is told.
    """

    call: str | None = field(repr=False)
    context: CallContext | None = field(repr=False)
    leg: Leg | None
    token: str | None = field(repr=False)
    trouble: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer says, as far as the audit needs it.

    Attributes:
        task: id of the task that was started, or None.
        results: whether it carries results, which name other people.
        summary: its members other than the results, as canonical JSON values.
    """

    task: str | None = field(repr=False)
    results: bool
    summary: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One gated operation.

    Attributes:
        service: botocore's service id in event names.
        name: the operation's name in the service model.
        action: the policy engine's word for what it does.
        token: name of the parameter that carries the client request token, or None.
        address: reads the serialised request, or None where the operation is refused outright.
        answer: reads the bytes of a successful answer.
        stop: name of the client method that stops the task, with its parameters from wire and task id.
    """

    service: str
    name: str
    action: str
    token: str | None = None
    address: Callable[[Wire], Addressed] | None = None
    answer: Callable[[bytes], Answer] | None = None
    stop: Callable[[str, str], tuple[str, dict[str, str]]] | None = None


def call_of_transaction(transaction_id: str) -> str:
    """Name the call of a Voice Connector transaction, as the ledger keeps it.

    Args:
        transaction_id: the vendor's transaction id.

    Returns:
        The call's name.
    """
    return f"transaction/{transaction_id}"


_UNREADABLE: Final = Addressed(call=None, context=None, leg=None, token=None, trouble="REQUEST_UNREADABLE")
_SEARCH_PATH: Final = re.compile(r"/voice-connectors/([^/]+)/speaker-search-tasks")


def _address_search(wire: Wire) -> Addressed:
    found = _SEARCH_PATH.fullmatch(wire.path)
    try:
        body = canonical.decode(wire.body, floats=True)
    except Malformed:
        return _UNREADABLE
    # The model has no query here; another method would be another operation.
    if not isinstance(body, Mapping) or found is None or (wire.method, wire.query) != ("POST", ""):
        return _UNREADABLE
    transaction, leg = _text(body.get("TransactionId")), body.get("CallLeg")
    # botocore checks no enums: the vendor would read another leg in a way that we cannot know.
    if transaction is None or leg not in (None, "Caller", "Callee"):
        return _UNREADABLE
    connector = unquote(found.group(1))
    try:
        context = CallContext(transaction_id=transaction, voice_connector_id=connector)
    except InvalidInput:
        return _UNREADABLE
    return Addressed(
        call=call_of_transaction(transaction),
        context=context,
        leg="Caller" if leg == "Caller" else "Callee" if leg == "Callee" else None,
        token=_text(body.get("ClientRequestToken")),
        parameters={**body, "VoiceConnectorId": connector},
    )


def _answer_search(body: bytes) -> Answer:
    # The vendor's answer is taken as it comes: a number too large for us must not cost us the task's id.
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(task=None, results=True, summary={})
    task = document.get("SpeakerSearchTask") if isinstance(document, dict) else None
    if not isinstance(task, dict):
        return Answer(task=None, results=True, summary={})
    details = task.get("SpeakerSearchDetails")
    results = isinstance(details, dict) and bool(details.get("Results"))
    kept: dict[str, Json] = dict(task)
    if isinstance(details, dict):
        kept["SpeakerSearchDetails"] = {k: v for k, v in details.items() if k != "Results"}
    summary = _plain(kept)
    return Answer(
        task=_text(task.get("SpeakerSearchTaskId")),
        results=results,
        summary=summary if isinstance(summary, Mapping) else {},
    )


def _stop_search(path: str, task: str) -> tuple[str, dict[str, str]]:
    found = _SEARCH_PATH.fullmatch(path)
    connector = unquote(found.group(1)) if found else ""
    return "stop_speaker_search_task", {"VoiceConnectorId": connector, "SpeakerSearchTaskId": task}


def _text(value: Json) -> str | None:
    return _unicode(value) if isinstance(value, str) and value else None


def _plain(value: Json, depth: int = 0) -> Json:
    """Make a foreign value one that canonical JSON takes: what cannot be is written as text, or left out."""
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > canonical.MAX_INTEGER):
        return repr(value)
    if isinstance(value, str):
        return _unicode(value)
    if depth == _DEEPEST:
        return None
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        # A name outside printable ASCII cannot be a member of the model; it is not worth losing the rest.
        return {k: _plain(v, depth + 1) for k, v in value.items() if k.isascii() and k.isprintable()}
    return value


def _unicode(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _refused(service: str, name: str, action: str) -> Operation:
    return Operation(service=service, name=name, action=action)


_TABLE: Final = (
    Operation(
        service=VOICE,
        name="StartSpeakerSearchTask",
        action="search",
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
        address=_address_search,
        answer=_answer_search,
        stop=_stop_search,
    ),
    _refused(VOICE, "CreateVoiceProfile", "enrol"),
    _refused(VOICE, "UpdateVoiceProfile", "enrol"),
    _refused(VOICE, "CreateVoiceProfileDomain", "enrol"),
    _refused(VOICE, "StartVoiceToneAnalysisTask", "tone_analysis"),
    _refused(PIPELINES, "StartSpeakerSearchTask", "search"),
    _refused(PIPELINES, "StartVoiceToneAnalysisTask", "tone_analysis"),
)

GATED: Final[Mapping[tuple[str, str], Operation]] = {(o.service, o.name): o for o in _TABLE}

SERVICES: Final = frozenset(service for service, _ in GATED)


def leg_of(exchange: Mapping[str, Json]) -> Leg | None:
    """Tell which leg a stored request names.

    Args:
        exchange: the members of its ``exchange`` part.

    Returns:
        The leg; None for both, and where nobody can tell.
    """
    told = {
        name: _text(exchange.get(name)) or "" for name in ("service", "operation", "method", "path", "query")
    }
    operation = GATED.get((told["service"], told["operation"]))
    body = exchange.get("body")
    if operation is None or operation.address is None or not isinstance(body, str):
        return None
    try:
        sent = canonical.unb64(body)
    except Malformed:
        return None
    return operation.address(
        Wire(method=told["method"], path=told["path"], query=told["query"], body=sent)
    ).leg
