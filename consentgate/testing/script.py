"""What the server shall do otherwise than well, queued per operation and used up in order.

Each step counts for as many requests as its `times` says, or for all that follow when that is None. Delays
add to the step after them, so that ``script.delay(2).drop()`` waits and then hangs up.
"""

import threading
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final, Self

from consentgate.errors import InvalidInput
from consentgate.testing.model import compact
from consentgate.testing.wire import WireReply
from consentgate.values import dataclass

SEARCH: Final = "StartSpeakerSearchTask"
UNMODELLED_STATUS: Final = 500

Match = tuple[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One scripted behaviour.

    Attributes:
        seconds: how long to wait first.
        scripted: whether `reply` takes the place of the real answer.
        reply: what to answer; None closes the connection.
        after_accepting: whether the service does its work first.
        matches: results that a started search carries at once, as (voice profile id, score), or None.
        left: for how many requests the step still counts; None for all.
    """

    seconds: float = 0.0
    scripted: bool = False
    reply: WireReply | None = None
    after_accepting: bool = False
    matches: tuple[Match, ...] | None = field(default=None, repr=False)
    left: int | None = 1


class Script:
    """The steps that are still to be played; the methods that add one can be chained."""

    def __init__(self, errors: Mapping[str, Mapping[str, int]]) -> None:
        self._errors = errors
        self._lock = threading.Lock()
        self._steps: dict[str, list[Step]] = {}

    def fail(
        self,
        operation: str = SEARCH,
        *,
        error: str = "ServiceUnavailableException",
        status: int | None = None,
        message: str = "This failure was scripted.",
        times: int | None = 1,
        after_accepting: bool = False,
    ) -> Self:
        """Answer with an error.

        Args:
            operation: the operation's name in the model.
            error: the code; one that the model does not have reaches the client as a plain `ClientError`.
            status: HTTP status; by default the modelled one, or 500 for a code without one.
            message: the error's text.
            times: for how many requests; None for all that follow.
            after_accepting: whether the service does its work first, so that only the answer is bad.

        Returns:
            The script.
        """
        chosen = status or self._errors.get(operation, {}).get(error, UNMODELLED_STATUS)
        reply = error_reply(chosen, error, message)
        return self._add(
            operation, Step(scripted=True, reply=reply, after_accepting=after_accepting, left=times)
        )

    def answer(
        self,
        body: bytes,
        operation: str = SEARCH,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        cut: int | None = None,
        times: int | None = 1,
        after_accepting: bool = False,
    ) -> Self:
        """Answer with exactly these bytes, for example with what is no JSON at all.

        Args:
            body: the body.
            operation: the operation's name in the model.
            status: HTTP status.
            headers: header fields besides the length; by default the content type of JSON.
            cut: after how many bytes of the body the connection closes; None sends all of them.
            times: for how many requests; None for all that follow.
            after_accepting: whether the service does its work first.

        Returns:
            The script.
        """
        fields = {"Content-Type": "application/json"} if headers is None else headers
        reply = WireReply(status=status, headers=fields, body=body, cut=cut)
        return self._add(
            operation, Step(scripted=True, reply=reply, after_accepting=after_accepting, left=times)
        )

    def drop(self, operation: str = SEARCH, *, times: int | None = 1) -> Self:
        """Close the connection without an answer; the service does nothing.

        Args:
            operation: the operation's name in the model.
            times: for how many requests; None for all that follow.

        Returns:
            The script.
        """
        return self._add(operation, Step(scripted=True, left=times))

    def drop_after_accepting(self, operation: str = SEARCH, *, times: int | None = 1) -> Self:
        """Let the service do its work, then close the connection without an answer.

        Args:
            operation: the operation's name in the model.
            times: for how many requests; None for all that follow.

        Returns:
            The script.
        """
        return self._add(operation, Step(scripted=True, after_accepting=True, left=times))

    def delay(self, seconds: float, operation: str = SEARCH, *, times: int | None = 1) -> Self:
        """Wait before the request is looked at; the next step counts for the same request.

        Args:
            seconds: how long; the server's end cuts it short.
            operation: the operation's name in the model.
            times: for how many requests; None for all that follow.

        Returns:
            The script.
        """
        return self._add(operation, Step(seconds=seconds, left=times))

    def results(self, *matches: Match, operation: str = SEARCH, times: int | None = 1) -> Self:
        """Let a search carry results in the answer that starts it.

        Args:
            *matches: voice profile id and score (0 to 1) of each result.
            operation: the operation's name in the model.
            times: for how many requests; None for all that follow.

        Returns:
            The script.
        """
        return self._add(operation, Step(matches=matches, left=times))

    def clear(self) -> Self:
        """Forget all steps that were not played.

        Returns:
            The script.
        """
        with self._lock:
            self._steps.clear()
        return self

    def take(self, operation: str) -> Step:
        """Use up what counts for one request.

        Args:
            operation: the operation's name in the model.

        Returns:
            One step with all delays before it added up; a step that does nothing when none is left.
        """
        with self._lock:
            steps = self._steps.get(operation, [])
            seconds, kept, taken = 0.0, [], Step()
            while steps:
                step = steps.pop(0)
                if step.left is None or step.left > 1:
                    kept.append(replace(step, left=step.left and step.left - 1))
                seconds += step.seconds
                if step.scripted or step.matches is not None:
                    taken = step
                    break
            self._steps[operation] = kept + steps
            return replace(taken, seconds=seconds)

    def _add(self, operation: str, step: Step) -> Self:
        if operation not in self._errors:
            raise InvalidInput(f"no service here has an operation {operation}")
        if step.left is not None and step.left < 1:
            raise InvalidInput("times must be at least 1, or None for all requests that follow")
        with self._lock:
            self._steps.setdefault(operation, []).append(step)
        return self


def error_reply(status: int, code: str, message: str) -> WireReply:
    """Write an error as the service sends it.

    Args:
        status: HTTP status.
        code: the error's code.
        message: the error's text.

    Returns:
        The answer, with the code in the header that botocore reads first.
    """
    body = compact({"Code": code.removesuffix("Exception"), "Message": message})
    return WireReply(
        status=status, headers={"Content-Type": "application/json", "x-amzn-ErrorType": code}, body=body
    )
