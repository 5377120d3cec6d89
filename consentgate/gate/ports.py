"""What the gate needs of the outside: a vendor that can stop what was started."""

from typing import Protocol, runtime_checkable

from consentgate.gate.request import Started
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a vendor answered to a stop or deletion.

    Attributes:
        confirmed: whether the task does not run any more, or the profile is not there any more.
        said: in one word: ``stopped``, ``deleted``, ``gone``, ``ended``, the vendor's error code, or ``no answer``.
    """

    confirmed: bool
    said: str = ""


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


@runtime_checkable
class Explains(Protocol):
    """A vendor that also says what it was told, for the record."""

    def carry_out(self, started: Started) -> Told:
        """Stop a task, or delete a voice profile, at once: as `Vendor.stop`, with what the vendor said.

        Args:
            started: what was started or made.

        Returns:
            What came of it.
        """
        ...
