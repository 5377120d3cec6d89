"""How long it is since something was written, and how long entries have waited for a signature.

Invariant: each question is answered out of indexes, within one tenant, so that it costs the same however long the log
is, and with row security too. Only what is committed counts.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, literal_column, select, text

from consentgate.storage.failures import translated
from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.tables import checkpoint, entry, seq

_TENANT: Final = bindparam("tenant", type_=Text)
_LOG: Final = bindparam("log", type_=BigInteger)
_ONE: Final[Any] = literal_column("1")
_NONE: Final[Any] = literal_column("0")

# Ids are in order of time.
_NEWEST: Final = Prepared(
    select(entry.c.at).where(entry.c.tenant == _TENANT).order_by(entry.c.id.desc()).limit(_ONE)
)
# Another lock than the sequencer's: whoever writes a heartbeat may be another role.
_TURN: Final = text(
    "SELECT pg_try_advisory_xact_lock(hashtextextended("
    "'consentgate heartbeat ' || current_schema() || ' ' || :tenant, 0))"
)
_MAY_APPEND: Final = text("SELECT has_any_column_privilege('entry', 'INSERT')")

_SIGNED: Final = (
    select(func.coalesce(func.max(checkpoint.c.size), _NONE))
    .where(checkpoint.c.log == _LOG)
    .scalar_subquery()
)
_UNSIGNED: Final = (
    select(entry.c.at)
    .select_from(seq.join(entry, (entry.c.tenant == seq.c.tenant) & (entry.c.id == seq.c.entry)))
    .where(seq.c.log == _LOG, seq.c.tenant == _TENANT, seq.c.position >= _SIGNED)
    .order_by(seq.c.position)
    .limit(_ONE)
    .scalar_subquery()
)
_LAST_SEQUENCED: Final = (
    select(seq.c.entry)
    .where(seq.c.log == _LOG, seq.c.tenant == _TENANT)
    .order_by(seq.c.entry.desc())
    .limit(_ONE)
    .scalar_subquery()
)
_SEQUENCED_UP_TO: Final = func.coalesce(
    select(entry.c.ordinal).where(entry.c.tenant == _TENANT, entry.c.id == _LAST_SEQUENCED).scalar_subquery(),
    _NONE,
)
_PLACE_OF: Final = select(seq.c.position).where(
    seq.c.log == _LOG, seq.c.tenant == entry.c.tenant, seq.c.entry == entry.c.id
)
_UNSEQUENCED: Final = (
    select(entry.c.at)
    .where(
        entry.c.tenant == _TENANT,
        entry.c.ordinal > _SEQUENCED_UP_TO,
        _PLACE_OF.scalar_subquery().is_(None),
    )
    .order_by(entry.c.ordinal)
    .limit(_ONE)
    .scalar_subquery()
)
_OPENED: Final = (
    select(entry.c.at)
    .where(entry.c.tenant == _TENANT, entry.c.kind == literal_column("'epoch'"), entry.c.about == _NONE)
    .order_by(entry.c.ordinal.desc())
    .limit(_ONE)
    .scalar_subquery()
)
_WAITING: Final = Prepared(select(_UNSIGNED, _UNSEQUENCED, _OPENED))


def newest_at(connection: Connection, tenant: str) -> int | None:
    """Read the time of a tenant's newest entry.

    Args:
        connection: any.
        tenant: whose entry.

    Returns:
        Milliseconds since 1970, or None where there is no entry.
    """
    found = first_of(_NEWEST.rows(connection, {"tenant": tenant}))
    return int(found[0]) if found else None


def unsigned_since(connection: Connection, tenant: str, *, log: int) -> int | None:
    """Read since when entries of a tenant have waited for a signature.

    Args:
        connection: any; one statement is run.
        tenant: whose entries.
        log: number of the log that grows.

    Returns:
        The time of the oldest entry that no checkpoint covers, in milliseconds since 1970, or None where there is
        none. In an epoch all entries wait again: from when it was opened.
    """
    unsigned, unsequenced, opened = _WAITING.rows(connection, {"tenant": tenant, "log": log})[0]
    waiting = [each for each in (unsigned, unsequenced) if each is not None]
    return max(int(min(waiting)), int(opened or 0)) if waiting else None


def has_turn(connection: Connection, tenant: str) -> bool:
    """Take the turn to write a tenant's heartbeat until the end of the transaction, if nobody has it.

    Args:
        connection: of `Database.write`.
        tenant: whose heartbeat.

    Returns:
        Whether it was free; always on SQLite, where a write transaction is alone.

    Raises:
        Unavailable: the database refused.
    """
    if connection.dialect.name == "sqlite":
        return True
    with translated():
        return bool(connection.execute(_TURN, {"tenant": tenant}).scalar_one())


def may_append(connection: Connection) -> bool:
    """Say whether this login may write entries.

    Args:
        connection: any.

    Returns:
        Whether it may; always on SQLite.

    Raises:
        Unavailable: the database refused.
    """
    if connection.dialect.name == "sqlite":
        return True
    with translated():
        return bool(connection.execute(_MAY_APPEND).scalar_one())
