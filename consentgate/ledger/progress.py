"""What became of a task: folded from everything that was seen of it, in whatever order and however often it came.

Invariants: the same sightings give the same `TaskState`, shuffled or repeated; the vendor's time orders them, not
ours; a status that ends a task stands for ever, whatever is seen later; what was seen of another task than the answer
names, before there was an answer, counts for nothing once there is one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.crypto import derive
from consentgate.entries import leaf as leaves
from consentgate.errors import Malformed
from consentgate.ledger.book import Book, open_parts
from consentgate.ledger.vault import Subject
from consentgate.moment import from_text, to_text
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

ENDED: Final = frozenset(
    {"SUCCEEDED", "FAILED", "STOPPED", "Failed", "Stopped", "VoiceToneAnalysisCompleted"}
)
"""Statuses after which the vendor's documents let a task do nothing more, in the words of both services."""

CALL_OVER: Final = "PostCallVoiceAnalytics"
"""Sent five minutes after the end of a call: what listened to it hears nothing any more."""

_NEVER: Final = "0000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One thing that was seen of a task.

    Attributes:
        entry: id of the observation's entry.
        status: the vendor's word.
        at: the vendor's time, or None where it gave none.
        results: whether it carried results.
        task: the task's id, or None where only the call was named.
        source: where it was seen first: ``notification``, ``poll``, ``get``, ``cloudtrail`` or ``tripwire``.
    """

    entry: UUID
    status: str
    at: datetime | None
    results: bool
    task: str | None = field(repr=False)
    source: str = field(compare=False)

    @property
    def ends(self) -> bool:
        """Whether the task does nothing more after it."""
        return is_end(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What is known of a task's life.

    Attributes:
        status: the vendor's word that stands, or None before anything was seen.
        at: the vendor's time of it, or None.
        ended: whether the task does nothing more.
        results: whether results were seen.
        task: the task's id as it was seen, or None.
        sightings: all that was seen, by the vendor's time.
    """

    status: str | None = None
    at: datetime | None = None
    ended: bool = False
    results: bool = False
    task: str | None = field(default=None, repr=False)
    sightings: tuple[Sighting, ...] = ()


def is_end(status: str) -> bool:
    """Tell whether a task does nothing more after a status.

    Args:
        status: the vendor's word.

    Returns:
        True only where the vendor's documents say so: a word that nobody knows ends nothing.
    """
    return status in ENDED or status == CALL_OVER


def fold(sightings: Iterable[Sighting]) -> TaskState:
    """Fold what was seen into the state of the task.

    Args:
        sightings: in any order; the same one may come more than once.

    Returns:
        The state.
    """
    seen = sorted({each.entry: each for each in sightings}.values(), key=_order)
    if not seen:
        return TaskState()
    # The first end stands; that the call was over says less than what the task itself came to.
    ends = sorted((each for each in seen if each.ends), key=lambda each: each.status == CALL_OVER)
    stands = ends[0] if ends else seen[-1]
    return TaskState(
        status=stands.status,
        at=stands.at,
        ended=bool(ends),
        results=any(each.results for each in seen),
        task=next((each.task for each in seen if each.task is not None), None),
        sightings=tuple(seen),
    )


def state_of(book: Book, connection: Connection, intent: UUID) -> TaskState:
    """Read what became of what an intent started.

    Args:
        book: the ledger.
        connection: an open transaction.
        intent: id of the intent's entry.

    Returns:
        The state; what lies under destroyed keys only is missing.

    Raises:
        Malformed: a stored answer to the intent cannot be read.
    """
    rows = entries.answers(connection, book.tenant, intent, kinds=("observation", "outcome"))
    linked = subjects.subjects_of(connection, book.tenant, [row.id for row in rows])
    keys = book.vault.data_keys(connection, [s for each in linked.values() for s in each])
    told = [(row, _told(row, [keys[s] for s in linked[row.id] if s in keys])) for row in rows]
    # While a request is under way, a task of its call may be taken for the one that it starts.
    started = {each.get("task") for _, each in told if "attempts" in each} - {None}
    seen = (_sighting(row, each) for row, each in told if "source" in each)
    return fold(each for each in seen if not started or each.task is None or each.task in started)


def is_complete(book: Book, connection: Connection, outcome: EntryRow) -> bool:
    """Tell whether a request was over with its answer: the answer was a success, and named nothing that runs on.

    Args:
        book: the ledger.
        connection: an open transaction.
        outcome: the outcome's entry.

    Returns:
        Whether it was; False where nobody can read the outcome any more.

    Raises:
        Malformed: the stored outcome cannot be read.
    """
    if outcome.end != "succeeded":
        return False
    linked = subjects.subjects_of(connection, book.tenant, [outcome.id])[outcome.id]
    opened = open_parts(outcome, book.vault.data_keys(connection, linked).values())
    told = [content for name, content in opened.items() if name.startswith("exchange.")]
    return bool(told) and all("task" not in each for each in told)


def owners_of(book: Book, connection: Connection, row: EntryRow) -> dict[int, Subject]:
    """Find for whom the parts of an intent are sealed.

    Args:
        book: the ledger.
        connection: an open transaction.
        row: the intent.

    Returns:
        The speakers' subjects by their position in the request; those whose key was destroyed are missing.

    Raises:
        Malformed: the stored leaf is none.
    """
    linked = subjects.subjects_of(connection, book.tenant, [row.id])[row.id]
    keys = book.vault.data_keys(connection, linked)
    found: dict[int, Subject] = {}
    for part in leaves.decode(row.leaf).parts:
        what, _, position = part.p.partition(".")
        if what != "exchange":
            continue
        for subject, data_key in keys.items():
            if derive.tag(derive.tag_key(data_key), row.id, part.p) == part.t:
                found[int(position)] = Subject(id=subject, data_key=data_key)
    return found


def _order(each: Sighting) -> tuple[str, str, UUID]:
    return (to_text(each.at) if each.at is not None else _NEVER, each.status, each.entry)


def _told(row: EntryRow, keys: list[bytes]) -> Mapping[str, Json]:
    """What an answer to the intent says; nothing where nobody can read it any more."""
    return next((each for name, each in open_parts(row, keys).items() if name.startswith("exchange.")), {})


def _sighting(row: EntryRow, told: Mapping[str, Json]) -> Sighting:
    at, task = told.get("seen_at"), told.get("task")
    return Sighting(
        entry=row.id,
        status=_text(told, "status"),
        at=from_text(at) if isinstance(at, str) else None,
        results=told.get("results") is True,
        task=task if isinstance(task, str) else None,
        source=_text(told, "source"),
    )


def _text(told: Mapping[str, Json], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise Malformed("A stored observation cannot be read.")
    return value
