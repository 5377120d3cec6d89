"""Deployments whose log is recovered."""

from collections.abc import Callable
from typing import Any

from consentgate import ConsentGate
from consentgate.config.recovery import Plan, Recovered, recover
from consentgate.config.settings import Settings
from consentgate.config.upkeep import log_database, log_state
from consentgate.entries.leaf import decode
from consentgate.storage import looking, sequence

Backup = Callable[[], Callable[[], Settings]]


def told(settings: Settings, *names: str) -> None:
    """Write an entry for each name, and the end of the lane."""
    with ConsentGate(settings, background=False) as gate:
        for name in names:
            gate.add_issuer(f"https://{name}.example", name=name)


def signed(settings: Settings) -> int:
    with log_database(settings) as database:
        state = log_state(settings, database)
    return state.checkpoint.size if state.checkpoint else 0


def yes(_: Plan) -> bool:
    return True


def opened(settings: Settings, **more: Any) -> Recovered:
    done = recover(settings, agreed=yes, **more)
    assert done is not None
    assert done.failure is None
    return done


def leaves(settings: Settings, log: int) -> list[str]:
    """The kinds along a log."""
    with log_database(settings) as database, database.read() as connection:
        end = sequence.end_of(connection, log=log)
        return [decode(leaf).kind for _, leaf in looking.leaves(connection, first=0, end=end, log=log)]
