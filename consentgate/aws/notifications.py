"""The vendor's notifications of voice analytics, read as tolerantly as its own documents need.

`read` is pure and total: every message becomes a `Notification` of one of five sorts, so that nothing is lost for
being odd. Whether it is about a task of ours is `consentgate.aws.linking`'s to say.

The documents contradict themselves, and both is taken: `VoiceprintGenerationSuccess` for
`VoiceprintGenerationSuccessful`, scores as texts and as numbers. A status that nobody knows is one. Times order what
is told, not the order of coming.

Example:
    >>> event = {
    ...     "detail-type": "SpeakerSearchStatus",
    ...     "source": "aws.chime",
    ...     "time": "2026-11-22T12:00:10Z",
    ...     "detail": {"taskId": "task-1", "detailStatus": "IdentificationNoMatchesFound"},
    ... }
    >>> [(one.sort, one.status) for one in read({"Messages": [{"MessageId": "1", "Body": "{"}, event]})]
    [('malformed', 'unreadable'), ('task', 'IdentificationNoMatchesFound')]
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from consentgate.aws.envelopes import Message, messages, spelled
from consentgate.aws.members import channel_of, score_of, text_of, time_of, truth_of
from consentgate.canonical import MAX_INTEGER, Json
from consentgate.values import dataclass

Sort = Literal["task", "ready", "call_over", "unknown", "malformed"]

SEARCH: Final = "SpeakerSearchStatus"
TONE: Final = "VoiceToneAnalysisStatus"
ANALYTICS: Final = "VoiceAnalyticsStatus"
READY: Final = "AnalyticsReady"
POST_CALL: Final = "PostCallVoiceAnalytics"
UNREADABLE: Final = "unreadable"

# The sample of the documents says the one, their list the other.
_ALIASES: Final = {"VoiceprintGenerationSuccess": "VoiceprintGenerationSuccessful"}
_LONGEST_STATUS: Final = 128

# What may lie beside a person's own parts; all else of a message may name other people.
_ENVELOPE: Final = frozenset(
    {"version", "id", "detail-type", "service-type", "source", "account", "time", "region", "resources"}
)
_DETAIL: Final = frozenset(
    {
        "taskId",
        "detailStatus",
        "transactionId",
        "callId",
        "voiceConnectorId",
        "isCaller",
        "mediaInsightsPipelineId",
        "sourceArn",
        "streamArn",
        "channelId",
        "startFragmentNumber",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Somebody whom a search found to be like the speaker.

    Attributes:
        profile: id of the voice profile.
        score: from 0 to 1, or None where it cannot be read.
    """

    profile: str = field(repr=False)
    score: float | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """A voice profile that was made or updated during a call, as the summary after it says.

    Attributes:
        how: which of the two.
        profile: id of the voice profile.
        at: when it was asked for, or None where that cannot be read.
    """

    how: Literal["create", "update"]
    profile: str = field(repr=False)
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One notification.

    Attributes:
        sort: ``task`` about a task; ``ready`` that a call can be analysed; ``call_over`` the summary after a call;
            ``unknown`` of a type or source that is none of these; ``malformed`` where it cannot be read.
        trouble: what is wrong with an unknown or malformed one.
        record: by what its batch names it, or None.
        event: the vendor's id of it, or None.
        type: the vendor's ``detail-type``, or an empty text.
        status: the vendor's word.
        at: the vendor's time, or None.
        task: the task's id, or None.
        transaction: the call's transaction id, or None.
        connector: the voice connector's id, or None.
        call: the vendor's call id, or None.
        is_caller: of which leg, or None.
        pipeline: the media insights pipeline's id, or None.
        stream: ARN of the Kinesis video stream, or None.
        channel: the stream's channel, or None.
        matches: whom a search found.
        changes: profiles that were made or updated.
        results: whether it carries more than may lie beside a person's own parts.
        summary: what may.
        body: the exact bytes.
        digest: SHA-256 of the one spelling: the same whatever the message came in.
    """

    sort: Sort
    trouble: str = ""
    record: str | None = None
    event: str | None = None
    type: str = ""
    status: str = UNREADABLE
    at: datetime | None = None
    task: str | None = field(default=None, repr=False)
    transaction: str | None = field(default=None, repr=False)
    connector: str | None = field(default=None, repr=False)
    call: str | None = field(default=None, repr=False)
    is_caller: bool | None = None
    pipeline: str | None = field(default=None, repr=False)
    stream: str | None = field(default=None, repr=False)
    channel: int | None = None
    matches: tuple[Match, ...] = field(default=(), repr=False)
    changes: tuple[ProfileChange, ...] = field(default=(), repr=False)
    results: bool = False
    summary: Mapping[str, Json] = field(default_factory=dict, repr=False)
    body: bytes = field(repr=False)
    digest: bytes = field(repr=False)


def read(event: object) -> tuple[Notification, ...]:
    """Read notifications.

    Args:
        event: what a Lambda function is called with, what boto3 gives for a queue or a stream, one message of these,
            a list of any, or the text or bytes of one.

    Returns:
        A notification for each message, in their order; none is left out.
    """
    return tuple(_notification(message) for message in messages(event))


def _notification(message: Message) -> Notification:
    value = message.value
    if value is None:
        return _malformed(message, f"The message cannot be read: {message.trouble}.")
    detail = value.get("detail")
    if not isinstance(detail, Mapping):
        return _foreign(message, value)
    digest = sha256(spelled(value) or message.body).digest()
    type_, status = text_of(value.get("detail-type")) or "", _status(detail.get("detailStatus"))
    sort, trouble = _sort(value, type_, status)
    summary, results = _summary(value, detail)
    return Notification(
        sort=sort,
        trouble=trouble,
        record=message.record,
        event=text_of(value.get("id")),
        type=type_,
        status=status or UNREADABLE,
        # Without a status it is not known what the time is of: it must not stand before what is known.
        at=time_of(value.get("time")) if status else None,
        task=text_of(detail.get("taskId")),
        transaction=text_of(detail.get("transactionId")),
        connector=text_of(detail.get("voiceConnectorId")),
        call=text_of(detail.get("callId")),
        is_caller=truth_of(detail.get("isCaller")),
        pipeline=text_of(detail.get("mediaInsightsPipelineId")),
        stream=text_of(detail.get("streamArn")),
        channel=channel_of(detail.get("channelId")),
        matches=tuple(_matches(detail)),
        changes=tuple(_changes(detail)),
        results=results,
        summary=summary,
        body=message.body,
        digest=digest,
    )


def _malformed(message: Message, trouble: str) -> Notification:
    return Notification(
        sort="malformed",
        trouble=trouble,
        record=message.record,
        results=True,
        body=message.body,
        digest=sha256(message.body).digest(),
    )


def _foreign(message: Message, value: Mapping[str, Any]) -> Notification:
    """An object without ``detail``: of another service, or one of ours that lost it."""
    ours = value.get("source") == "aws.chime" or value.get("detail-type") in (SEARCH, TONE, ANALYTICS)
    return Notification(
        sort="malformed" if ours else "unknown",
        trouble="It has no detail." if ours else "It is no event of the vendor's.",
        record=message.record,
        event=text_of(value.get("id")),
        type=text_of(value.get("detail-type")) or "",
        results=True,
        body=message.body,
        digest=sha256(spelled(value) or message.body).digest(),
    )


def _sort(value: Mapping[str, Any], type_: str, status: str | None) -> tuple[Sort, str]:
    # Some targets leave the source out; another one is somebody else's event.
    if value.get("source", "aws.chime") != "aws.chime":
        return "unknown", "It is no event of the vendor's."
    if type_ not in (SEARCH, TONE, ANALYTICS):
        return "unknown", "It is of a type that nobody knows."
    if status is None:
        return "malformed", "It has no detailStatus that is a word."
    if type_ != ANALYTICS:
        return "task", ""
    if status == READY:
        return "ready", ""
    if status == POST_CALL:
        return "call_over", ""
    return "unknown", "Its status is one that nobody knows."


def _status(value: object) -> str | None:
    if not isinstance(value, str) or not (0 < len(value) <= _LONGEST_STATUS):
        return None
    return _ALIASES.get(value, value) if value.isascii() and value.isprintable() else None


def _summary(value: Mapping[str, Any], detail: Mapping[str, Any]) -> tuple[dict[str, Json], bool]:
    """Give what may lie beside a person's own parts, and whether there is more."""
    around, _ = _plain({k: v for k, v in value.items() if k != "detail"}, _ENVELOPE)
    inside, more = _plain(detail, _DETAIL)
    return {**around, "detail": inside}, more or len(around) + 1 < len(value)


