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
class Unsettled:
    """An intent without a final outcome.

    Attributes:
        intent: its id and leaf hash.
        at: when it was written.
        until: when its request can no longer arrive, nor its own process say how it ended.
        request: the request as the intent holds it; empty where nobody can read it any more.
        call: the call's name, or None.
        owners: for whom its parts are sealed: speakers that are not erased, or the tenant's own key.
        places: the positions of these speakers in the request.
        about: every person whom it is linked to; none where it is about nobody, or about erased people only.
        locks: numbers of the locks that stand for everybody whom it is about.
        shadow: whether it was decided in shadow mode.
        state: what was seen of what it started.
        answered: what its own process recorded of ends that stayed open, oldest first.
    """

    intent: Answer
    at: datetime
    until: datetime
    request: Mapping[str, Json] = field(repr=False)
    call: str | None = field(repr=False)
    owners: tuple[Subject, ...] = field(repr=False)
    places: tuple[int, ...]
    about: frozenset[UUID]
    locks: frozenset[int]
    shadow: bool
    state: TaskState
    answered: tuple[Mapping[str, Json], ...] = field(repr=False)

    def text(self, name: str) -> str:
        """Read a member of the request.

        Args:
            name: the member.

        Returns:
            Its text; empty where it is not there.
        """
        return _text(self.request, name) or ""

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
            region=_text(self.request, "region"),
            path=self.text("path"),
            task=task,
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
    owners = owners_of(book, connection, row)
    linked = frozenset(subjects.subjects_of(connection, book.tenant, [row.id])[row.id])
    keys = [owner.data_key for owner in owners.values()]
    if not row.about_people and (own := book.vault.find_key(connection, BODY)) is not None:
        keys = [own]
    decision, request = _asked(row, keys)
    send_by = leaves.decode(row.leaf).send_by
    lasts = request.get("lasts_ms")
    longest = timedelta(milliseconds=lasts) if isinstance(lasts, int) else LONGEST
    return Unsettled(
        intent=Answer(id=row.id, h=row.hash),
        at=row.at,
        until=(send_by or row.at) + longest + gate.limits.outcome_budget + _CLOCKS,
        request=request,
        call=_text(decision, "call"),
        owners=tuple(owners[i] for i in sorted(owners)),
        places=tuple(sorted(owners)),
        about=linked if owners else frozenset(),
        locks=locks_of(gate, row, owners.values()),
        shadow="shadow" in decision,
        state=state_of(book, connection, row.id),
        answered=_answered(gate, connection, row, keys),
    )


def _asked(row: EntryRow, keys: list[bytes]) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    opened = open_parts(row, keys)
    if not opened:
        return {}, {}
    decision, request = _part(opened, "decision"), _part(opened, "exchange")
    if not isinstance(decision, Mapping) or not isinstance(request, Mapping):
        raise Malformed("A stored intent cannot be read. Run `consentgate verify`.")
    return decision, request


def _answered(
    gate: GateContext, connection: Connection, row: EntryRow, keys: list[bytes]
) -> tuple[Mapping[str, Json], ...]:
    """What the process that asked could say of the end, where that did not settle it."""
    rows = entries.answers(connection, gate.book.tenant, row.id, kinds=("observation",))
    found = (_exchange(each, keys) for each in rows if each.end == "unknown")
    return tuple(told for told in found if "attempts" in told)


def _exchange(row: EntryRow, keys: list[bytes]) -> Mapping[str, Json]:
    told = _part(open_parts(row, keys), "exchange")
    return told if isinstance(told, Mapping) else {}


def _part(opened: Mapping[str, Mapping[str, Json]], what: str) -> Json:
    """One speaker's part of a sort, or what stands in its place where it is about nobody."""
    own = (each for name, each in opened.items() if name.startswith(f"{what}."))
    return next(own, opened.get("body.0", {}).get(what))


def _text(members: Mapping[str, Json], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None
