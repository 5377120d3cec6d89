"""What was seen of a task becomes an observation of its intent, once, from wherever and however often it comes.

::

    a  the intent, and for whom its parts are sealed
    b  the observation; its id follows from what was seen, so that the same thing is not written twice
    c  where the task has ended: every stop order against it is noted as done

The id is made with the data key of a speaker: it shows nothing to anybody else, and follows from nothing once that
key is destroyed. All of it is one transaction, under the locks that a withdrawal takes: the withdrawal sees the end,
or this sees the withdrawal's stop order.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.crypto import derive
from consentgate.entries.leaf import Answer
from consentgate.errors import InvalidInput
from consentgate.gate.answers import results_key
from consentgate.gate.context import GateContext
from consentgate.ledger.book import Content, open_parts
from consentgate.ledger.progress import is_end, owners_of
from consentgate.ledger.vault import Subject
from consentgate.moment import floor, from_millis, to_text, uuid7
from consentgate.storage import entries, locks, subjects
from consentgate.storage.entries import EntryRow
from consentgate.storage.guarded import Guard
from consentgate.values import dataclass

Source = Literal["notification", "poll", "get", "cloudtrail", "tripwire"]

_STATUS_LIMIT: Final = 128
_SEEN: Final = "seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Something that was seen of a task.

    Attributes:
        source: where.
        status: the vendor's word, taken as it comes.
        body: the exact bytes that said so.
        digest: of what was seen: the same for the same thing, however it came; by default of the bytes.
        at: the vendor's time of it, or None.
        task: the task's id, or None where only the call was named.
        results: whether the bytes carry results: they may name other people, and lie apart.
        summary: the members other than the results; kept where the bytes lie apart.
    """

    source: Source
    status: str
    body: bytes = field(repr=False)
    digest: bytes = b""
    at: datetime | None = None
    task: str | None = field(default=None, repr=False)
    results: bool = False
    summary: Mapping[str, Json] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not (
            0 < len(self.status) <= _STATUS_LIMIT and self.status.isascii() and self.status.isprintable()
        ):
            raise InvalidInput("A status is a printable ASCII text of at most 128 characters.")
        if not self.digest:
            object.__setattr__(self, "digest", hashlib.sha256(self.body).digest())
        if self.at is not None:
            object.__setattr__(self, "at", floor(self.at))

    @property
    def ends(self) -> bool:
        """Whether the task does nothing more after it."""
        return is_end(self.status)


def observe(gate: GateContext, intent: UUID, seen: Progress) -> bool:
    """Keep what was seen of what an intent started.

    Args:
        gate: the gate.
        intent: id of the intent's entry.
        seen: what was seen.

    Returns:
        Whether it was written now; False where the ledger has it, has no such intent, or nobody is left under whose
        key it could lie.

    Raises:
        Malformed: what is stored about the intent is not what was written.
        Unavailable: the database or a key is out of reach; nothing was written.
    """
    matches = results_key(gate) if seen.results else None
    return gate.database.write(lambda connection: _observed(gate, connection, intent, seen, matches))


def _observed(
    gate: GateContext, connection: Connection, intent: UUID, seen: Progress, matches: Subject | None
) -> bool:
    book = gate.book
    # a
    row = entries.by_id(connection, book.tenant, intent)
    if row is None or row.kind != "intent":
        return False
    shared = locks_of(gate, row, owners_of(book, connection, row).values())
    locks.hold(connection, shared=shared)
    # Read again: who was erased before the locks were ours is not written about any more.
    owners = owners_of(book, connection, row)
    if not owners:
        return False
    about = subjects.subjects_of(connection, book.tenant, [intent])[intent]
    # b
    appended = book.write(
        connection,
        "observation",
        book.now(),
        _contents(seen, owners, matches),
        about,
        entry=derived_id(_first(owners), intent, seen.digest),
        re=Answer(id=row.id, h=row.hash),
        # It is about the request too: what has a task was started.
        end="succeeded" if seen.task is not None else "unknown",
        guard=Guard(shared=shared),
    )
    # c
    if seen.ends:
        for order in appended.stops:
            _note_ended(gate, connection, order, about, _first(owners))
    return appended.code == "done"


def _contents(seen: Progress, owners: Mapping[int, Subject], matches: Subject | None) -> list[Content]:
    members: dict[str, Json] = {
        "source": seen.source,
        "status": seen.status,
        "results": seen.results,
    }
    if seen.at is not None:
        members["seen_at"] = to_text(seen.at)
    if seen.task is not None:
        members["task"] = seen.task
    if seen.results:
        members["response_sha256"] = canonical.b64(hashlib.sha256(seen.body).digest())
        members["summary"] = seen.summary
    else:
        members["response"] = canonical.b64(seen.body)
    contents = [
        Content(name=f"exchange.{i}", data_key=owner.data_key, members=members)
        for i, owner in sorted(owners.items())
    ]
    if seen.results and matches is not None:
        # Results name other people: their exact bytes lie under a key of the month, not under the speaker's.
        answer: dict[str, Json] = {"response": canonical.b64(seen.body)}
        contents.append(Content(name="matches.0", data_key=matches.data_key, members=answer))
    return contents


def locks_of(gate: GateContext, row: EntryRow, owners: Iterable[Subject]) -> frozenset[int]:
    """Give the locks of everybody whom an intent is about, as its own decision named them.

    Args:
        gate: the gate.
        row: the intent.
        owners: for whom its parts are sealed.

    Returns:
        Their numbers.

    Raises:
        Malformed: the stored intent cannot be read.
    """
    named = {
        Reference(kind=each["kind"], value=each["value"])
        for name, told in open_parts(row, [owner.data_key for owner in owners]).items()
        if name.startswith("decision.")
        for each in _references(told)
    }
    return gate.book.vault.lock_numbers(named)


def _references(told: Mapping[str, Json]) -> Iterable[Mapping[str, str]]:
    found = told.get("references")
    return [
        {"kind": kind, "value": value}
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, Mapping)
        and isinstance(kind := each.get("kind"), str)
        and isinstance(value := each.get("value"), str)
    ]


def _note_ended(
    gate: GateContext,
    connection: Connection,
    order: tuple[UUID, bytes],
    about: Iterable[UUID],
    owner: Subject,
) -> None:
    """Note that there is nothing left to stop: the order counts as done."""
    entry, hash_ = order
    members: dict[str, Json] = {"end": "succeeded", "stopped": True, "said": "ended"}
    part = Content(name="exchange.0", data_key=owner.data_key, members=members)
    gate.book.write(
        connection,
        "observation",
        gate.book.now(),
        [part],
        about,
        entry=derived_id(owner, entry, b"ended"),
        re=Answer(id=entry, h=hash_),
        end="succeeded",
    )


def derived_id(owner: Subject, answered: UUID, digest: bytes) -> UUID:
    """Make the id of an answer that is to be written once: the same for the same thing.

    Args:
        owner: one of those whom it is about; without that key the id shows nothing.
        answered: id of the entry that it answers.
        digest: of what it says.

    Returns:
        A UUIDv7; it carries the time of what it answers, which everybody sees there too.
    """
    key = derive.part_key(owner.data_key, answered, _SEEN)
    noise = hmac.digest(key, digest, hashlib.sha256)
    return uuid7(from_millis(answered.int >> 80), lambda size: noise[:size])


def _first(owners: Mapping[int, Subject]) -> Subject:
    return owners[min(owners)]
