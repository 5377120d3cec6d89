"""How long a client may take: until then its request may still arrive, and nobody may say how it ended."""

from typing import Any, Final

from consentgate.gate.retry import Retry

_LONGEST_BACKOFF_S: Final = 20.0
_DEFAULT_ATTEMPTS: Final = 5
# A client that waits for ever is waited for no longer than a task runs.
_FOREVER_S: Final = 86_400.0


def longest_ms(config: Any, retry: Retry) -> int:
    """Give the longest that a client may take: every attempt times out, with the longest pauses between.

    Args:
        config: botocore's settings of the client.
        retry: how often the gate tries again what was throttled.

    Returns:
        Milliseconds, at most a day.
    """
    retries = config.retries or {}
    attempts = retries.get("total_max_attempts") or (retries.get("max_attempts", _DEFAULT_ATTEMPTS - 1) + 1)
    limits = (config.connect_timeout, config.read_timeout)
    once = sum(_FOREVER_S if limit is None else float(limit) for limit in limits)
    more = retry.attempts - 1
    pauses = (attempts - 1) * _LONGEST_BACKOFF_S + more * retry.longest.total_seconds()
    return int(1000 * min((attempts + more) * once + pauses, _FOREVER_S))