def _plain(members: Mapping[str, Any], known: frozenset[str]) -> tuple[dict[str, Json], bool]:
    kept: dict[str, Json] = {}
    for name, value in members.items():
        if name not in known:
            continue
        if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= MAX_INTEGER):
            kept[name] = value
        elif (text := text_of(value)) is not None:
            kept[name] = text
        elif value is None or (name == "resources" and value == []):
            kept[name] = None if value is None else []
    return kept, len(kept) < len(members)


def _matches(detail: Mapping[str, Any]) -> Iterator[Match]:
    for each in _objects(detail.get("speakerSearchDetails"), "results"):
        profile = text_of(each.get("voiceProfileId"))
        if profile is not None:
            yield Match(profile=profile, score=score_of(each.get("confidenceScore")))


def _changes(detail: Mapping[str, Any]) -> Iterator[ProfileChange]:
    found = detail.get("speakerSearchResults")
    how: Literal["create", "update"]
    for how in ("create", "update"):
        for each in _objects(found, f"{how}VoiceProfileTransactions"):
            profile = text_of(each.get("voiceProfileId"))
            if profile is not None:
                yield ProfileChange(how=how, profile=profile, at=time_of(each.get("requestTimestamp")))


def _objects(holder: object, name: str) -> list[Mapping[str, Any]]:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []
