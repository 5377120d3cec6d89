"""Stopping what an engine or API of the backend's choice runs: the gate's `Vendor` port on a function."""

from collections.abc import Callable
from typing import TypeAlias

from consentgate.errors import InvalidInput
from consentgate.gate.bounded import confirmed_within
from consentgate.gate.request import Started

Stop: TypeAlias = Callable[[Started], bool]
"""Stops a task, or deletes what an enrolment made; gives True where the vendor confirms, or no longer has it."""


class Engine:
    """A `Vendor` that asks a function of the backend's."""

    def __init__(self, service: str, stop: Stop | None, *, within: float) -> None:
        """Take a function in hand.

        Args:
            service: what it can stop tasks of.
            stop: the function, or None: then nothing is ever stopped, and stop orders stay open.
            within: how many seconds it may take.

        Raises:
            InvalidInput: it cannot be called.
        """
        if stop is not None and not callable(stop):
            raise InvalidInput("stop is a function of what was started; it gives True where that has ended.")
        self._service = service
        self._stop = stop
        self._within = within

    def asks(self, stop: Stop) -> bool:
        """Tell whether a function is the one that it asks.

        Args:
            stop: the function.

        Returns:
            Whether it is.
        """
        return self._stop is stop

    def serves(self, started: Started) -> bool:
        """Tell whether this is what a task was started at.

        Args:
            started: the task.

        Returns:
            Whether a stop would reach it.
        """
        return self._stop is not None and started.service == self._service

    def stop(self, started: Started) -> bool:
        """Stop a task at once, within the bound.

        Args:
            started: the task.

        Returns:
            Whether the function said that it has ended.
        """
        stop = self._stop
        if stop is None:
            return False
        return confirmed_within(lambda: stop(started), self._within, name="consentgate-stop")
