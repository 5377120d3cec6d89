"""Searches and tone analyses of ``chime-sdk-media-pipelines``: they name a pipeline, a stream and a channel.

There is no transaction here. Each channel of a stream in a pipeline is a call of its own for the ledger, with one
leg, which is written as ``Caller``. A request that names no stream would analyse whatever the pipeline has: nobody
can say whose voices that is, so it is refused.
"""

import re
from typing import Final

from consentgate.aws.wire import (
    PIPELINES,
    UNREADABLE,
    Addressed,
    Answer,
    Operation,
    Wire,
    answered,
    fields,
    member,
    text,
)
from consentgate.consent.terms import check_text
from consentgate.errors import InvalidInput

_SEARCHES: Final = re.compile(r"/media-insights-pipelines/(?P<Identifier>[^/]+)/speaker-search-tasks")
_TONES: Final = re.compile(r"/media-insights-pipelines/(?P<Identifier>[^/]+)/voice-tone-analysis-tasks")
_START: Final = "operation=start"
_CONFIGURATION: Final = "KinesisVideoStreamSourceTaskConfiguration"
_LIMIT: Final = 1024
_CHANNELS: Final = (0, 1)


def call_of_stream(pipeline: str, stream_arn: str, channel: int) -> str:
    """Name a channel of a stream in a pipeline, as the ledger keeps it.

    Args:
        pipeline: id or ARN of the media insights pipeline; both name the same.
        stream_arn: ARN of the Kinesis video stream.
        channel: 0 or 1.

    Returns:
        The call's name.

    Raises:
        InvalidInput: a value cannot be used.
    """
    check_text(pipeline, "pipeline", limit=_LIMIT)
    check_text(stream_arn, "stream_arn", limit=_LIMIT)
    if type(channel) is not int or channel not in _CHANNELS:
        raise InvalidInput("channel is 0 or 1.")
    # The vendor takes either; told under one, asked under the other, it must be found.
    identifier = pipeline.rpartition("/")[2] if pipeline.startswith("arn:") else pipeline
    return f"stream/{identifier}/{channel}/{stream_arn}"


def _address(wire: Wire, path: re.Pattern[str]) -> Addressed:
    said = fields(wire, "POST", path, _START)
    if said is None:
        return UNREADABLE
    configuration = said.get(_CONFIGURATION)
    if configuration is None:
        return Addressed(trouble="STREAM_UNNAMED", token=text(said.get("ClientRequestToken")))
    if not isinstance(configuration, dict):
        return UNREADABLE
    try:
        call = call_of_stream(
            said["Identifier"], configuration.get("StreamArn") or "", configuration.get("ChannelId", -1)
        )
    except InvalidInput:
        return UNREADABLE
    return Addressed(
        call=call,
        leg="Caller",
        token=text(said.get("ClientRequestToken")),
        dated=configuration.get("FragmentNumber") is not None,
        parameters=said,
    )


def _address_search(wire: Wire) -> Addressed:
    return _address(wire, _SEARCHES)


def _address_tone(wire: Wire) -> Addressed:
    return _address(wire, _TONES)


def _answer_search(body: bytes) -> Answer:
    return answered(body, "SpeakerSearchTask")


def _answer_tone(body: bytes) -> Answer:
    return answered(body, "VoiceToneAnalysisTask")


def _stop_search(path: str, task: str) -> tuple[str, dict[str, str]]:
    pipeline = member(path, _SEARCHES, "Identifier")
    return "stop_speaker_search_task", {"Identifier": pipeline, "SpeakerSearchTaskId": task}


def _stop_tone(path: str, task: str) -> tuple[str, dict[str, str]]:
    pipeline = member(path, _TONES, "Identifier")
    return "stop_voice_tone_analysis_task", {"Identifier": pipeline, "VoiceToneAnalysisTaskId": task}


OPERATIONS: Final = (
    Operation(
        service=PIPELINES,
        name="StartSpeakerSearchTask",
        action="search",
        address=_address_search,
        answer=_answer_search,
        stop=_stop_search,
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
    ),
    Operation(
        service=PIPELINES,
        name="StartVoiceToneAnalysisTask",
        action="tone_analysis",
        address=_address_tone,
        answer=_answer_tone,
        stop=_stop_tone,
        token="ClientRequestToken",  # noqa: S106  # the name of a parameter
    ),
)
