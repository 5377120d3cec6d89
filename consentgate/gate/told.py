"""What a backend tells of an attempt: how its exceptions are to be read, and the answer as it is kept.

Invariant: an answer is kept as it was told, or refused as a whole; only bytes that are too many are left out,
and that is said.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.terms import check_text
from consentgate.errors import InvalidInput
from consentgate.values import dataclass

MAX_ANSWER: Final = 4 << 20
TOO_LARGE: Final = "AnswerTooLarge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the ends of attempts are to be read.

    Attributes:
        not_sent: exceptions of the backend's HTTP library that say that no byte left.
        repeatable: whether an attempt may follow one that may have done something.
    """

    not_sent: tuple[type[BaseException], ...] = ()
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an attempt was answered with.

    Attributes:
        body: the exact bytes; None where they are too many to be kept.
        status: HTTP status.
        task: the vendor's id of what runs on, or None.
        results: whether it names people.
        request_id: the vendor's id of the request, or None.
        summary: what it says besides results.
        error: why the bytes are not kept, or None.
    """

    body: bytes | None = field(repr=False)
    status: int
    task: str | None = field(repr=False)
    results: bool
    request_id: str | None
    summary: Mapping[str, Json] = field(repr=False)
    error: str | None


def answer_of(
    body: object, status: object, task: str | None, request_id: str | None, summary: Mapping[str, Json] | None
) -> Answer:
    """Take what is told for an answer.

    Args:
        body: its exact bytes.
        status: HTTP status.
        task: the vendor's id of what runs on, or None.
        request_id: the vendor's id of the request, or None.
        summary: what it says besides results, or None.

    Returns:
        The answer, not yet said to carry results.

    Raises:
        InvalidInput: a value cannot be used.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise InvalidInput("An answer is bytes: those that came, before anybody read them.")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise InvalidInput("status is an HTTP status of an answer: 200 to 599.")
    for name, value in (("task", task), ("request_id", request_id)):
        if value is not None:
            check_text(value, name, limit=256)
    kept: object = {} if summary is None else summary
    if not isinstance(kept, Mapping):
        raise InvalidInput("summary is a JSON object.")
    canonical.encode(kept)
    answer = bytes(body)
    large = len(answer) > MAX_ANSWER
    return Answer(
        body=None if large else answer,
        status=status,
        task=task,
        results=False,
        request_id=request_id,
        summary=dict(kept),
        error=TOO_LARGE if large else None,
    )
