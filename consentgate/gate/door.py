"""The gate as the hooks of a client see it: the steps, bound to one context."""

from uuid import UUID

from consentgate.errors import ConsentWithdrawn, OutcomeNotRecorded
from consentgate.gate.begin import begin, recheck
from consentgate.gate.context import GateContext
from consentgate.gate.finish import finish, lost
from consentgate.gate.ports import Vendor
from consentgate.gate.progress import Progress
from consentgate.gate.replay import replay_due
from consentgate.gate.request import Exchange, GatedRequest, Permit
from consentgate.gate.watching import Ended, audit, see


class Gate:
    """The door that each request of a gated operation passes."""

    def __init__(self, context: GateContext) -> None:
        self._context = context

    def new_intent(self) -> UUID:
        """Allocate the id of an intent.

        Returns:
            A fresh UUIDv7.
        """
        return self._context.book.new_id(self._context.book.now())

    def begin(self, request: GatedRequest) -> Permit:
        """Do steps 1 to 4: resolve, read, decide, append.

        Args:
            request: what botocore is about to send.

        Returns:
            The right to send it; the intent's entry is durable.

        Raises:
            ConsentDenied: nothing may be sent; the denial is recorded where a record could be written.
        """
        return begin(self._context, request)

    def recheck(self, permit: Permit, *, first: bool) -> None:
        """Check, just before an attempt, that the permit still stands.

        Args:
            permit: the permit.
            first: whether this is the first attempt; a prompt first attempt reads nothing again.

        Raises:
            ConsentDenied: it does not.
        """
        recheck(self._context, permit, first=first)

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
        try:
            written = finish(self._context, permit, exchange, response, vendor)
        except (ConsentWithdrawn, OutcomeNotRecorded):
            raise
        except Exception as error:  # a bug of ours: the caller must not take it for recorded
            raise lost(self._context, permit, exchange, response, vendor) from error
        if written:
            replay_due(self._context, (vendor,))

    def see(self, service: str, seen: Progress) -> None:
        """Record what a client was told of a task's state.

        Args:
            service: the vendor's service.
            seen: what was told.

        Raises:
            ConsentGateError: it could not be recorded.
        """
        see(self._context, service, seen)

    def audit(self, ended: Ended) -> None:
        """Record that something was stopped or deleted, or that this was tried.

        Args:
            ended: the request.

        Raises:
            ConsentGateError: it could not be recorded.
        """
        audit(self._context, ended)
