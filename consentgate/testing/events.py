"""Notifications of voice analytics, as the vendor's documents show them, and what they come wrapped in.

For tests of what takes them in. Everything is data: nothing is sent.

Example:
    >>> event = search_event("task-1", "IdentificationSuccessful", matches=[("vp-1", 0.94)])
    >>> event["detail"]["speakerSearchDetails"]["results"]
    [{'voiceProfileId': 'vp-1', 'confidenceScore': '0.94'}]
    >>> [record["eventSource"] for record in in_sqs(event)["Records"]]
    ['aws:sqs']
"""

import json
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from consentgate.moment import to_text
from consentgate.testing.clock import START
from consentgate.testing.script import Match

Event = dict[str, Any]

CONNECTOR: Final = "abcdef1ghij2klmno3pqr4"


def event(type_: str, detail: Mapping[str, Any], *, at: datetime = START, id_: str = "") -> Event:
    """Make an event.

    Args:
        type_: its ``detail-type``.
        detail: its ``detail``.
        at: its time.
        id_: its id, made if empty.

    Returns:
        The event, as EventBridge hands it on.
    """
    return {
        "version": "0",
        "id": id_ or str(uuid.uuid4()),
        "detail-type": type_,
        "service-type": "VoiceAnalytics",
        "source": "aws.chime",
        "account": "111122223333",
        "time": to_text(at),
        "region": "us-east-1",
        "resources": [],
        "detail": dict(detail),
    }


def search_event(
    task: str,
    status: str,
    *,
    at: datetime = START,
    matches: Sequence[Match] | None = None,
    transaction: str | None = None,
    **detail: Any,
) -> Event:
    """Make an event about a speaker search.

    Args:
        task: the task's id.
        status: ``IdentificationSuccessful``, ``VoiceprintGenerationSuccess`` and so on.
        at: its time.
        matches: voice profile id and score of each match, the score spelled as a text as the vendor does.
        transaction: the call's transaction id, or None.
        **detail: further members of ``detail``.

    Returns:
        The event.
    """
    members: Event = {"taskId": task, "detailStatus": status, **detail, **_on(transaction)}
    if matches is not None:
        members["speakerSearchDetails"] = {
            "results": [{"voiceProfileId": id_, "confidenceScore": str(score)} for id_, score in matches]
        }
    return event("SpeakerSearchStatus", members, at=at)


def tone_event(
    task: str,
    status: str,
    *,
    at: datetime = START,
    label: str | None = "neutral",
    transaction: str | None = None,
    **detail: Any,
) -> Event:
    """Make an event about an analysis of a voice's tone.

    Args:
        task: the task's id.
        status: ``VoiceToneAnalysisSuccessful``, ``VoiceToneAnalysisCompleted`` and so on.
        at: its time.
        label: what was heard, or None for an event without results.
        transaction: the call's transaction id, or None.
        **detail: further members of ``detail``.

    Returns:
        The event.
    """
    members: Event = {"taskId": task, "detailStatus": status, **detail, **_on(transaction)}
    if label is not None:
        score = {"neutral": "0.83", "positive": "0.13", "negative": "0.04"}
        tone = {"startTime": to_text(at), "endTime": to_text(at), "voiceToneLabel": label}
        members["voiceToneAnalysisDetails"] = {
            name: {**tone, "voiceToneScore": score}
            for name in ("currentAverageVoiceTone", "overallAverageVoiceTone")
        }
    return event("VoiceToneAnalysisStatus", members, at=at)


def ready_event(transaction: str, *, at: datetime = START) -> Event:
    """Make an event that says that a call can be analysed.

    Args:
        transaction: the call's transaction id.
        at: its time.

    Returns:
        The event.
    """
    return event("VoiceAnalyticsStatus", _of_call("AnalyticsReady", transaction), at=at)


