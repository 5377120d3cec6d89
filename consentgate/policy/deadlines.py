"""Clocks: by when data has to be gone, and what has to be done about it.

Calendar periods are added in UTC and clipped to the month's end; a deadline that equals the decision's time has
passed. Invariant: of several clocks the earliest decides.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate.moment import to_text
from consentgate.packs.pack import Basis
from consentgate.packs.rules import Trigger
from consentgate.policy.demands import Clock
from consentgate.values import dataclass

Duty: TypeAlias = Literal[
    "delete_template",
    "preserve_sealed_no_search",
    "delete_by",
    "stop_processing",
    "refresh_by",
    "retain_proof_until",
]

# Duties that scenarios write with their time; the others are for at once, and `due` says since when.
_TIMED: Final = frozenset(("delete_by", "refresh_by", "retain_proof_until"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """What follows from a decision, allowed or not.

    Attributes:
        duty: what to do.
        due: by when, or None for at once.
        bases: who asks for it.
    """

    duty: Duty
    due: datetime | None = None
    bases: tuple[Basis, ...] = ()

    @property
    def text(self) -> str:
        """The obligation in one word, as scenarios have it, for example ``delete_by:2026-12-22T12:00:00Z``."""
        if self.duty not in _TIMED or self.due is None:
            return self.duty
        return f"{self.duty}:{to_text(self.due).replace('.000Z', 'Z')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a clock runs out, and the clause that set it."""

    at: datetime
    basis: Basis


def earliest(clocks: Iterable[Clock], started: Mapping[Trigger, datetime | None]) -> Deadline | None:
    """Find the clock that runs out first.

    Args:
        clocks: the clocks.
        started: when each trigger happened; None or absent means that it did not, as far as anybody said.

    Returns:
        The deadline, or None where no clock runs.
    """
    first: tuple[datetime, Clock] | None = None
    for clock in clocks:
        start = started.get(clock.trigger)
        if start is not None:
            at = clock.within.after(start)
            if first is None or at < first[0]:
                first = at, clock
    return Deadline(at=first[0], basis=first[1].basis) if first is not None else None
