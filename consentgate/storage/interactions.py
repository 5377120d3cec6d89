"""When somebody was last here: one number out of an index, however many calls a person made."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from consentgate.moment import from_millis
from consentgate.storage.tables import entry, entry_subject

_this = entry_subject.alias("this")
_LATEST: Final = (
    select(func.max(entry.c.at))
    .join(entry_subject, (entry_subject.c.tenant == entry.c.tenant) & (entry_subject.c.entry == entry.c.id))
    .where(
        entry_subject.c.tenant == bindparam("tenant"),
        entry_subject.c.subject == bindparam("subject"),
        entry_subject.c.kind == bindparam("kind"),
        ~select(1)
        .where(
            _this.c.tenant == entry_subject.c.tenant,
            _this.c.entry == entry_subject.c.entry,
            _this.c.subject == bindparam("other_than"),
        )
        .exists(),
    )
)


def latest_at(
    connection: Connection, tenant: str, subject: UUID, kind: str, *, other_than: UUID
) -> datetime | None:
    """Find the time of a subject's newest entry of a kind.

    Args:
        connection: any.
        tenant: whose subject.
        subject: which one.
        kind: the entries' kind.
        other_than: passes over entries that are linked to this subject too.

    Returns:
        The entry's time, or None when there is none.
    """
    values = {"tenant": tenant, "subject": subject.bytes, "kind": kind, "other_than": other_than.bytes}
    found: int | None = connection.execute(_LATEST, values).scalar()
    return None if found is None else from_millis(found)
