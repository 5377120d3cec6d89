"""Entries for people to look through: pages of them, and one by the end of its id.

Invariants: every question names a tenant; pages are in ordinal order whatever their filter; what is listed
carries no sealed part.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Select, bindparam, func, select

from consentgate.moment import from_millis
from consentgate.storage.sequence import FIRST_LOG
from consentgate.storage.tables import entry, seq
from consentgate.values import dataclass

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry in a list.

    Attributes:
        ordinal: its place in the order of insertion.
        id: its id.
        kind: its kind.
        at: its time.
        about_people: whether it is about people, or tenant-wide.
        re: the entry that it answers, or None.
        end: how an outcome or observation ended, or None.
        position: its position in the log, or None while it has none.
    """

    ordinal: int
    id: UUID
    kind: str
    at: datetime
    about_people: bool
    re: UUID | None
    end: str | None
    position: int | None


_answer = entry.alias("answer")
_IS_OPEN: Final = (entry.c.kind == "intent") & ~select(1).where(
    _answer.c.tenant == entry.c.tenant, _answer.c.re == entry.c.id, _answer.c.kind == "outcome"
).exists()
_LISTED: Final = (
    select(
        entry.c.ordinal,
        entry.c.id,
        entry.c.kind,
        entry.c.at,
        entry.c.about,
        entry.c.re,
        entry.c.end,
        seq.c.position,
    )
    .select_from(
        entry.outerjoin(
            seq,
            (seq.c.log == bindparam("log", type_=BigInteger))
            & (seq.c.tenant == entry.c.tenant)
            & (seq.c.entry == entry.c.id),
        )
    )
    .where(entry.c.tenant == bindparam("tenant"))
)
_ENDING: Final = (
    select(entry.c.id)
    .where(
        entry.c.tenant == bindparam("tenant"), func.substr(entry.c.id, bindparam("start")) == bindparam("end")
    )
    .order_by(entry.c.ordinal)
    .limit(bindparam("limit"))
)


def listed(
    connection: Connection,
    tenant: str,
    *,
    kinds: Sequence[str] = (),
    only_open: bool = False,
    after: int | None = None,
    limit: int,
    log: int = FIRST_LOG,
) -> tuple[Listed, ...]:
    """List entries.

    Args:
        connection: any.
        tenant: whose entries.
        kinds: only these kinds; none means all.
        only_open: only intents without a final outcome.
        after: the entries that follow this ordinal; None for the newest.
        limit: at most so many.
        log: number of the log that gives positions.

    Returns:
        The entries in ordinal order.
    """
    query: Select[Any] = _LISTED
    if kinds:
        query = query.where(entry.c.kind.in_(sorted(kinds)))
    if only_open:
        query = query.where(_IS_OPEN)
    if after is None:
        query = query.order_by(entry.c.ordinal.desc())
    else:
        query = query.where(entry.c.ordinal > after).order_by(entry.c.ordinal)
    rows = connection.execute(query.limit(limit), {"tenant": tenant, "log": log})
    found = [_listed(row) for row in rows]
    return tuple(found if after is not None else reversed(found))


def ids_ending(connection: Connection, tenant: str, end: bytes, *, limit: int = 9) -> tuple[UUID, ...]:
    """Find entries by the end of their id, which is random; the beginning is the time.

    Args:
        connection: any.
        tenant: whose entries.
        end: the last bytes.
        limit: at most so many.

    Returns:
        The ids in ordinal order. All rows are looked through.
    """
    values = {"tenant": tenant, "start": _ID_BYTES - len(end) + 1, "end": end, "limit": limit}
    return tuple(UUID(bytes=row[0]) for row in connection.execute(_ENDING, values))


def _listed(row: Sequence[Any]) -> Listed:
    ordinal, entry_id, kind, at, about, re, end, position = row
    return Listed(
        ordinal=ordinal,
        id=UUID(bytes=entry_id),
        kind=kind,
        at=from_millis(at),
        about_people=bool(about),
        re=UUID(bytes=re) if re else None,
        end=end or None,
        position=position,
    )
