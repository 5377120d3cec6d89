"""Steps 1 to 3 for requests that name no call: who is in question follows from our own record, or nobody is.

A voice profile is made or changed from a search. Who that was about is known from the intent and the outcome that the
ledger has of it, and from who joined the leg since. A voice that cannot be told from another's enrols nobody: the
backend may name the one, and everybody whose voice it may be has to have consented.

A domain is about nobody. It is made to hold voiceprints, so it wants a controller who can show a notice for enrolment
and has somebody who records what people say to it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from consentgate.gate.context import GateContext
from consentgate.gate.request import GatedRequest
from consentgate.ledger import notices
from consentgate.ledger.reading import OnLeg, Reading
from consentgate.ledger.tasks import find_task
from consentgate.policy.facts import ENROL, SEARCH
from consentgate.policy.reasons import Reason, reason
from consentgate.storage import entries

ENROLLED_WITHIN: Final = timedelta(hours=24)
"""How long the vendor keeps what a search heard for an enrolment."""


def read_for(gate: GateContext, connection: Connection, request: GatedRequest) -> Reading:
    """Read everything for the decision about a request, wherever its speakers are told.

    Args:
        gate: the gate.
        connection: of `Database.glance`.
        request: the request.

    Returns:
        What was read.

    Raises:
        Malformed: something stored cannot be read.
    """
    if request.about == "call":
        return gate.reader.read(connection, request.call, request.leg)
    record = find_task(connection, gate.book, None, request.task) if request.task is not None else None
    if record is None:
        return gate.reader.read(connection, None, None)
    return gate.reader.read_task(connection, record, gate.leg_of(record.request))


def own_reasons(
    gate: GateContext, connection: Connection, request: GatedRequest, reading: Reading, at: datetime
) -> tuple[Reason, ...]:
    """Say why the gate itself does not let a request through that names no call.

    Args:
        gate: the gate.
        connection: the one that read.
        request: the request.
        reading: what was read.
        at: the time of the decision.

    Returns:
        The reasons; none where the law decides, nobody is in question, or the call tells who is.
    """
    if request.about == "call" or request.trouble is not None:
        return ()
    if request.about == "nobody":
        return () if _can_ask(gate, connection, reading) else (reason("ENROLMENT_NOT_PREPARED"),)
    record = reading.task
    # Only an outcome `succeeded` names a task, and only of a search is there a voice that can be enrolled.
    if record is None or record.late or record.end != "succeeded" or record.action != SEARCH:
        return (reason("TASK_UNKNOWN"),)
    if at - record.requested_at > ENROLLED_WITHIN:
        return (reason("TASK_TOO_OLD"),)
    if entries.stop_orders(connection, gate.book.tenant, record.intent.id):
        return (reason("TASK_STOPPED"),)
    if reading.unknown_legs:
        return tuple(reason("LEG_UNKNOWN", leg) for leg in reading.unknown_legs)
    one = enrolled(request, reading.speakers)
    if one is None:
        return (reason("SPEAKER_AMBIGUOUS"),)
    return () if _is_theirs(gate, connection, request, one) else (reason("PROFILE_OF_ANOTHER"),)


def enrolled(request: GatedRequest, speakers: Sequence[OnLeg]) -> OnLeg | None:
    """Tell whose voice a profile will stand for.

    Args:
        request: the request.
        speakers: everybody whose voice the task may hold.

    Returns:
        The one, or None where nobody can tell.
    """
    firsts = {on.speaker.first for on in speakers}
    if request.named is None:
        return speakers[0] if len(firsts) == 1 else None
    return next((on for on in speakers if on.speaker.first == request.named), None)


def _can_ask(gate: GateContext, connection: Connection, reading: Reading) -> bool:
    return bool(reading.controller.registry.issuers) and notices.any_for(gate.book, connection, ENROL)


def _is_theirs(gate: GateContext, connection: Connection, request: GatedRequest, one: OnLeg) -> bool:
    """Whether a profile that is to be changed is, as far as the ledger knows, the same person's."""
    if request.made is None:
        return True
    made = find_task(connection, gate.book, request.service, request.made)
    # One that was made before there was a gate is nobody's for us: the person's own consent has to do.
    return made is None or made.enrolled in one.reached
