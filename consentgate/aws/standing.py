"""What protects a client or session already: one gate, asked in one way."""

from typing import Any, Final

from consentgate.errors import InvalidInput
from consentgate.gate.door import Gate
from consentgate.gate.resolve import Sources
from consentgate.gate.retry import Retry
from consentgate.values import dataclass

_MARK: Final = "consentgate_gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a client is protected.

    Attributes:
        sources: where it learns who is on a call.
        retry: how a throttled request is tried again; None takes what stands, or the settings.
    """

    sources: Sources
    retry: Retry | None = None


def stands(where: Any, gate: Gate, manners: Manners, what: str) -> bool:
    """Tell whether a client or session is protected already.

    Args:
        where: what would carry the mark.
        gate: the gate that is asked for.
        manners: how; what names nothing fits any.
        what: ``client`` or ``session``.

    Returns:
        Whether it is.

    Raises:
        InvalidInput: by another gate, or by the same in other ways.
    """
    standing = getattr(where, _MARK, None)
    if standing is None:
        return False
    its_gate, its = standing if isinstance(standing, tuple) else (None, None)
    if its_gate is not gate or not isinstance(its, Manners):
        raise InvalidInput(f"Another gate protects this {what} already; each {what} has one.")
    if not manners.sources.are_none and manners.sources != its.sources:
        raise InvalidInput(f"This {what} is protected already, with another who or wait_for_call.")
    if manners.retry is not None and manners.retry != its.retry:
        raise InvalidInput(f"This {what} is protected already, with another retry.")
    return True


def mark(where: Any, gate: Gate, manners: Manners) -> None:
    """Mark a client or session as protected.

    Args:
        where: what carries the mark.
        gate: by which gate.
        manners: how.
    """
    setattr(where, _MARK, (gate, manners))
