"""Looking at stop orders without a client that could carry them out."""

from consentgate.config.parts import Parts
from consentgate.gate.orders import StopOrder
from consentgate.gate.stopping import Stopping


def open_stops(parts: Parts) -> tuple[StopOrder, ...]:
    """List the stop orders that nobody carried out yet.

    Args:
        parts: the deployment.

    Returns:
        Them, the oldest first.

    Raises:
        Unavailable: the database is out of reach.
    """
    return Stopping(parts.gate).open()
