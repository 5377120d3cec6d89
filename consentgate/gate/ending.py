"""What came back, made into what will be recorded: the one step between an answer and its outcome.

Invariant: nothing but a lack of randomness keeps an answer from being put together: what cannot be judged is told as
what came back, and a clock that fails costs no id.
"""

from uuid import UUID

from consentgate.entries.leaf import Answer
from consentgate.gate.context import GateContext
from consentgate.gate.outcomes import End, classify
from consentgate.gate.request import Ending, Exchange, Permit


def ending_of(gate: GateContext, permit: Permit, exchange: Exchange, end: End | None = None) -> Ending:
    """Put together what answers an intent.

    Args:
        gate: the gate.
        permit: the permit under which the request went.
        exchange: what came back.
        end: how it ended; None judges by what came back.

    Returns:
        What is to be recorded, under an id of its own.
    """
    return Ending(
        entry=_new_id(gate, permit),
        intent=Answer(id=permit.entry, h=permit.hash),
        owners=permit.owners,
        about=permit.about,
        end=end or classify(exchange.attempts, started=exchange.task is not None or exchange.complete),
        exchange=exchange,
        service=permit.request.service,
        operation=permit.request.operation,
        region=permit.request.region,
        path=permit.request.path,
        locks=permit.locks,
        shadow=permit.shadow,
    )


def ending_again(gate: GateContext, permit: Permit, exchange: Exchange) -> Ending | None:
    """Put it together once more, where something struck; where it cannot be judged, as an open observation.

    Args:
        gate: the gate.
        permit: the permit under which the request went.
        exchange: what came back.

    Returns:
        What is to be recorded; None where even that fails, and nothing can be sealed.
    """
    return _tried(gate, permit, exchange, None) or _tried(gate, permit, exchange, "unknown")


def _tried(gate: GateContext, permit: Permit, exchange: Exchange, end: End | None) -> Ending | None:
    try:
        return ending_of(gate, permit, exchange, end)
    except Exception:  # noqa: BLE001  # whatever it is: the caller is told, and the task is stopped
        return None


def _new_id(gate: GateContext, permit: Permit) -> UUID:
    """The id of the outcome: a clock that fails, or that nobody can believe, must not cost us what came back."""
    try:
        return gate.book.new_id(gate.book.now())
    except Exception:  # noqa: BLE001  # the entry's own time is another question, and asked in its place
        return gate.book.new_id(permit.send_by)
