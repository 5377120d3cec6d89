"""What a gated request started at the vendor, found by the vendor's id.

The outcome that started a task is linked to a subject that is the keyed hash of the task's id (`ledger.vault`), so
that it is found by one look into an index, however many entries there are. Nothing here tells what became of the
task: that is folded from the observations that answer the intent.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.consent.details import CallContext
from consentgate.consent.reference import Reference
from consentgate.entries.leaf import Answer
from consentgate.entries.parts import split_parts
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.progress import owners_of
from consentgate.ledger.vault import BODY, Subject
from consentgate.policy.record import request_from
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

_Parts: TypeAlias = tuple[Mapping[str, Json], Mapping[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What the ledger knows of a task, or of whatever else a request made.

    Attributes:
        service: the vendor's service, for example ``chime-sdk-voice``.
        operation: the vendor's name of the operation that started it.
        action: the policy engine's word for that.
        task: the vendor's id.
        region: the region of the client that did, or None.
        path: URL path of the request.
        intent: the intent, as an answer to it names it.
        ordinal: the intent's ordinal: what was told later has a higher one.
        outcome: id of the entry that names the task: the outcome, or one that came too late to be it.
        end: how the request ended, as the entry says that names the task.
        late: whether that came after another final outcome, and stands as an observation.
        requested_at: the intent's time.
        started_at: the outcome's time.
        owners: subject and data key of each speaker, in order; whoever was erased is missing.
        about: every person whom the intent is linked to.
        speakers: the references of each of the owners, the first names the subject.
        enrolled: the subject of the owner for whose voice a profile stands, or None.
        purpose: the purpose that it was decided for, or None.
        context: its call as grants name it, without the leg, or None.
        call: the name of its call, or None.
        call_subject: the call's own subject, or None.
        request: the request as the intent holds it.
        erased: whether somebody whom it was about was erased.
    """

    service: str
    operation: str
    action: str
    task: str = field(repr=False)
    region: str | None
    path: str = field(repr=False)
    intent: Answer
    ordinal: int
    outcome: UUID
    end: str
    late: bool
    requested_at: datetime
    started_at: datetime
    owners: tuple[Subject, ...] = field(repr=False)
    about: frozenset[UUID]
    speakers: tuple[tuple[Reference, ...], ...] = field(repr=False)
    enrolled: UUID | None
    purpose: str | None
    context: CallContext | None = field(repr=False)
    call: str | None = field(repr=False)
    call_subject: UUID | None
    request: Mapping[str, Json] = field(repr=False)
    erased: bool = False


def find_task(connection: Connection, book: Book, service: str | None, task_id: str) -> TaskRecord | None:
    """Find a task that a gated request started.

    Args:
        connection: an open transaction.
        book: the ledger.
        service: the vendor's service; None takes any.
        task_id: the vendor's id of the task, or of the profile or domain that was made.

    Returns:
        What is known of it, of the first request where several were answered with the same id; None where no request
        of this ledger started it, or everybody whom it was about was erased.

    Raises:
        Malformed: something stored cannot be read.
    """
    try:
        named = book.vault.task_subjects(task_id)
    except InvalidInput:
        return None
    for linked in subjects.entries_of(connection, book.tenant, named, ["observation", "outcome"]):
        people = frozenset(linked.subjects).difference(named)
        record = _record(connection, book, task_id, linked.row, people)
        if record is not None and service in (None, record.service):
            return record
    return None


def _record(
    connection: Connection, book: Book, task: str, outcome: EntryRow, people: frozenset[UUID]
) -> TaskRecord | None:
    if outcome.re is None:
        raise Malformed("A stored outcome answers nothing. Run `consentgate verify`.")
    intent = entries.by_id(connection, book.tenant, outcome.re)
    if intent is None:
        raise Malformed("A stored outcome answers an intent that is not there. Run `consentgate verify`.")
    owners = owners_of(book, connection, intent)
    keys = {owner.data_key for owner in owners.values()}
    if not owners and not intent.about_people and (own := book.vault.find_key(connection, BODY)):
        keys = {own}
    opened = open_parts(intent, keys)
    if not opened:
        return None
    parts = [_parts(opened, f".{i}") for i in sorted(owners)] or [_parts(opened, "")]
    decision, request = parts[0]
    call = _text(decision, "call")
    service, operation = (_text(request, name) or "" for name in ("service", "operation"))
    return TaskRecord(
        service=service,
        operation=operation,
        action=_text(decision, "action") or "",
        task=task,
        region=_text(request, "region"),
        path=_text(request, "path") or "",
        intent=Answer(id=intent.id, h=intent.hash),
        ordinal=intent.ordinal,
        outcome=outcome.id,
        end=outcome.end or "",
        late=outcome.kind != "outcome",
        requested_at=intent.at,
        started_at=outcome.at,
        owners=tuple(owners[i] for i in sorted(owners)),
        about=people,
        speakers=tuple(_references(told) for told, _ in parts[: len(owners)]),
        enrolled=next((owners[i].id for i in owners if _enrols(opened, i)), None),
        purpose=_text(decision, "purpose"),
        context=_context(decision),
        call=call,
        call_subject=book.vault.find_call(connection, call) if call is not None else None,
        request=request,
        erased=len(opened) != len(split_parts(intent.parts)),
    )


def _parts(opened: Mapping[str, Mapping[str, Json]], at: str) -> _Parts:
    body = opened.get("body.0", {})
    decision = opened.get(f"decision{at}") or body.get("decision")
    exchange = opened.get(f"exchange{at}") or body.get("exchange")
    if not isinstance(decision, Mapping) or not isinstance(exchange, Mapping):
        raise Malformed("A stored intent cannot be read. Run `consentgate verify`.")
    return decision, exchange


def _references(decision: Mapping[str, Json]) -> tuple[Reference, ...]:
    told = decision.get("references")
    try:
        return tuple(Reference(kind=each["kind"], value=each["value"]) for each in _objects(told))
    except (KeyError, InvalidInput) as error:
        raise Malformed("A stored intent names its speakers in a way that cannot be read.") from error


def _objects(told: Json) -> list[dict[str, str]]:
    if not isinstance(told, list) or not all(isinstance(each, Mapping) for each in told):
        raise Malformed("A stored intent names its speakers in a way that cannot be read.")
    return [{k: str(v) for k, v in each.items()} for each in told if isinstance(each, Mapping)]


def _enrols(opened: Mapping[str, Mapping[str, Json]], i: int) -> bool:
    return opened.get(f"decision.{i}", {}).get("enrols") is True


def _context(decision: Mapping[str, Json]) -> CallContext | None:
    asked = decision.get("asked")
    context = request_from(asked).context if asked is not None else None
    if context is None or (context.transaction_id is None and context.voice_connector_id is None):
        return None
    return replace(context, call_leg=None)


def _text(members: Mapping[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None
