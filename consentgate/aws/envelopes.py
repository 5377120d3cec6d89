"""What the vendor's messages come wrapped in: EventBridge, SNS, SQS, Kinesis and Lambda, in each other too.

Pure, and total: whatever is handed in becomes messages, each with its exact bytes; one that cannot be read says so
and keeps the others from nothing.
"""

import binascii
import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Final

from consentgate.values import dataclass

LIMIT: Final = 1 << 20
"""How long a message may be: the vendor's queues take no more."""

_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, out of its wrapping.

    Attributes:
        record: by what its batch names it, the outermost one: a message id of SQS or SNS, a sequence number of
            Kinesis; None where it came alone.
        body: its exact bytes; of an object that came without bytes, its one spelling.
        value: what it says, or None where nobody can read it.
        trouble: why not; empty where it was read.
    """

    record: str | None
    body: bytes = field(repr=False)
    value: Mapping[str, Any] | None = field(default=None, repr=False)
    trouble: str = ""


def messages(event: object) -> tuple[Message, ...]:
    """Take messages out of what they came in.

    Args:
        event: what a Lambda function is called with, what boto3 gives for a queue or a stream, one message of these,
            a list of any, or the text or bytes of one.

    Returns:
        The messages, in their order.
    """
    return tuple(_unwrapped(event, None, _DEEPEST))


def spelled(value: object) -> bytes:
    """Spell an object in one way, whatever it came in.

    Args:
        value: as JSON gives it; what it cannot is written as text.

    Returns:
        The bytes; none where it cannot be written at all.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    except (ValueError, TypeError, RecursionError):
        return b""
    return text.encode()


def _unwrapped(value: object, record: str | None, depth: int) -> Iterator[Message]:
    if depth == 0:
        yield _unread(record, spelled(value), "it is wrapped too often")
    elif isinstance(value, str | bytes | bytearray):
        yield from _parsed(value, record, depth)
    elif isinstance(value, Mapping):
        yield from _opened(value, record, depth)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _unwrapped(each, record, depth - 1)
    else:
        yield _unread(record, spelled(value), "it is no object")


def _parsed(text: str | bytes | bytearray, record: str | None, depth: int) -> Iterator[Message]:
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    if len(body) > LIMIT:
        yield _unread(record, body, f"it is longer than {LIMIT} bytes")
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        yield _unread(record, body, "it is no JSON")
        return
    if isinstance(value, Mapping) and not _is_wrapping(value):
        yield Message(record=record, body=body, value=value)
    elif isinstance(value, Mapping | list):
        yield from _unwrapped(value, record, depth - 1)
    else:
        yield _unread(record, body, "it is no object")


def _is_wrapping(value: Mapping[Any, Any]) -> bool:
    return _inside(value) is not None


def _opened(value: Mapping[Any, Any], record: str | None, depth: int) -> Iterator[Message]:
    inside = _inside(value)
    if inside is None:
        body = spelled(value)
        if len(body) > LIMIT or not body:
            yield _unread(
                record, body, f"it is longer than {LIMIT} bytes" if body else "it cannot be written"
            )
        else:
            yield Message(record=record, body=body, value=value)
        return
    yield from _unwrapped(inside[0], record or _record(value), depth - 1)


def _inside(value: Mapping[Any, Any]) -> tuple[object] | None:
    """Give what is inside, in a tuple of one; None where this is the message itself."""
    if "detail" in value or "detail-type" in value or value.get("Type", "Notification") != "Notification":
        return None
    for batch in ("Records", "Messages"):
        if isinstance(value.get(batch), Sequence):
            return (value[batch],)
    if "ResponseMetadata" in value:
        # An answer of a queue that had nothing.
        return ([],)
    for one in ("Sns", "kinesis"):
        if isinstance(value.get(one), Mapping):
            return (value[one],)
    for text in ("body", "Body", "Message"):
        if isinstance(value.get(text), str | Mapping):
            return (value[text],)
    for data in ("data", "Data"):
        if isinstance(value.get(data), str | bytes):
            return (_decoded(value[data]),)
    return None


def _decoded(data: str | bytes) -> str | bytes:
    """A Lambda function gets a record of Kinesis in base64, a client its bytes."""
    if isinstance(data, bytes):
        return data
    try:
        return b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data


def _record(value: Mapping[Any, Any]) -> str | None:
    names = ("messageId", "MessageId", "sequenceNumber", "SequenceNumber")
    return next((found for name in names if isinstance(found := value.get(name), str)), None)


def _unread(record: str | None, body: bytes, trouble: str) -> Message:
    return Message(record=record, body=body, trouble=trouble)
