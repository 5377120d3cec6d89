"""What was asked of the vendor during a call: the intents of the people who were on it that name this call.

Nothing here reads all entries: the call's own events name the people, and their links name their intents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.ledger.book import Book, open_parts
from consentgate.storage import entries, subjects
from consentgate.values import dataclass

# A request may wait for its call's registration, and the resolver's answer is registered after it was asked.
_BEFORE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIntent:
    """A request that was allowed during a call.

    Attributes:
        intent: id of its entry.
        at: when it was written.
        service: the vendor's service.
        operation: the vendor's name of the operation.
        path: URL path of the request.
        end: how it ended, or None while it is open.
    """

    intent: UUID
    at: datetime
    service: str
    operation: str
    path: str = field(repr=False)
    end: str | None

    @property
    def may_run(self) -> bool:
        """Whether something may have been started at the vendor."""
        return self.end not in ("rejected", "not_sent")

    @property
    def is_unsettled(self) -> bool:
        """Whether nobody knows yet what was started."""
        return self.end in (None, "undetermined")


def intents_of_call(book: Book, connection: Connection, call: str) -> Iterator[CallIntent]:
    """Find what was asked during a call.

    Args:
        book: the ledger.
        connection: an open transaction.
        call: the call's name.

    Yields:
        The intents, oldest first; those that are about erased people only are missing.

    Raises:
        Malformed: something stored cannot be read.
    """
    subject = book.vault.find_call(connection, call)
    events = subjects.entries_of(connection, book.tenant, [subject], ["call"]) if subject else ()
    people = {each for event in events for each in event.subjects if each != subject}
    for linked in subjects.entries_of(connection, book.tenant, people, ["intent"]):
        if linked.row.at < events[0].row.at - _BEFORE:
            continue
        keys = book.vault.data_keys(connection, linked.subjects).values()
        opened = open_parts(linked.row, keys)
        decision, exchange = _first(opened, "decision."), _first(opened, "exchange.")
        if decision.get("call") != call:
            continue
        outcome = entries.final_outcome(connection, book.tenant, linked.row.id)
        yield CallIntent(
            intent=linked.row.id,
            at=linked.row.at,
            service=_text(exchange, "service"),
            operation=_text(exchange, "operation"),
            path=_text(exchange, "path"),
            end=outcome.end if outcome is not None else None,
        )


def _first(opened: Mapping[str, Mapping[str, Json]], name: str) -> Mapping[str, Json]:
    return next((each for part, each in opened.items() if part.startswith(name)), {})


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
