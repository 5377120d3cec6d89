"""What a client is told that is never gated: what became of tasks, and what was stopped or deleted.

Nothing here ever stands in the way of the caller: a withdrawal must be able to act while the ledger is down, and
whoever asks for a state must get it. What cannot be recorded is logged, by what it was and never by whom it is about.
"""

import logging
from collections.abc import Callable
from dataclasses import field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.gate.context import GateContext
from consentgate.gate.progress import Progress, observe
from consentgate.ledger.book import Content
from consentgate.ledger.tasks import TaskRecord, find_task
from consentgate.ledger.vault import BODY
from consentgate.values import dataclass

_LOG: Final = logging.getLogger("consentgate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A request that stopped or deleted something, or was meant to.

    Attributes:
        service: the vendor's service.
        operation: the vendor's name of the operation.
        id: the vendor's id of what was to be stopped or deleted.
        status: HTTP status of the answer, or None where there was none.
        request_id: the vendor's request id, or None.
        error: the vendor's error code or the exception's class, or None.
        body: exact bytes of the answer.
    """

    service: str
    operation: str
    id: str = field(repr=False)
    status: int | None
    request_id: str | None = None
    error: str | None = None
    body: bytes = field(default=b"", repr=False)


def quietly(what: str, work: Callable[[], object]) -> None:
    """Do something that must not stand in anybody's way.

    Args:
        what: what it is about, for the log: an operation, never a person or an id.
        work: records it.
    """
    try:
        work()
    except Exception as error:  # noqa: BLE001  # what was stopped is stopped, and what was told is told
        _LOG.warning("%s was answered, and could not be recorded: %s.", what, type(error).__name__)


def see(gate: GateContext, service: str, seen: Progress) -> None:
    """Record what a client was told of a task's state; the same thing once.

    Args:
        gate: the gate.
        service: the vendor's service.
        seen: what was told.

    Raises:
        ConsentGateError: it could not be recorded.
    """
    record = _find(gate, service, seen.task)
    if record is not None:
        observe(gate, record.intent.id, seen)


def audit(gate: GateContext, ended: Ended) -> None:
    """Record that something was stopped or deleted, or that this was tried.

    Args:
        gate: the gate.
        ended: the request.

    Raises:
        ConsentGateError: it could not be recorded.
    """
    record = _find(gate, None, ended.id)
    if record is None:
        # Made before there was a gate, or by somebody else: there is no entry that this could answer.
        _LOG.info("%s of something that this ledger does not know: %s.", ended.operation, ended.status)
        return
    gate.database.write(lambda connection: _note(gate, connection, record, ended))


def _find(gate: GateContext, service: str | None, task: str | None) -> TaskRecord | None:
    if task is None:
        return None
    with gate.database.read() as connection:
        return find_task(connection, gate.book, service, task)


def _note(gate: GateContext, connection: Connection, record: TaskRecord, ended: Ended) -> UUID:
    """What a client asked for is no sighting of the task: whether it stopped is what the vendor says of it."""
    members: dict[str, Json] = {
        "operation": ended.operation,
        "service": ended.service,
        "task": ended.id,
        "response": canonical.b64(ended.body),
    }
    told: dict[str, Json] = {"status": ended.status, "request_id": ended.request_id, "error": ended.error}
    members |= {name: value for name, value in told.items() if value is not None}
    if record.owners:
        parts = [
            Content(name=f"exchange.{i}", data_key=owner.data_key, members=members)
            for i, owner in enumerate(record.owners)
        ]
    else:
        key = gate.book.vault.ensure_key(connection, BODY)
        parts = [Content(name="body.0", data_key=key.data_key, members={"exchange": members})]
    done = ended.status is not None and ended.error is None
    return gate.book.write(
        connection,
        "observation",
        gate.book.now(),
        parts,
        record.about,
        re=record.intent,
        end="succeeded" if done else "unknown",
    ).id
