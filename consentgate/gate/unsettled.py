"""Intents without a final outcome, as reconciliation reads them: what was asked, and what anybody saw of it since.

Invariants: an intent is left alone until its request can no longer arrive and its own process can no longer say how
it ended; where nobody can read any more how long that is, the longest that there can be counts.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.entries import leaf as leaves
from consentgate.entries.leaf import Answer
from consentgate.errors import Malformed
from consentgate.gate.context import GateContext
from consentgate.gate.progress import locks_of
from consentgate.gate.request import Started
from consentgate.ledger.book import open_parts
from consentgate.ledger.progress import TaskState, owners_of, state_of
from consentgate.ledger.vault import BODY, Subject
from consentgate.storage import entries, subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

LONGEST: Final = timedelta(days=1)
"""No client may take longer, and no guarded block."""

# An intent's time and ours may each be two seconds off the database's (`consentgate.storage.guarded`).
_CLOCKS: Final = timedelta(seconds=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was allowed, as its intent holds it.

    Attributes:
        intent: the intent's id and leaf hash.
        at: when it was written.
        until: when its request can no longer arrive, nor its own process say how it ended.
        request: the request; empty where nobody can read it any more.
        shadow: whether it was decided in shadow mode.
        owners: the speakers who are not erased, by their positions in the request.
        keys: the data keys under which its parts lie.
    """

    intent: Answer
    at: datetime
    until: datetime
    request: Mapping[str, Json] = field(default_factory=dict, repr=False)
    shadow: bool = False
    owners: Mapping[int, Subject] = field(default_factory=dict, repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def text(self, name: str) -> str:
        """Read a member of the request.

        Args:
            name: the member.

        Returns:
            Its text; empty where it is not there.
        """
        value = self.request.get(name)
        return value if isinstance(value, str) else ""

    @property
    def erased(self) -> bool:
        """Whether nobody can read any more what was asked."""
        return not self.request

    def started(self, task: str) -> Started:
        """Say where something was started.

        Args:
            task: the vendor's id of it.

        Returns:
            What a stop has to name.
        """
        return Started(
            service=self.text("service"),
            operation=self.text("operation"),
            region=self.text("region") or None,
            path=self.text("path"),
            task=task,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """An intent without a final outcome.

    Attributes:
        asked: the request.
        about: every person whom it is linked to; none where it is about nobody, or about erased people only.
        locks: numbers of the locks that stand for everybody whom it is about.
        state: what was seen of what it started.
        answered: what its own process recorded of ends that stayed open, oldest first.
    """

    asked: Asked
    about: frozenset[UUID]
    locks: frozenset[int]
    state: TaskState
    answered: tuple[Mapping[str, Json], ...] = field(repr=False)


def read_asked(gate: GateContext, connection: Connection, row: EntryRow) -> Asked:
    """Read what was asked.

    Args:
        gate: the gate.
        connection: an open transaction.
        row: the intent.

    Returns:
        The request.

    Raises:
        Malformed: something stored cannot be read.
    """
    book = gate.book
    owners = owners_of(book, connection, row)
    keys = [owner.data_key for owner in owners.values()]
    if not row.about_people and (own := book.vault.find_key(connection, BODY)) is not None:
        keys = [own]
    opened = open_parts(row, keys)
    decision, request = _part(opened, "decision"), _part(opened, "exchange")
    if opened and not (isinstance(decision, Mapping) and isinstance(request, Mapping)):
        raise Malformed("A stored intent cannot be read. Run `consentgate verify`.")
    told = request if isinstance(request, Mapping) else {}
    lasts = told.get("lasts_ms")
    longest = timedelta(milliseconds=lasts) if isinstance(lasts, int) else LONGEST
    send_by = leaves.decode(row.leaf).send_by or row.at
    return Asked(
        intent=Answer(id=row.id, h=row.hash),
        at=row.at,
        until=send_by + longest + gate.limits.outcome_budget + _CLOCKS,
        request=told,
        shadow=isinstance(decision, Mapping) and "shadow" in decision,
        owners={i: owners[i] for i in sorted(owners)},
        keys=tuple(keys),
    )


def read_unsettled(gate: GateContext, connection: Connection, row: EntryRow) -> Unsettled:
    """Read an intent, and what is known of how it ended.

    Args:
        gate: the gate.
        connection: an open transaction.
        row: the intent.

    Returns:
        The intent.

    Raises:
        Malformed: something stored cannot be read.
    """
    book = gate.book
    asked = read_asked(gate, connection, row)
    linked = subjects.subjects_of(connection, book.tenant, [row.id])[row.id]
    return Unsettled(
        asked=asked,
        about=frozenset(linked if asked.owners else ()),
        locks=locks_of(gate, row, asked.owners.values()),
        state=state_of(book, connection, row.id),
        answered=_answered(gate, connection, asked),
    )


def _answered(gate: GateContext, connection: Connection, asked: Asked) -> tuple[Mapping[str, Json], ...]:
    """What the process that asked could say of the end, where that did not settle it."""
    rows = entries.answers(connection, gate.book.tenant, asked.intent.id, kinds=("observation",))
    found = (_part(open_parts(each, asked.keys), "exchange") for each in rows if each.end == "unknown")
    return tuple(told for told in found if isinstance(told, Mapping) and "attempts" in told)


def _part(opened: Mapping[str, Mapping[str, Json]], what: str) -> Json:
    """One speaker's part of a sort, or what stands in its place where it is about nobody."""
    own = (each for name, each in opened.items() if name.startswith(f"{what}."))
    return next(own, opened.get("body.0", {}).get(what))
