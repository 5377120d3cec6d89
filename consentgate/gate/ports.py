"""What the gate needs of the outside: a vendor that can stop what was started."""

from typing import Protocol

from consentgate.gate.request import GatedRequest


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