def post_call_event(
    transaction: str,
    *,
    at: datetime = START,
    best: str | None = None,
    created: Sequence[tuple[str, datetime]] = (),
    updated: Sequence[tuple[str, datetime]] = (),
) -> Event:
    """Make the summary that comes five minutes after a call.

    Args:
        transaction: the call's transaction id.
        at: its time.
        best: id of the voice profile that fitted best, or None.
        created: voice profiles that were made during the call, with when it was asked for.
        updated: likewise for updates.

    Returns:
        The event.
    """
    found: Event = {
        f"{how}VoiceProfileTransactions": [
            {"voiceProfileId": profile, "requestTimestamp": to_text(when)} for profile, when in changes
        ]
        for how, changes in (("create", created), ("update", updated))
    }
    if best is not None:
        found |= {"bestMatchedVoiceProfileId": best, "customerValidatedCallerIdentity": best}
    detail = {**_of_call("PostCallVoiceAnalytics", transaction), "speakerSearchResults": found}
    return event("VoiceAnalyticsStatus", detail, at=at)


def in_sqs(*events: Event) -> Event:
    """Wrap events as a Lambda function gets them from a queue of SQS.

    Args:
        *events: the events.

    Returns:
        What the function is called with.
    """
    return {
        "Records": [
            {"messageId": f"message-{i}", "eventSource": "aws:sqs", "body": json.dumps(each)}
            for i, each in enumerate(events)
        ]
    }


def in_sns(*events: Event) -> Event:
    """Wrap events as a Lambda function gets them from a topic of SNS.

    Args:
        *events: the events.

    Returns:
        What the function is called with.
    """
    return {
        "Records": [
            {"EventSource": "aws:sns", "Sns": {"MessageId": f"message-{i}", "Message": json.dumps(each)}}
            for i, each in enumerate(events)
        ]
    }


def in_sns_and_sqs(*events: Event) -> Event:
    """Wrap events as a Lambda function gets them from a queue that listens to a topic.

    Args:
        *events: the events.

    Returns:
        What the function is called with.
    """
    return in_sqs(
        *(
            {"Type": "Notification", "MessageId": "of-the-topic", "Message": json.dumps(each)}
            for each in events
        )
    )


def in_kinesis(*events: Event) -> Event:
    """Wrap events as a Lambda function gets them from a stream of Kinesis.

    Args:
        *events: the events.

    Returns:
        What the function is called with.
    """
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "kinesis": {
                    "sequenceNumber": f"message-{i}",
                    "data": b64encode(json.dumps(each).encode()).decode(),
                },
            }
            for i, each in enumerate(events)
        ]
    }


def received(*events: Event) -> Event:
    """Wrap events as boto3's ``receive_message`` gives them.

    Args:
        *events: the events.

    Returns:
        The answer.
    """
    messages = [
        {"MessageId": f"message-{i}", "ReceiptHandle": f"receipt-{i}", "Body": json.dumps(each)}
        for i, each in enumerate(events)
    ]
    return {**({"Messages": messages} if messages else {}), "ResponseMetadata": {"HTTPStatusCode": 200}}


WRAPPINGS: Final[Mapping[str, Callable[..., Any]]] = {
    "EventBridge": lambda *events: list(events),
    "SQS": in_sqs,
    "SNS": in_sns,
    "SNS through SQS": in_sns_and_sqs,
    "Kinesis": in_kinesis,
    "a queue's answer": received,
    "text": lambda *events: json.dumps(events),
}
"""Every way in which events arrive."""


def _on(transaction: str | None) -> Event:
    if transaction is None:
        return {}
    return {"transactionId": transaction, "voiceConnectorId": CONNECTOR, "isCaller": True}


def _of_call(status: str, transaction: str) -> Event:
    return {
        "detailStatus": status,
        "callId": "22e8dee8-bbd7-4f94-927b-2d0ebaeddc1c",
        "transactionId": transaction,
        "voiceConnectorId": CONNECTOR,
        "isCaller": True,
    }
