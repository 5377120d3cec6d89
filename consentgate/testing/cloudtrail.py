"""Records of CloudTrail in the form that the vendor publishes, about calls of gated operations.

For tests of what reads them. Everything is data: nothing is sent. They hold what real ones hold and nobody should
copy: who called, from where, with which key.

Example:
    >>> record = trail_record("StartSpeakerSearchTask", {"TransactionId": "tx-1"}, made="task-1")
    >>> record["requestParameters"], record["responseElements"]
    ({'transactionId': 'tx-1'}, {'speakerSearchTask': {'speakerSearchTaskId': 'task-1'}})
"""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from consentgate.testing.chime import SeenRequest
from consentgate.testing.clock import START
from consentgate.testing.events import CONNECTOR

Record = dict[str, Any]

REGION: Final = "us-east-1"
ACCESS_KEY: Final = "AKIAIOSFODNN7EXAMPLE"

_AROUND: Final[Mapping[str, Any]] = {
    "eventVersion": "1.11",
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAIGDTESTANDEXAMPLE:worker",
        "arn": "arn:aws:sts::111122223333:assumed-role/contact-centre/worker",
        "accountId": "111122223333",
        "accessKeyId": ACCESS_KEY,
    },
    "eventSource": "chime.amazonaws.com",
    "sourceIPAddress": "192.0.2.17",
    "userAgent": "Boto3/1.44.5",
    "readOnly": False,
    "eventType": "AwsApiCall",
    "managementEvent": True,
    "recipientAccountId": "111122223333",
    "eventCategory": "Management",
}
_NOUNS: Final = {
    "StartSpeakerSearchTask": "speakerSearchTask",
    "StartVoiceToneAnalysisTask": "voiceToneAnalysisTask",
    "CreateVoiceProfile": "voiceProfile",
    "UpdateVoiceProfile": "voiceProfile",
    "CreateVoiceProfileDomain": "voiceProfileDomain",
}


def trail_record(
    operation: str,
    parameters: Mapping[str, Any] | None,
    *,
    made: str | None = None,
    error: str | None = None,
    at: datetime = START,
    region: str = REGION,
    **members: Any,
) -> Record:
    """Make a record.

    Args:
        operation: the vendor's name of the operation.
        parameters: what was asked, by the names of the vendor's API; None where the record shows nothing.
        made: id of what was started or made, or None.
        error: the vendor's error code, or None where the call was a success.
        at: when the vendor had answered.
        region: the region.
        **members: further members, or others than these.

    Returns:
        The record.
    """
    noun = _NOUNS.get(operation, "")
    return {
        **_AROUND,
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventName": operation,
        "awsRegion": region,
        **({"errorCode": error, "errorMessage": "User 192.0.2.17 may not."} if error else {}),
        "requestParameters": _small(parameters),
        "responseElements": {noun: {f"{noun}Id": made}} if made is not None else None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        **members,
    }


def record_of(
    seen: SeenRequest, *, made: str | None = None, error: str | None = None, **members: Any
) -> Record:
    """Make the record of a request that reached the loopback server.

    Args:
        seen: the request.
        made: id of what it started or made, or None.
        error: the error code that it was answered with, or None.
        **members: further members, or others than `trail_record` makes.

    Returns:
        The record.
    """
    named = seen.path.split("/")
    # What stands in the path is a parameter like any other.
    given: Record = dict(json.loads(seen.body or b"{}"))
    if named[1] == "voice-connectors":
        given["VoiceConnectorId"] = named[2]
    elif named[1] == "media-insights-pipelines":
        given["Identifier"] = named[2]
    elif named[1] == "voice-profiles" and len(named) > 2:
        given["VoiceProfileId"] = named[2]
    return trail_record(seen.operation or "", given, made=made, error=error, at=seen.at, **members)


def ungated_search(transaction: str = "tx-9", **members: Any) -> Record:
    """Make the record of a search that no gate knows of.

    Args:
        transaction: its call.
        **members: as `trail_record` takes them.

    Returns:
        The record.
    """
    asked = {"VoiceConnectorId": CONNECTOR, "TransactionId": transaction, "VoiceProfileDomainId": "vpd-1"}
    return trail_record("StartSpeakerSearchTask", asked, **{"made": "task-of-nobody", **members})


def trail_file(*records: Record) -> bytes:
    """Make a file.

    Args:
        *records: what is in it.

    Returns:
        Its bytes, not compressed.
    """
    return json.dumps({"Records": list(records)}, separators=(",", ":")).encode()


def _small(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: _small(each) for name, each in value.items()}
    return value
