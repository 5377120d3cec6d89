"""From a notification to the intent that it is about: by the task, else by the call and its transaction.

Invariants: nothing is kept under an intent that it may not be about; what could not be linked is handed back, never
dropped; a voice profile that was made or updated during a call without a request of ours is said to be so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection

from consentgate.aws.notifications import SEARCH, TONE, Notification, ProfileChange, read
from consentgate.aws.operations import PIPELINES, VOICE, call_of_stream, call_of_transaction
from consentgate.errors import InvalidInput
from consentgate.gate.context import GateContext
from consentgate.gate.progress import Progress, observe
from consentgate.gate.reconcile import late
from consentgate.ledger.book import Book
from consentgate.ledger.callintents import CallIntent, intents_of_call
from consentgate.ledger.lifetimes import made_by_name
from consentgate.ledger.progress import state_of
from consentgate.ledger.tasks import find_task
from consentgate.values import dataclass

Fate = Literal["kept", "known", "ready", "unlinked", "unknown", "malformed"]

_STARTS: Final = {SEARCH: "StartSpeakerSearchTask", TONE: "StartVoiceToneAnalysisTask"}
_CHANGES: Final = {"create": "CreateVoiceProfile", "update": "UpdateVoiceProfile"}
# How far the vendor's clock may be from ours.
_SKEW: Final = timedelta(minutes=1)
# A request of which nobody knows the end may have arrived until then.
_OPEN_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bypass:
    """Something at the vendor that no request of this ledger explains.

    Attributes:
        what: ``task`` that runs or ran; a profile's ``create`` or ``update``.
        id: the vendor's id of the task or of the profile.
        at: the vendor's time, or None.
    """

    what: Literal["task", "create", "update"]
    id: str = field(repr=False)
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of one message.

    Attributes:
        fate: ``kept`` in the ledger now; ``known``, it has it already; ``ready``, a call can be analysed;
            ``unlinked``, it is about nothing that this ledger started; ``unknown`` or ``malformed``, and about no
            task of ours.
        notification: the message.
        intents: the intents that it is about.
        bypasses: what it shows that passed the gate by.
        early: whether nobody knows yet what a request of its call started: it may turn out to be about that.
    """

    fate: Fate
    notification: Notification
    intents: tuple[UUID, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    early: bool = False

    @property
    def again(self) -> bool:
        """Whether to hand it in again later: it was malformed, or is about a task that is not known yet."""
        if self.fate == "unlinked":
            return self.notification.sort == "task"
        return self.fate == "malformed" or (self.fate == "unknown" and self.early)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of everything that was handed in.

    Attributes:
        items: one for each message, in their order.
    """

    items: tuple[Delivered, ...]

    @property
    def bypasses(self) -> tuple[Bypass, ...]:
        """Everything at the vendor that no request of this ledger explains."""
        return tuple(bypass for each in self.items for bypass in each.bypasses)

    @property
    def left(self) -> tuple[str, ...]:
        """Records to hand back to their queue: those of the items that are to be handed in again."""
        return tuple(
            each.notification.record
            for each in self.items
            if each.again and each.notification.record is not None
        )


def deliver(gate: GateContext, event: object) -> Delivery:
    """Take notifications in.

    Args:
        gate: the gate.
        event: as `consentgate.aws.notifications.read` takes it.

    Returns:
        What became of each.

    Raises:
        Malformed: what is stored about an intent is not what was written.
        Unavailable: the database or a key is out of reach; hand all of it in again, which does no harm.
    """
    return Delivery(items=tuple(_delivered(gate, each) for each in read(event)))


def _delivered(gate: GateContext, told: Notification) -> Delivered:
    if told.sort == "ready":
        return Delivered(fate="ready", notification=told)
    with gate.database.read() as connection:
        recorded = _recorded(gate.book, connection, told)
        during = () if recorded else tuple(_during(gate.book, connection, told))
        intents = recorded or _intents(gate.book, connection, told, during)
        bypasses = _unexplained(gate.book, connection, told)
    if not intents:
        return _unlinked(told, during, bypasses)
    progress = progress_of(told)
    fresh = [observe(gate, intent, progress) for intent in intents]
    if told.task is not None and not recorded:
        for intent in intents:
            # It was closed before anybody told: the task is known from now on, as if it had been told in time.
            late(gate, intent)
    return Delivered(
        fate="kept" if any(fresh) else "known", notification=told, intents=intents, bypasses=bypasses
    )


def _unlinked(told: Notification, during: Iterable[CallIntent], bypasses: tuple[Bypass, ...]) -> Delivered:
    if told.sort in ("unknown", "malformed"):
        early = told.task is not None and any(each.is_unsettled for each in during)
        return Delivered(fate=told.sort, notification=told, bypasses=bypasses, early=early)
    task = (Bypass(what="task", id=told.task, at=told.at),) if told.task else ()
    return Delivered(fate="unlinked", notification=told, bypasses=(*task, *bypasses))


def progress_of(told: Notification) -> Progress:
    """Give what a notification says of a task, as it is kept.

    Args:
        told: the notification.

    Returns:
        What is to be kept of it.
    """
    return Progress(
        source="notification",
        status=told.status,
        body=told.body,
        digest=told.digest,
        at=told.at,
        task=told.task,
        results=told.results,
        summary=told.summary,
    )


def _recorded(book: Book, connection: Connection, told: Notification) -> tuple[UUID, ...]:
    """The intent whose request is on record as having started the task."""
    if told.task is not None:
        for service in (PIPELINES, VOICE) if told.pipeline else (VOICE, PIPELINES):
            record = find_task(connection, book, service, told.task)
            if record is not None:
                return (record.intent.id,)
    return ()


def _intents(
    book: Book, connection: Connection, told: Notification, during: Sequence[CallIntent]
) -> tuple[UUID, ...]:
    """The intents of a call that it may be about, where no request is on record as having started the task."""
    if told.sort == "call_over":
        return tuple(each.intent for each in during if each.may_run and each.operation in _STARTS.values())
    if told.task is None:
        return ()
    # The task is not on record: perhaps its request is one of which nobody knows how it ended.
    wanted = _STARTS.get(told.type)
    open_ = [each.intent for each in during if each.is_unsettled and each.operation == wanted]
    known = {intent: state_of(book, connection, intent).task for intent in open_}
    same = tuple(intent for intent, task in known.items() if task == told.task)
    free = tuple(intent for intent, task in known.items() if task is None)
    # Several would be a guess, and the wrong one is worse than none.
    return same or (free if len(free) == 1 else ())


def _during(book: Book, connection: Connection, told: Notification) -> Iterable[CallIntent]:
    call = _call(told)
    return intents_of_call(book, connection, call) if call is not None else ()


def _call(told: Notification) -> str | None:
    """Name the call as the ledger does: by its transaction, or by pipeline, stream and channel."""
    if told.transaction is not None:
        return call_of_transaction(told.transaction)
    if told.pipeline is None or told.stream is None or told.channel is None:
        return None
    try:
        return call_of_stream(told.pipeline, told.stream, told.channel)
    except InvalidInput:
        return None


def _unexplained(book: Book, connection: Connection, told: Notification) -> tuple[Bypass, ...]:
    """Find the changes of profiles without a request of ours; each request explains one."""
    used: set[UUID] = set()
    found = []
    for change in sorted(told.changes, key=lambda each: str(each.at)):
        explained = next(
            (intent for intent in _explaining(book, connection, told, change) if intent not in used), None
        )
        if explained is None:
            found.append(Bypass(what=change.how, id=change.profile, at=change.at))
        else:
            used.add(explained)
    return tuple(found)


def _explaining(
    book: Book, connection: Connection, told: Notification, change: ProfileChange
) -> Iterable[UUID]:
    operation = _CHANGES[change.how]
    for made in made_by_name(book, connection, change.profile):
        if made.operation == operation and _fits(change.at, made.asked_at, made.row.at):
            yield made.intent
    for each in _during(book, connection, told):
        if (
            each.is_unsettled
            and each.operation == operation
            and _fits(change.at, each.at, each.at + _OPEN_FOR)
        ):
            yield each.intent


def _fits(at: datetime | None, since: datetime, until: datetime) -> bool:
    return at is None or since - _SKEW <= at <= until + _SKEW
