"""Looking at stop orders from outside: what is to be stopped or deleted, and until when."""

from consentgate.config.check import INCOMPLETE, Check
from consentgate.config.parts import Parts
from consentgate.gate.orders import StopOrder, overdue
from consentgate.gate.stopping import Stopping
from consentgate.moment import to_text


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


def stop_orders_check(parts: Parts) -> Check:
    """Say what is to be stopped or deleted and is not yet.

    Args:
        parts: the deployment.

    Returns:
        The check.

    Raises:
        Unavailable: the database is out of reach.
    """
    found = open_stops(parts)
    if not found:
        return Check(name="stop orders", verdict="ok", found="none is open")
    late = overdue(found, parts.book.now())
    first = min(found, key=lambda each: each.until)
    return Check(
        name="stop orders",
        verdict="warn",
        found=f"{len(found)} open, the first until {to_text(first.until)}"
        + (f", {late} overdue" if late else ""),
        cure="Look at them: `consentgate worker list`. Carry them out: `consentgate worker run`.",
        exit=INCOMPLETE,
    )
