"""Trying a throttled request again: what botocore leaves, since its mode ``standard`` does not retry a modelled 429.

A throttled request did nothing, so that another attempt starts one task at most. Invariants: attempts are few, their
pauses grow and are jittered, and none begins after the permit's time; before each, all that the decision read is
compared again, so that a withdrawal in the pause ends it; intent, request token and bytes stay the same.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from consentgate.aws.passage import KEY, Passage
from consentgate.gate.door import Gate
from consentgate.gate.retry import Retry
from consentgate.moment import Clock, Random

_THROTTLED: Final = 429
# botocore's oldest mode retries a throttled request by itself.
_BY_ITSELF: Final = "legacy"
_RETRY_AFTER: Final = "retry-after"


class Retrying:
    """The handler of one client for botocore's question whether to try again."""

    def __init__(self, gate: Gate, client: Any, retry: Retry, clock: Clock, random: Random) -> None:
        """Take everything in hand.

        Args:
            gate: the gate.
            client: the client.
            retry: how to try again.
            clock: the time.
            random: randomness.
        """
        self._gate = gate
        self._retry = retry
        self._clock = clock
        self._random = random
        mode = (client.meta.config.retries or {}).get("mode")
        self._active = retry.attempts > 1 and mode != _BY_ITSELF

    def on_end_of_attempt(
        self, response: Any, operation: Any, request_dict: Mapping[str, Any], **_: Any
    ) -> float | None:
        """Wait, look again, and have the request sent once more.

        Args:
            response: botocore's pair of HTTP answer and its reading, or None.
            operation: the operation's model.
            request_dict: the request, with its context.

        Returns:
            0 for another attempt, None for botocore's own choice.

        Raises:
            ConsentDenied: something that the decision read changed in the pause.
        """
        passage = request_dict.get("context", {}).get(KEY)
        if not self._active or not isinstance(passage, Passage) or passage.permit is None:
            return None
        if not _is_throttled(response, operation) or len(passage.attempts) >= self._retry.attempts:
            return None
        pause = max(self._retry.pause(len(passage.attempts), self._random), _asked_for(response))
        if self._clock() + timedelta(seconds=pause) >= passage.permit.send_by:
            return None
        # The pause is ours, so that the look at what changed comes after it.
        time.sleep(pause)
        self._gate.recheck(passage.permit, first=False)
        return 0.0


def _is_throttled(response: Any, operation: Any) -> bool:
    if not isinstance(response, tuple) or response[0].status_code != _THROTTLED:
        return False
    error = response[1].get("Error", {})
    modelled = {shape.metadata.get("error", {}).get("code") or shape.name for shape in operation.error_shapes}
    return error.get("Code") in modelled | {shape.name for shape in operation.error_shapes}


def _asked_for(response: Any) -> float:
    """What the vendor asks to be waited for, in whole seconds; nothing where that is no number."""
    asked = response[1].get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(_RETRY_AFTER, "")
    return float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.0
