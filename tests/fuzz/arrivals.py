"""What arrives from the vendor by itself, or when it is asked how a task goes."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Final

from consentgate import canonical
from consentgate.aws.linking import progress_of
from consentgate.aws.notifications import Notification, read
from consentgate.aws.taskstates import read_task
from consentgate.aws.trailevents import asks_the_same, event_of
from consentgate.aws.trailfile import records
from consentgate.errors import InvalidInput
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.cloudtrail import trail_file, trail_record, ungated_search
from tests.fuzz.target import Target, in_json, of_json

_EVENTS: Final = (
    events.search_event("task-1", "IdentificationSuccessful", matches=[("vp-1", 0.94)], transaction="tx-1"),
    events.tone_event("task-2", "VoiceToneAnalysisCompleted"),
    events.ready_event("tx-1"),
    events.post_call_event("tx-1", best="vp-9", created=[("vp-1", START)]),
)
_TASK: Final = {
    "SpeakerSearchTask": {
        "SpeakerSearchTaskId": "task-1",
        "SpeakerSearchTaskStatus": "SUCCEEDED",
        "SpeakerSearchDetails": {"Results": [{"VoiceProfileId": "vp-1", "ConfidenceScore": 0.94}]},
        "CreatedTimestamp": "2026-11-22T12:00:00.000Z",
        "UpdatedTimestamp": 1795348800.5,
    }
}


# The same in every run: a failure names its input by a number.
_IDS: Final[dict[str, Any]] = {"eventID": "event-1", "requestID": "request-1"}
_RECORDS: Final = (
    ungated_search(**_IDS),
    trail_record("CreateVoiceProfile", {"SpeakerSearchTaskId": "task-1"}, made="vp-1", **_IDS),
)


def _storable(found: tuple[Notification, ...]) -> object:
    for each in found:
        canonical.encode(each.summary)
        progress_of(each)
    return found


def _reads(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda given: _storable(read(take(given)))


def _asked(data: bytes) -> object:
    found = read_task(data, "poll")
    if found is not None:
        canonical.encode(found.summary)
    return found


def _trailed(data: bytes) -> object:
    found = [event_of(each, "trail.json") for each in records(BytesIO(data), "trail.json")]
    for event in found:
        if event is not None:
            asks_the_same(event, event.parameters)
    return found


ARRIVALS: Final[Sequence[Target]] = (
    Target(
        name="aws.notifications.read",
        decode=_reads(lambda data: data),
        samples=[json.dumps(wrap(*_EVENTS), default=str).encode() for wrap in events.WRAPPINGS.values()],
        errors=(),
    ),
    Target(
        name="aws.notifications.read of objects",
        decode=of_json(_reads(lambda value: value)),
        samples=in_json(*_EVENTS, events.in_sqs(*_EVENTS)),
    ),
    Target(
        name="aws.trailfile.records",
        decode=_trailed,
        samples=[trail_file(), trail_file(*_RECORDS)],
        errors=(InvalidInput,),
    ),
    Target(name="aws.taskstates.read_task", decode=_asked, samples=in_json(_TASK), errors=()),
)
