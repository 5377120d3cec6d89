"""How far behind each anchor is: how long something has been signed that it does not keep."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from consentgate.storage import anchors, checkpoints
from consentgate.values import dataclass

LATE: Final = timedelta(minutes=15)
"""From then on an anchor's lag is an alarm, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An anchor that has to keep up.

    Attributes:
        name: its name.
        kind: its kind.
        late_after: the lag that is an alarm.
    """

    name: str
    kind: str
    late_after: timedelta = LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far behind an anchor is.

    Attributes:
        name: its name.
        kind: its kind.
        size: the largest checkpoint that it took, 0 for none.
        at: when it took that, or None.
        behind: how many signed entries no checkpoint of its covers.
        since: when the first of the checkpoints was signed that it lacks; None where it has the newest.
        late: whether that is longer ago than it may be.
        beyond: the size that a row claims and no checkpoint has, 0 for none: such a row is not counted.
    """

    name: str
    kind: str
    size: int
    at: datetime | None
    behind: int
    since: datetime | None
    late: bool
    beyond: int = 0


def lags(connection: Connection, expected: Sequence[Expected], now: datetime, *, log: int) -> tuple[Lag, ...]:
    """Say how far behind each anchor is.

    Args:
        connection: any.
        expected: the anchors.
        now: the time.
        log: number of the log.

    Returns:
        One for each, in the same order.
    """
    newest = checkpoints.latest_checkpoint(connection, log=log)
    return tuple(_lag(connection, each, newest.size if newest else 0, now, log) for each in expected)


def _lag(connection: Connection, expected: Expected, signed: int, now: datetime, log: int) -> Lag:
    last = anchors.newest_of(connection, expected.name, log=log)
    size = last.size if last else 0
    waiting = checkpoints.checkpoints(connection, after=size, limit=1, log=log)
    since = waiting[0].at if waiting else None
    return Lag(
        name=expected.name,
        kind=expected.kind,
        size=size,
        at=last.at if last else None,
        behind=max(0, signed - size),
        since=since,
        late=since is not None and now - since > expected.late_after,
        beyond=anchors.beyond(connection, expected.name, log=log),
    )
