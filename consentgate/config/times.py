"""Every time and bound that a deployment may set, in one table: where it stands, its default, how large it may be.

Invariant: what a page of the documentation lists (docs/reference/times.md) is this table; a test compares them.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from consentgate.errors import Misconfigured
from consentgate.gate.retry import MAX_ATTEMPTS, Retry
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of a deployment besides those of `Settings` itself.

    Attributes:
        send_by: how long a permit lasts after the decision.
        reread_after: a first attempt that begins later than this after the intent reads the versions again.
        stop: how long a stop or deletion at the vendor is waited for.
        who: how long a resolver may take where `protect` does not say.
        guarded: how long a guarded block is taken to last where it does not say.
        turn: how long a write waits for its turn in this process.
        retry: how throttled requests are tried again where `protect` does not say.
    """

    send_by: timedelta = timedelta(seconds=5)
    reread_after: timedelta = timedelta(milliseconds=250)
    stop: timedelta = timedelta(seconds=5)
    who: timedelta = timedelta(seconds=2)
    guarded: timedelta = timedelta(seconds=60)
    turn: timedelta = timedelta(seconds=5)
    retry: Retry = Retry()


LARGEST: Final[Mapping[str, float]] = {
    "limits.send_by_s": 60,
    "limits.reread_after_s": 60,
    "timeouts.stop_s": 60,
    "timeouts.who_s": 600,
    "timeouts.guarded_s": 600,
    "timeouts.turn_s": 60,
    "retry.first_s": 60,
    "retry.longest_s": 60,
}
"""The members of the settings file, and the most that each takes, in seconds."""


def members_of(table: str) -> frozenset[str]:
    """Name the members of one table that are read here.

    Args:
        table: its name.

    Returns:
        Their names.
    """
    own = {name.partition(".")[2] for name in LARGEST if name.startswith(f"{table}.")}
    return frozenset(own | ({"attempts"} if table == "retry" else set()))


def read_times(path: Path, tables: Mapping[str, Mapping[str, object]]) -> Times:
    """Read the times out of their tables.

    Args:
        path: the settings file, for messages.
        tables: ``limits``, ``timeouts`` and ``retry``.

    Returns:
        The times.

    Raises:
        Misconfigured: a value is no number, not above nothing, or too large.
    """
    default = Times()

    def read(name: str, standard: timedelta) -> timedelta:
        table, _, member = name.partition(".")
        found = tables[table].get(member, standard.total_seconds())
        most = LARGEST[name]
        # "Not within" and not "below or above": TOML knows a number that is neither.
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 < found <= most:
            raise Misconfigured(f"{path}: {name} must be a positive number of seconds, at most {most:g}.")
        return timedelta(seconds=found)

    attempts = tables["retry"].get("attempts", default.retry.attempts)
    if isinstance(attempts, bool) or not isinstance(attempts, int) or not 1 <= attempts <= MAX_ATTEMPTS:
        raise Misconfigured(f"{path}: retry.attempts must be a whole number from 1 to {MAX_ATTEMPTS}.")
    return Times(
        send_by=read("limits.send_by_s", default.send_by),
        reread_after=read("limits.reread_after_s", default.reread_after),
        stop=read("timeouts.stop_s", default.stop),
        who=read("timeouts.who_s", default.who),
        guarded=read("timeouts.guarded_s", default.guarded),
        turn=read("timeouts.turn_s", default.turn),
        retry=Retry(
            attempts=attempts,
            first=read("retry.first_s", default.retry.first),
            longest=read("retry.longest_s", default.retry.longest),
        ),
    )
