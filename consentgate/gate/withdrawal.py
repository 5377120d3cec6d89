"""What taking a withdrawal or refusal in came to: what is stopped, what is deleted, what is open until when.

Invariant: it is read from the ledger after the orders were tried, so that asking again tells how far it is by then.
"""

from consentgate.errors import ConsentGateError
from consentgate.gate.orders import StopOrder
from consentgate.gate.stopping import Stopping
from consentgate.ledger.ingest import Ingested
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Ingested):
    """A statement that was taken in, with the stop orders that follow from it.

    Attributes:
        orders: all of them, oldest first; none where nothing ran and no voice profile lost its ground.
        known: whether the ledger could be read again to tell what became of them.
    """

    orders: tuple[StopOrder, ...] = ()
    known: bool = True

    @property
    def stopped(self) -> tuple[StopOrder, ...]:
        """The tasks that do not run any more."""
        return tuple(each for each in self.orders if each.does == "stop" and each.done_at is not None)

    @property
    def deleted(self) -> tuple[StopOrder, ...]:
        """The voice profiles that are not there any more."""
        return tuple(each for each in self.orders if each.does == "delete" and each.done_at is not None)

    @property
    def open(self) -> tuple[StopOrder, ...]:
        """What is still to be done, each with the time until when: a worker tries on."""
        return tuple(each for each in self.orders if each.done_at is None)


def withdrawn(ingested: Ingested, stopping: Stopping) -> Withdrawal:
    """Say what became of a statement that was taken in.

    Args:
        ingested: the statement.
        stopping: the orders.

    Returns:
        It, with its orders. That they cannot be read now changes nothing about the statement, which stands.
    """
    orders: tuple[StopOrder, ...] = ()
    known = True
    if ingested.statement.refuses and (ingested.stops or not ingested.new):
        try:
            orders = stopping.caused_by(ingested.entry)
        except ConsentGateError:
            known = False
    return Withdrawal(
        entry=ingested.entry,
        statement=ingested.statement,
        new=ingested.new,
        stops=ingested.stops,
        orders=orders,
        known=known,
    )
