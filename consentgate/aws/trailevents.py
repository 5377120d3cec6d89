"""Records of CloudTrail about gated operations, as far as reconciliation needs them.

Nothing secret is taken over: of who called, the sort of principal alone. The vendor names members like its own API,
with a small first letter; here their case says nothing. What it blacks out is not known, and differs from nothing.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final

from consentgate.aws.members import text_of, time_of
from consentgate.aws.operations import GATED, PIPELINES, VOICE
from consentgate.canonical import Json
from consentgate.errors import InvalidInput
from consentgate.values import dataclass

# The documents name chime.amazonaws.com, and do not say whether the newer endpoints have a name of their own.
_SOURCE: Final = "chime"
_OPERATIONS: Final = frozenset(name for _, name in GATED)
_NOUNS: Final = {
    "StartSpeakerSearchTask": "speakersearchtask",
    "StartVoiceToneAnalysisTask": "voicetoneanalysistask",
    "CreateVoiceProfile": "voiceprofile",
    "UpdateVoiceProfile": "voiceprofile",
    "CreateVoiceProfileDomain": "voiceprofiledomain",
}
_TOKEN: Final = "clientrequesttoken"  # noqa: S105  # the name of a parameter
_HIDDEN: Final = ("HIDDEN_DUE_TO_SECURITY_REASONS", "***")

REFUSED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "BadRequestException",
        "ForbiddenException",
        "GoneException",
        "NotFoundException",
        "ResourceLimitExceededException",
        "UnauthorizedClientException",
        "UnprocessableEntityException",
    }
)
"""Codes of a 4xx after which no client sends the request again: it did nothing, and nothing follows it.

Not a conflict, which an earlier attempt may be the reason of, and not what is throttled, which is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A call of a gated operation.

    Attributes:
        id: the event's id.
        at: when the vendor had answered, in whole seconds.
        operation: the vendor's name of the operation.
        service: where it was called, or None where that cannot be told.
        region: the region.
        principal: what sort of identity called; never which.
        request_id: the vendor's id of the request, or None.
        error: the vendor's error code, or None where the call was a success.
        parameters: what was asked, by names in small letters, without the token; empty where the record shows none.
        token: the client request token, or None where the record shows none.
        made: the vendor's id of what was started or made, or None.
    """

    id: str
    at: datetime
    operation: str
    service: str | None
    region: str
    principal: str
    request_id: str | None
    error: str | None
    parameters: Mapping[str, Json] = field(repr=False)
    token: str | None = field(repr=False)
    made: str | None = field(repr=False)

    @property
    def is_refusal(self) -> bool:
        """Whether the vendor said that it did nothing, so that nothing was sent after it."""
        return self.error in REFUSED


def event_of(record: Mapping[str, Any], name: str) -> Event | None:
    """Read a record.

    Args:
        record: the record.
        name: what to call its file in messages.

    Returns:
        The call, or None where it is none of a gated operation.

    Raises:
        InvalidInput: it is one, and lacks what every record has.
    """
    source, operation = record.get("eventSource"), record.get("eventName")
    if not isinstance(source, str) or _SOURCE not in source:
        return None
    if not isinstance(operation, str) or operation not in _OPERATIONS:
        return None
    id_, at = text_of(record.get("eventID")), time_of(record.get("eventTime"))
    region = text_of(record.get("awsRegion"))
    if id_ is None or at is None or region is None or not (id_ + region).isascii():
        raise InvalidInput(
            f"{name} has a record of {operation} without a usable eventID, eventTime or awsRegion."
        )
    asked = _members(record.get("requestParameters"))
    error = text_of(record.get("errorCode"))
    return Event(
        id=id_,
        at=at,
        operation=operation,
        service=_service(operation, asked),
        region=region,
        principal=_principal(record.get("userIdentity")),
        request_id=text_of(record.get("requestID")),
        error=error,
        parameters={k: v for k, v in asked.items() if k != _TOKEN},
        token=_shown(asked.get(_TOKEN)),
        made=_made(operation, record.get("responseElements"), asked) if error is None else None,
    )


def asks_the_same(event: Event, parameters: Mapping[str, Json]) -> bool:
    """Compare what an event says was asked with a request of ours.

    Args:
        event: the event.
        parameters: the request's, by the vendor's names.

    Returns:
        Whether everything that is shown is equal, and something is.
    """
    ours = {k: v for k, v in _members(parameters).items() if k != _TOKEN}
    names = ours.keys() | event.parameters.keys()
    equal = [_equal(event.parameters.get(name), ours.get(name)) for name in names]
    return all(each is not False for each in equal) and any(equal)


def _equal(shown: Json, ours: Json) -> bool | None:
    """Whether two values are the same; None where one is blacked out."""
    if _is_hidden(shown):
        return None
    if isinstance(shown, dict) and isinstance(ours, dict):
        each = [_equal(shown.get(name), ours.get(name)) for name in shown.keys() | ours.keys()]
        return False if False in each else True if True in each else None
    # A path has texts where a body may have numbers.
    return shown == ours or (type(shown) is not type(ours) and str(shown) == str(ours))


def _members(value: object) -> dict[str, Json]:
    lowered = _lowered(value)
    return lowered if isinstance(lowered, dict) else {}


def _lowered(value: object, depth: int = 8) -> Json:
    if isinstance(value, Mapping) and depth:
        return {str(k).lower(): _lowered(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_lowered(each, depth - 1) for each in value]
    return value if isinstance(value, str | int | float | bool) else None


def _service(operation: str, asked: Mapping[str, Json]) -> str | None:
    if (PIPELINES, operation) not in GATED:
        return VOICE
    if ("identifier" in asked) == ("voiceconnectorid" in asked):
        return None
    return PIPELINES if "identifier" in asked else VOICE


def _principal(identity: object) -> str:
    sort = identity.get("type") if isinstance(identity, Mapping) else None
    return (
        sort if isinstance(sort, str) and sort.isascii() and sort.isalnum() and len(sort) <= 64 else "unknown"
    )


def _made(operation: str, answer: object, asked: Mapping[str, Json]) -> str | None:
    noun = _NOUNS[operation]
    thing = _members(_members(answer).get(noun))
    found = _shown(thing.get(f"{noun}id"))
    # What is updated is named by the request.
    return found or (_shown(asked.get(f"{noun}id")) if operation == "UpdateVoiceProfile" else None)


def _shown(value: Json) -> str | None:
    return text_of(value) if not _is_hidden(value) else None


def _is_hidden(value: Json) -> bool:
    return isinstance(value, str) and any(each in value for each in _HIDDEN)
