"""The whole life of what a request started or made: the request, what was seen of it since, what the vendor holds.

Invariant: all of it follows from entries; what lies under destroyed keys is missing, and never guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger import retention
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.progress import TaskState, state_of
from consentgate.ledger.retention import Held
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

_DELETE: Final = "DeleteVoiceProfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """What a request started or made, from its start to its end.

    Attributes:
        intent: id of the intent's entry.
        outcome: id of the outcome's entry.
        service: the vendor's service.
        operation: the vendor's name of the operation.
        region: the region of the client, or None.
        task: the vendor's id of the task or profile.
        started_at: when the vendor's answer was put on record.
        state: what was seen of it since.
        held: what the vendor holds because of it, gone or not, the first to go first.
        deleted_at: when it was deleted at the vendor, by a stop order or by the backend, or None.
    """

    intent: UUID
    outcome: UUID
    service: str
    operation: str
    region: str | None
    task: str = field(repr=False)
    started_at: datetime
    state: TaskState
    held: tuple[Held, ...]
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An outcome that names what was started or made, with its request.

    Attributes:
        row: the outcome.
        intent: id of the intent's entry.
        asked_at: when the intent was written.
        asked: the request, as the intent holds it.
        answered: the answer, as the outcome holds it.
        task: the vendor's id of what it names.
    """

    row: EntryRow
    intent: UUID
    asked_at: datetime
    asked: Mapping[str, Json] = field(repr=False)
    answered: Mapping[str, Json] = field(repr=False)
    task: str = field(repr=False)

    @property
    def operation(self) -> str:
        """The vendor's name of the operation."""
        return _text(self.asked, "operation")


def lifetime_of(book: Book, connection: Connection, outcome: EntryRow) -> Lifetime | None:
    """Read the life of what an outcome names.

    Args:
        book: the ledger.
        connection: an open transaction.
        outcome: the outcome.

    Returns:
        What is known; None where it started nothing, or nobody can read it any more.

    Raises:
        Malformed: something stored cannot be read.
    """
    read = _read(book, connection, outcome)
    if read is None:
        return None
    state = state_of(book, connection, read.intent)
    region = read.asked.get("region")
    newest, deleted_at = _of_profile(book, connection, read)
    profile = retention.of_profile(newest.operation, newest.row.at, _answer(newest))
    return Lifetime(
        intent=read.intent,
        outcome=read.row.id,
        service=_text(read.asked, "service"),
        operation=read.operation,
        region=region if isinstance(region, str) else None,
        task=read.task,
        started_at=read.row.at,
        state=state,
        held=(
            *retention.of_task(read.operation, read.row.at, state),
            *(profile if deleted_at is None else ()),
        ),
        deleted_at=deleted_at,
    )


def made_by_name(book: Book, connection: Connection, id_: str) -> Iterator[Made]:
    """Find what requests were answered with an id of the vendor's.

    Args:
        book: the ledger.
        connection: an open transaction.
        id_: the vendor's id of a task, profile or domain.

    Yields:
        Each such outcome with its request, oldest first; those that nobody can read any more are missing.

    Raises:
        Malformed: something stored cannot be read.
    """
    try:
        named = book.vault.task_subjects(id_)
    except InvalidInput:
        return
    for linked in subjects.entries_of(connection, book.tenant, named, ["outcome"]):
        made = _read(book, connection, linked.row)
        if made is not None:
            yield made


def _of_profile(book: Book, connection: Connection, read: Made) -> tuple[Made, datetime | None]:
    """Give the newest request that made or updated the same profile, and when it was deleted, if it was."""
    newest, deleted = read, list[datetime]()
    for each in _named_alike(book, connection, read):
        deleted += _deletions(book, connection, each)
        newest = each if each.row.at > newest.row.at else newest
    return newest, max(deleted, default=None)


def _named_alike(book: Book, connection: Connection, read: Made) -> Iterator[Made]:
    if retention.of_profile(read.operation, read.row.at, None):
        for each in made_by_name(book, connection, read.task):
            if retention.of_profile(each.operation, each.row.at, None):
                yield each


def _deletions(book: Book, connection: Connection, made: Made) -> Iterator[datetime]:
    """When the profile was deleted: by an order against the request that made it, or by the backend itself."""
    for order in entries.stop_orders(connection, book.tenant, made.intent):
        for note in entries.answers(connection, book.tenant, order.id, kinds=("observation",)):
            if note.end == "succeeded":
                yield note.at
    for note in entries.answers(connection, book.tenant, made.intent, kinds=("observation",)):
        if note.end == "succeeded" and _exchange(_opened(book, connection, note)).get("operation") == _DELETE:
            yield note.at


def _read(book: Book, connection: Connection, outcome: EntryRow) -> Made | None:
    intent = entries.by_id(connection, book.tenant, outcome.re) if outcome.re is not None else None
    if intent is None:
        raise Malformed("A stored outcome answers nothing. Run `consentgate verify`.")
    asked = _exchange(_opened(book, connection, intent))
    answered = _exchange(_opened(book, connection, outcome))
    task = answered.get("task")
    if not asked or not isinstance(task, str):
        return None
    return Made(row=outcome, intent=intent.id, asked_at=intent.at, asked=asked, answered=answered, task=task)


def _opened(book: Book, connection: Connection, row: EntryRow) -> dict[str, Mapping[str, Json]]:
    linked = subjects.subjects_of(connection, book.tenant, [row.id])[row.id]
    return open_parts(row, book.vault.data_keys(connection, linked).values())


def _exchange(opened: Mapping[str, Mapping[str, Json]]) -> Mapping[str, Json]:
    return next((told for name, told in opened.items() if name.startswith("exchange.")), {})


def _answer(read: Made) -> bytes | None:
    told = read.answered.get("response")
    try:
        return canonical.unb64(told) if isinstance(told, str) else None
    except Malformed:
        return None


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
