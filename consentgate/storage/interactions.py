"""When somebody was last here: one number out of an index, however many calls a person made."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from consentgate.moment import from_millis, to_millis
from consentgate.storage.tables import entry, entry_subject

_LATEST: Final = (
    select(func.max(entry.c.at))
    .join(entry_subject, (entry_subject.c.tenant == entry.c.tenant) & (entry_subject.c.entry == entry.c.id))
    .where(
        entry_subject.c.tenant == bindparam("tenant"),
        entry_subject.c.subject == bindparam("subject"),
        entry_subject.c.kind == bindparam("kind"),
        entry.c.at < bindparam("before"),
    )
)
_END_OF_TIME: Final = (1 << 63) - 1


def latest_at(
    connection: Connection, tenant: str, subject: UUID, kind: str, *, before: datetime | None
) -> datetime | None:
    """Find the time of a subject's newest entry of a kind.

    Args:
        connection: any.
        tenant: whose subject.
        subject: which one.
        kind: the entries' kind.
        before: only entries before this time; None takes all.

    Returns:
        The entry's time, or None when there is none.
    """
    until = _END_OF_TIME if before is None else to_millis(before)
    values = {"tenant": tenant, "subject": subject.bytes, "kind": kind, "before": until}
    found: int | None = connection.execute(_LATEST, values).scalar()
    return None if found is None else from_millis(found)
