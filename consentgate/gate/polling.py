"""Asking the vendor how a task goes, for whoever gets no notifications.

What the vendor says is kept as an observation of the intent, once for each change; nothing that needs a permit is
asked.
"""

from collections.abc import Iterable
from typing import Final, Protocol, runtime_checkable

from consentgate.errors import InvalidInput, Unavailable
from consentgate.gate.context import GateContext
from consentgate.gate.progress import Progress, observe
from consentgate.gate.request import Started
from consentgate.ledger.progress import TaskState, state_of
from consentgate.ledger.tasks import TaskRecord, find_task

_NOT_OURS: Final = "No request of this ledger started a task of this id, or whoever it was about was erased."


@runtime_checkable
class Looks(Protocol):
    """A vendor that can be asked how a task goes."""

    def serves(self, started: Started) -> bool:
        """Tell whether this is where a task was started: the same service in the same region.

        Args:
            started: the task.

        Returns:
            Whether asking here makes sense.
        """
        ...

    def look(self, started: Started) -> Progress:
        """Ask how a task goes, within a bound of a few seconds.

        Args:
            started: the task.

        Returns:
            What the vendor says.

        Raises:
            Unavailable: it did not say.
        """
        ...


def poll(gate: GateContext, vendors: Iterable[object], services: Iterable[str], task: str) -> TaskState:
    """Ask how a task goes, and keep what is new.

    Args:
        gate: the gate.
        vendors: the clients at hand; those that cannot be asked are passed over.
        services: where it may have been started.
        task: the task's id.

    Returns:
        All that is known of the task now.

    Raises:
        InvalidInput: the task is none of this ledger, or no client at hand serves where it was started.
        Malformed: something stored cannot be read.
        Unavailable: the vendor or the database is out of reach.
    """
    record = _record(gate, services, task)
    started = Started(
        service=record.service,
        operation=record.operation,
        region=record.region,
        path=record.path,
        task=record.task,
    )
    looking = (vendor for vendor in vendors if isinstance(vendor, Looks) and vendor.serves(started))
    vendor = next(looking, None)
    if vendor is None:
        where = f"{record.service} in {record.region or 'no region'}"
        raise InvalidInput(f"No client of this gate serves {where}: protect one, then poll.")
    seen = vendor.look(started)
    if seen.task != record.task:
        raise Unavailable("The vendor's answer is about another task than the one that it was asked about.")
    observe(gate, record.intent.id, seen)
    with gate.database.read() as connection:
        return state_of(gate.book, connection, record.intent.id)


def _record(gate: GateContext, services: Iterable[str], task: str) -> TaskRecord:
    with gate.database.read() as connection:
        found = (find_task(connection, gate.book, service, task) for service in services)
        record = next((each for each in found if each is not None), None)
    if record is None:
        raise InvalidInput(_NOT_OURS)
    return record
