"""Closing what nobody closed, inside a process that searches or beside it, with files of CloudTrail or without."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from consentgate.aws.trailevents import Event, event_of
from consentgate.aws.trailfile import records_in
from consentgate.aws.trailing import follow
from consentgate.config.parts import Parts, assemble
from consentgate.config.settings import Settings
from consentgate.errors import InvalidInput
from consentgate.gate.ports import Vendor
from consentgate.gate.reconcile import Reconciled, reconcile
from consentgate.gate.replay import replay_spool
from consentgate.moment import Clock, system_clock, system_random

_ENDINGS: Final = (".json", ".json.gz")


def reconcile_parts(parts: Parts, vendors: Iterable[Vendor], trail: Sequence[Path]) -> Reconciled:
    """Close what is open and old enough.

    Args:
        parts: the deployment.
        vendors: the clients at hand.
        trail: files of CloudTrail, or folders of them.

    Returns:
        What it came to.

    Raises:
        InvalidInput: a file is none of CloudTrail; nothing was closed.
        Malformed: something stored cannot be read.
        Unavailable: the database or a key is out of reach; what was closed before that stays closed.
    """
    gate, at_hand = parts.gate, tuple(vendors)
    if gate.spool is not None:
        # What waits there says how requests really ended.
        replay_spool(gate, gate.spool, at_hand)
    return reconcile(gate, at_hand, follow(gate, _events(trail)))


def reconcile_once(settings: Settings, trail: Sequence[Path], *, clock: Clock = system_clock) -> Reconciled:
    """Do the same from outside the processes that search, with clients of the environment.

    Args:
        settings: the settings.
        trail: files of CloudTrail, or folders of them.
        clock: the time.

    Returns:
        What it came to.

    Raises:
        InvalidInput: a file is none of CloudTrail; nothing was closed.
        Malformed: something stored cannot be read.
        Misconfigured: settings or key files cannot be used.
        Unavailable: the database is out of reach.
    """
    # boto3 is imported where clients are made, and not by whoever imports consentgate.
    from consentgate.config.worker import clients_of

    parts = assemble(settings, engine=None, clock=clock, random=system_random, background=False)
    clients = clients_of(settings.times)
    try:
        return reconcile_parts(parts, (clients,), trail)
    finally:
        clients.close()
        parts.close()


def _events(trail: Sequence[Path]) -> Iterator[Event]:
    for path in trail:
        for file in _files(path):
            for record in records_in(file):
                event = event_of(record, str(file))
                if event is not None:
                    yield event


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.name.endswith(_ENDINGS) and each.is_file())
    if not found:
        raise InvalidInput(f"{path} holds no file of CloudTrail: their names end in .json or .json.gz.")
    return found
