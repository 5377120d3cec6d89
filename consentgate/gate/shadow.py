"""Shadow mode: requests that would be denied go out all the same, recorded as what they are.

It is for the weeks in which a deployment learns what it lacks. Two hands switch it on: the settings, which say who
answers for it and until when, and the host's own code. No variable of the environment can do both.

Invariants: nothing leaves without a durable intent, in shadow too; what nobody could be asked about stays denied, and
so does what cannot be recorded; every decision and every outcome made in shadow says so; after its last day the mode
is off, whatever the code says. Withdrawals, and those who join later, stop tasks as always.
"""

from datetime import UTC, date, datetime, time, timedelta

from consentgate.canonical import Json
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """The mode, switched on.

    Attributes:
        by: who answers for it.
        until: its last day, in UTC.
    """

    by: str
    until: date

    def is_on(self, at: datetime) -> bool:
        """Say whether the mode is on.

        Args:
            at: the moment.

        Returns:
            Whether its last day is not over.
        """
        return at < datetime.combine(self.until, time(), UTC) + timedelta(days=1)

    @property
    def members(self) -> dict[str, Json]:
        """How entries tell of it."""
        return {"by": self.by, "until": self.until.isoformat()}
