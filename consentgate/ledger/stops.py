"""Stop orders: what is left behind for every request under way whose decision no longer stands.

Withdrawals, compromised keys and people who join a call write them, each in its own transaction. An intent gets
one: a second cause finds it standing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed
from consentgate.ledger.book import Book, Content, open_parts
from consentgate.ledger.progress import is_complete, state_of
from consentgate.ledger.vault import Subject
from consentgate.storage import entries, subjects
from consentgate.storage.subjects import LinkedEntry

_STARTED_NOTHING: Final = ("rejected", "not_sent")
MAX_CALL: Final = timedelta(hours=24)

MAKES_PROFILES: Final = frozenset({"enrol", "update"})
"""Actions after which there is a voice profile of the person: nothing runs on then, and `profiles` looks after it."""

Told: TypeAlias = tuple[Mapping[str, Json], ...]
"""What an intent's decisions say: one for each speaker whose key is there."""


def order_stops(
    book: Book,
    connection: Connection,
    at: datetime,
    about: Collection[UUID],
    purposes: frozenset[str],
    *,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Write a stop order for each open intent and each running task of some subjects.

    Args:
        book: the ledger.
        connection: the write transaction that takes the withdrawal in.
        at: its time.
        about: ids of the subjects that the withdrawal reaches.
        purposes: the purposes that it names; empty means all.
        cause: id of the withdrawal's entry.

    Returns:
        Ids of the intents that are to be stopped.
    """

    def in_scope(told: Told) -> bool:
        named = {purpose for each in told if isinstance(purpose := each.get("purpose"), str)}
        return not purposes or not named or not purposes.isdisjoint(named)

    return order_stops_where(book, connection, at, about, in_scope, cause=cause)


def order_stops_where(
    book: Book,
    connection: Connection,
    at: datetime,
    about: Collection[UUID],
    falls: Callable[[Told], bool],
    *,
    cause: UUID,
) -> tuple[UUID, ...]:
    """Write a stop order for each open intent and each running task of some subjects whose decisions fall.

    Args:
        book: the ledger.
        connection: the write transaction of the cause.
        at: its time.
        about: ids of the subjects.
        falls: whether the decisions of an intent no longer stand.
        cause: id of the entry that makes them fall.

    Returns:
        Ids of the intents that are to be stopped.
    """
    ordered: list[UUID] = []
    for linked in live_intents(book, connection, at, about):
        keys = book.vault.data_keys(connection, linked.subjects)
        if not falls(_decisions(linked, keys.values())):
            continue
        subject = next(s for s in linked.subjects if s in about)
        order_stop(book, connection, at, linked, Subject(id=subject, data_key=keys[subject]), cause=cause)
        ordered.append(linked.row.id)
    return tuple(ordered)


def order_stop(
    book: Book,
    connection: Connection,
    at: datetime,
    intent: LinkedEntry,
    whose: Subject,
    *,
    cause: UUID,
    reasons: Sequence[Json] = (),
) -> UUID:
    """Write one stop order.

    Args:
        book: the ledger.
        connection: the write transaction of the cause.
        at: its time.
        intent: the intent that is to be stopped.
        whose: the person because of whom.
        cause: id of the entry that makes the decision fall.
        reasons: why the person may not be compared, where that was decided anew.

    Returns:
        Id of the order's entry.
    """
    members: dict[str, Json] = {"cause": str(cause)}
    if reasons:
        members["reasons"] = list(reasons)
    part = Content(name="decision.0", data_key=whose.data_key, members=members)
    answer = Answer(id=intent.row.id, h=intent.row.hash)
    return book.write(connection, "stop", at, [part], [whose.id], re=answer).id


def live_intents(
    book: Book, connection: Connection, at: datetime, about: Collection[UUID]
) -> Iterator[LinkedEntry]:
    """Find the intents that are open, or whose task may still run.

    Args:
        book: the ledger.
        connection: an open transaction.
        at: the time.
        about: ids of subjects.

    Yields:
        Those linked to any of them, oldest first.
    """
    for linked in subjects.entries_of(connection, book.tenant, about, ["intent"]):
        if is_live(book, connection, at, linked):
            yield linked


def is_live(book: Book, connection: Connection, at: datetime, intent: LinkedEntry) -> bool:
    """Tell whether a request is open, or its task may still run.

    Args:
        book: the ledger.
        connection: an open transaction.
        at: the time.
        intent: its intent.

    Returns:
        Whether there is something to stop that no order stops yet.
    """
    return (
        intent.row.at > at - MAX_CALL
        and _may_run(book, connection, intent.row.id)
        and not makes_profiles(decisions_of(book, connection, intent))
    )


def makes_profiles(told: Iterable[Mapping[str, Json]]) -> bool:
    """Tell whether a request makes or renews a voice profile.

    Args:
        told: what the decisions of its intent say.

    Returns:
        Whether it does.
    """
    return any(each.get("action") in MAKES_PROFILES for each in told)


def decisions_of(book: Book, connection: Connection, linked: LinkedEntry) -> Told:
    """Open the decisions of an intent.

    Args:
        book: the ledger.
        connection: an open transaction.
        linked: the intent.

    Returns:
        What they say; those whose key was destroyed are missing.
    """
    return _decisions(linked, book.vault.data_keys(connection, linked.subjects).values())


def _may_run(book: Book, connection: Connection, intent: UUID) -> bool:
    """Open, undetermined, or succeeded; not stopped yet and not ended by itself."""
    if entries.stop_orders(connection, book.tenant, intent):
        return False
    outcome = entries.final_outcome(connection, book.tenant, intent)
    if outcome is not None and outcome.end in _STARTED_NOTHING:
        return False
    try:
        if outcome is not None and is_complete(book, connection, outcome):
            return False
        return not state_of(book, connection, intent).ended
    except Malformed:
        # Damaged: verification says so, and a doubt never keeps a stop order away.
        return True


def _decisions(linked: LinkedEntry, keys: Collection[bytes]) -> Told:
    opened = open_parts(linked.row, keys)
    return tuple(content for name, content in opened.items() if name.startswith("decision."))
