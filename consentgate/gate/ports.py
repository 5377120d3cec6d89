"""What the gate needs of the outside: a vendor that can stop what was started."""

from typing import Protocol

from consentgate.gate.request import Started


class Vendor(Protocol):
    """Stops a running task at the vendor."""

    def serves(self, started: Started) -> bool:
        """Tell whether this is where a task was started: the same service in the same region.

        Args:
            started: the task.

        Returns:
            Whether a stop would reach it.
        """
        ...

    def stop(self, started: Started) -> bool:
        """Stop a task at once.

        Never raises for what the vendor, the network or the client does, and returns within a bound of a few
        seconds: the stop order stays open then. Does not retry beyond what the client does by itself.

        Args:
            started: the task.

        Returns:
            Whether the vendor confirmed the stop, or says that the task is no longer there.
        """
        ...
