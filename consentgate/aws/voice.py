"""Searches and tone analyses of ``chime-sdk-voice``: they name a transaction of a Voice Connector.

A search may name a leg. A tone analysis has no such parameter, and its results come for the caller and the callee:
both legs are analysed.
"""

import re
from typing import Final

from consentgate.aws.wire import (
    UNREADABLE,
    VOICE,
    Addressed,
    Answer,
    Operation,
    Wire,
    answered,
    fields,
    member,
    text,
)
from consentgate.consent.details import CallContext
from consentgate.errors import InvalidInput

_SEARCHES: Final = re.compile(r"/voice-connectors/(?P<VoiceConnectorId>[^/]+)/speaker-search-tasks")
_TONES: Final = re.compile(r"/voice-connectors/(?P<VoiceConnectorId>[^/]+)/voice-tone-analysis-tasks")


def call_of_transaction(transaction_id: str) -> str:
    """Name the call of a Voice Connector transaction, as the ledger keeps it.

    Args:
        transaction_id: the vendor's transaction id.

    Returns:
        The call's name.
    """
    return f"transaction/{transaction_id}"


def _address(wire: Wire, path: re.Pattern[str], *, with_leg: bool) -> Addressed:
    said = fields(wire, "POST", path)
    if said is None:
        return UNREADABLE
    transaction, leg = text(said.get("TransactionId")), said.get("CallLeg")
    # botocore checks no enums: the vendor would read another leg in a way that we cannot know.
    if transaction is None or leg not in (None, "Caller", "Callee") or (leg is not None and not with_leg):
        return UNREADABLE
    try:
        context = CallContext(transaction_id=transaction, voice_connector_id=said["VoiceConnectorId"])
    except InvalidInput:
        return UNREADABLE
    return Addressed(
        call=call_of_transaction(transaction),
        context=context,
        leg="Caller" if leg == "Caller" else "Callee" if leg == "Callee" else None,
        token=text(said.get("ClientRequestToken")),
        parameters=said,
    )


def _address_search(wire: Wire) -> Addressed:
    return _address(wire, _SEARCHES, with_leg=True)


def _address_tone(wire: Wire) -> Addressed:
    return _address(wire, _TONES, with_leg=False)


def _answer_search(body: bytes) -> Answer:
    return answered(body, "SpeakerSearchTask", results="SpeakerSearchDetails")


def _answer_tone(body: bytes) -> Answer:
    return answered(body, "VoiceToneAnalysisTask")


def _stop_search(path: str, task: str) -> tuple[str, dict[str, str]]:
    connector = member(path, _SEARCHES, "VoiceConnectorId")
    return "stop_speaker_search_task", {"VoiceConnectorId": connector, "SpeakerSearchTaskId": task}


def _stop_tone(path: str, task: str) -> tuple[str, dict[str, str]]:
    connector = member(path, _TONES, "VoiceConnectorId")
    return "stop_voice_tone_analysis_task", {"VoiceConnectorId": connector, "VoiceToneAnalysisTaskId": task}


OPERATIONS: Final = (
    Operation(
        service=VOICE,
        name="StartSpeakerSearchTask",
        action="search",
        address=_address_search,
        answer=_answer_search,
        stop=_stop_search,
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
    ),
    Operation(
        service=VOICE,
        name="StartVoiceToneAnalysisTask",
        action="tone_analysis",
        address=_address_tone,
        answer=_answer_tone,
        stop=_stop_tone,
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
    ),
)
