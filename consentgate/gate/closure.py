"""The outcome of an intent that nobody closed, as reconciliation writes it.

Invariant: the same evidence makes the same entry, whoever writes it and however often.
"""

from hashlib import sha256

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.gate.context import GateContext
from consentgate.gate.evidence import Evidence
from consentgate.gate.progress import derived_id
from consentgate.gate.request import Ending, Exchange
from consentgate.gate.unsettled import Unsettled
from consentgate.ledger.vault import BODY


def closure(gate: GateContext, connection: Connection, unsettled: Unsettled, evidence: Evidence) -> Ending:
    """Make the outcome of an intent.

    Args:
        gate: the gate.
        connection: an open write transaction.
        unsettled: the intent.
        evidence: what says how its request ended.

    Returns:
        The outcome.

    Raises:
        Unavailable: the wrapping key is out of reach.
    """
    asked = unsettled.asked
    # About nobody, or nobody is left: what can be said lies under the tenant's own key.
    owners = tuple(asked.owners.values()) or (gate.book.vault.ensure_key(connection, BODY),)
    digest = sha256(canonical.encode([evidence.end, evidence.task, evidence.members])).digest()
    return Ending(
        entry=derived_id(owners[0], asked.intent.id, digest),
        intent=asked.intent,
        owners=owners,
        about=unsettled.about,
        end=evidence.end,
        exchange=Exchange(
            attempts=(), request_id=evidence.request_id, task=evidence.task, error=evidence.error
        ),
        service=asked.text("service"),
        operation=asked.text("operation"),
        region=asked.text("region") or None,
        path=asked.text("path"),
        locks=unsettled.locks,
        shadow=asked.shadow,
        places=tuple(asked.owners),
        reconciled=evidence.members,
    )
