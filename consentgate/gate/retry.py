"""How often, and after which pauses, a request that was throttled is sent again.

Invariant: attempts are few, and pauses grow to a bound and are jittered, so that clients do not come back together.
"""

from datetime import timedelta
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.moment import Random
from consentgate.values import dataclass

MAX_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a throttled request is tried again.

    Attributes:
        attempts: how often it is sent at most, the first time included; 1 never tries again.
        first: the longest first pause; each further one may be twice as long.
        longest: the longest pause.
    """

    attempts: int = 1
    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        given: object = self.attempts
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_ATTEMPTS:
            raise InvalidInput(f"retry is how often a request is sent at most: 1 to {MAX_ATTEMPTS}.")

    def pause(self, attempts: int, random: Random) -> float:
        """Choose a pause.

        Args:
            attempts: how many attempts were made.
            random: randomness.

        Returns:
            Seconds: between half and all of what this pause may be.
        """
        most = min(self.first.total_seconds() * 2.0 ** (attempts - 1), self.longest.total_seconds())
        return most * (0.5 + int.from_bytes(random(4)) / 2**33)
