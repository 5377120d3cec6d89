"""What a health check is told, beside that the gate could decide now."""

from consentgate.gate.orders import StopOrder
from consentgate.log.lag import Lag
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What is worth a look, and no reason to take no requests.

    Attributes:
        stops: the stop orders that are open, each with its deadline.
        anchors: how far behind each anchor is, and whether that is an alarm (``late``).
    """

    stops: tuple[StopOrder, ...]
    anchors: tuple[Lag, ...]
