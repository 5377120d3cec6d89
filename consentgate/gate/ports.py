"""What the gate needs of the outside: a vendor that can stop what was started, and a door to pass through.

`Door` is what the hooks of a client call; the gate's own steps stand in `begin` and `finish`.
"""

from typing import Protocol
from uuid import UUID

from consentgate.gate.request import Exchange, GatedRequest, Permit


class Vendor(Protocol):
    """Stops a running task at the vendor."""

    def stop(self, request: GatedRequest, task: str) -> bool:
        """Stop a task at once.

        Never raises for an answer of the vendor or a broken connection: the stop order stays open then. Does
        not retry beyond what the client does by itself.

        Args:
            request: the request that started the task.
            task: the task's id.

        Returns:
            Whether the vendor confirmed the stop, or says that the task is no longer there.
        """
        ...


class Door(Protocol):
    """The gate, as the hooks of one client see it."""

    def new_intent(self) -> UUID:
        """Allocate the id of an intent.

        Returns:
            A fresh UUIDv7.
        """
        ...

    def begin(self, request: GatedRequest) -> Permit:
        """Do steps 1 to 4: resolve, read, decide, append.

        Durable when it returns: the intent's entry is committed.

        Args:
            request: what botocore is about to send.

        Returns:
            The right to send it.

        Raises:
            ConsentDenied: nothing may be sent; the denial is recorded where a record could be written.
        """
        ...

    def recheck(self, permit: Permit, *, first: bool) -> None:
        """Check, just before an attempt, that the permit still stands.

        Args:
            permit: the permit.
            first: whether this is the first attempt; a prompt first attempt reads nothing again.

        Raises:
            ConsentDenied: it does not.
        """
        ...

    def finish(self, permit: Permit, exchange: Exchange, response: object, vendor: Vendor) -> None:
        """Do step 6: record the outcome, and stop the task where a stop order stands.

        Args:
            permit: the permit under which the request went.
            exchange: what came back.
            response: the answer as the caller will get it, or None.
            vendor: stops the task.

        Raises:
            ConsentWithdrawn: a speaker withdrew meanwhile.
            OutcomeNotRecorded: the outcome could not be written.
        """
        ...
