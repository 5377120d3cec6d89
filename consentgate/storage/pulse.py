"""How long it is since something was written, and how long entries have waited for a signature.

Invariant: each question is answered out of indexes, within one tenant, so that it costs the same however long the log
is, and with row security too. Only what is committed counts. A checkpoint covers entries only where it is the log's
own, which the caller judges, and no larger than the log: rows that somebody else put there cover none.
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, literal_column, select, text

from consentgate.storage.failures import translated
from consentgate.storage.prepared import Prepared, first_of
from consentgate.storage.tables import checkpoint, entry, seq, tree_state
from consentgate.values import dataclass

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

# So many rows that are not the log's own may lie over its newest checkpoint; with more, nothing counts as covered.
_LOOKED: Final = 100
_MOST: Final = bindparam("most", type_=BigInteger)
_SEQUENCED: Final = (
    select(func.coalesce(func.max(tree_state.c.size), _NONE))
    .where(tree_state.c.log == _LOG)
    .scalar_subquery()
)
_IN_LOG: Final = (checkpoint.c.log == _LOG, checkpoint.c.size <= _MOST, checkpoint.c.size <= _SEQUENCED)
_SIGNED: Final = select(func.coalesce(func.max(checkpoint.c.size), _NONE)).where(*_IN_LOG).scalar_subquery()
_NOTE: Final = (
    select(checkpoint.c.note).where(*_IN_LOG).order_by(checkpoint.c.size.desc()).limit(_ONE).scalar_subquery()
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
_WAITING: Final = Prepared(select(_UNSIGNED, _UNSEQUENCED, _OPENED, _SIGNED, _NOTE))
_ANY_SIZE: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a signature.

    Attributes:
        since: the time of the oldest entry of the tenant that no checkpoint covers, in milliseconds since 1970, or
            None where there is none. In an epoch all entries wait again: from when it was opened.
        signed: the size of the checkpoint that covers the others, 0 for none.
    """

    since: int | None
    signed: int


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


def waiting(connection: Connection, tenant: str, *, log: int, own: Callable[[int, str], bool]) -> Waiting:
    """Read since when entries of a tenant have waited for a signature.

    Args:
        connection: any; one statement is run, and one more for each row that is not the log's own checkpoint.
        tenant: whose entries.
        log: number of the log that grows.
        own: whether a size and a note are a checkpoint of the log's own key.

    Returns:
        What waits.
    """
    left, most = _LOOKED, _ANY_SIZE
    while True:
        values = {"tenant": tenant, "log": log, "most": most}
        unsigned, unsequenced, opened, signed, note = _WAITING.rows(connection, values)[0]
        if note is None or not left or own(int(signed), note):
            break
        left -= 1
        most = int(signed) - 1 if left else 0
    found = [each for each in (unsigned, unsequenced) if each is not None]
    return Waiting(
        since=max(int(min(found)), int(opened or 0)) if found else None,
        signed=int(signed),
    )


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
