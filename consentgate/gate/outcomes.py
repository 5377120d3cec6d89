"""How the attempts of one request become one outcome.

The table of the protocol, and nothing else: a definite answer of the vendor makes `succeeded` or `rejected`,
bytes that never left make `not_sent`, everything else stays open as `unknown` until reconciliation closes
it. A wrong guess here would either lose a running task or invent one, so mixtures of definite and indefinite
attempts stay open.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from consentgate.values import dataclass

End = Literal["succeeded", "rejected", "not_sent", "undetermined", "unknown"]
Fault = Literal["not_sent", "lost"]

# Retriable or ambiguous although 4xx: the vendor may have started the task before it said so.
_INDEFINITE_4XX = frozenset({408, 409})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of botocore to send the request.

    Attributes:
        started_at: when the attempt was prepared.
        ended_at: when its answer or failure was seen, None if neither was.
        status: HTTP status, None without an answer.
        fault: `not_sent` when it failed before bytes left, `lost` when they may have left; None with an
            answer.
        cause: class name of the exception, empty with an answer.
    """

    started_at: datetime
    ended_at: datetime | None = None
    status: int | None = None
    fault: Fault | None = None
    cause: str = ""


def classify(attempts: Sequence[Attempt], *, started: bool) -> End:
    """Classify a finished request.

    Args:
        attempts: every attempt, in order; none means that our own hooks refused before the first.
        started: the last answer was a success that names what was started.

    Returns:
        The outcome; `unknown` is an open observation, the others are final. Never `undetermined`: that is said where
        nobody is left to tell.
    """
    if all(attempt.fault == "not_sent" for attempt in attempts):
        return "not_sent"
    if started and _is_success(attempts[-1].status):
        return "succeeded"
    if all(_is_definite_refusal(attempt.status) for attempt in attempts):
        return "rejected"
    if len(attempts) == 1 and attempts[0].status == 409:
        return "rejected"
    return "unknown"


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def _is_definite_refusal(status: int | None) -> bool:
    return status is not None and 400 <= status < 500 and status not in _INDEFINITE_4XX
