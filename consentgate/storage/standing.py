"""What stands at the moment of an append, in one statement of SQLite: the version, the clock, what is there already.

PostgreSQL finds the same out inside its own function.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CompoundSelect,
    Connection,
    LargeBinary,
    Select,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast

from consentgate.storage.functions import CLOCK_FUNCTION
from consentgate.storage.prepared import OverLists, Prepared, Within
from consentgate.storage.tables import entry, entry_subject, subject_ref
from consentgate.values import dataclass

_TENANT: Final = bindparam("tenant", type_=Text)
_NO_SUBJECT: Final = sql_cast(literal_column("''"), LargeBinary)
_NO_KIND: Final = literal_column("''", Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The counts that make a version.

    Attributes:
        subjects: what the references reach.
        links: number of entries of each kind that each of them is linked to.
        tenant_wide: number of tenant-wide entries of each kind.
    """

    subjects: frozenset[UUID]
    links: Mapping[tuple[UUID, str], int]
    tenant_wide: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an entry would meet.

    Attributes:
        now: the database's clock, in milliseconds since 1970.
        there: whether an entry with its id is there.
        late: whether what it answers has a final outcome.
    """

    now: int
    there: bool
    late: bool


def _counted(within: Within) -> CompoundSelect[Any]:
    called = _resolved(within, "calls").cte("called")
    reached = _resolved(within, "hmacs").union(select(called.c.subject)).cte("reached")
    return union_all(
        select(reached.c.subject, _NO_KIND.label("kind"), literal_column("0").label("n")),
        select(entry_subject.c.subject, entry_subject.c.kind, func.count())
        .where(
            entry_subject.c.tenant == _TENANT,
            entry_subject.c.subject.in_(select(reached.c.subject)),
            within(entry_subject.c.kind, "kinds"),
        )
        .group_by(entry_subject.c.subject, entry_subject.c.kind),
        select(entry_subject.c.subject, entry_subject.c.kind, func.count())
        .where(
            entry_subject.c.tenant == _TENANT,
            entry_subject.c.subject.in_(select(called.c.subject)),
            entry_subject.c.kind == literal_column("'call'"),
        )
        .group_by(entry_subject.c.subject, entry_subject.c.kind),
        select(_NO_SUBJECT, entry.c.kind, func.count())
        .where(
            entry.c.tenant == _TENANT,
            entry.c.about == literal_column("0"),
            within(entry.c.kind, "tenant_wide"),
        )
        .group_by(entry.c.kind),
    )


def _resolved(within: Within, hmacs: str) -> Select[Any]:
    return select(subject_ref.c.subject).where(
        subject_ref.c.tenant == _TENANT,
        within(subject_ref.c.key_epoch, "epochs"),
        within(subject_ref.c.hmac, hmacs),
    )


_COUNTED: Final = OverLists(_counted)
_STANDING: Final = Prepared(
    select(
        literal_column(f"{CLOCK_FUNCTION}()"),
        select(1).where(entry.c.tenant == _TENANT, entry.c.id == bindparam("id")).exists(),
        select(1)
        .where(
            entry.c.tenant == _TENANT,
            entry.c.re == bindparam("re"),
            # A condition of the index, so that the index answers.
            entry.c.kind == literal_column("'outcome'"),
        )
        .exists(),
    )
)


_STOP_HASHES: Final = Prepared(
    select(entry.c.id, entry.c.hash)
    .where(entry.c.tenant == bindparam("tenant"), entry.c.re == bindparam("re"), entry.c.kind == "stop")
    .order_by(entry.c.ordinal)
)


def counted(
    connection: Connection,
    tenant: str,
    *,
    epochs: Collection[int],
    hmacs: Collection[bytes],
    kinds: Collection[str],
    calls: Collection[bytes],
    tenant_wide: Collection[str],
) -> Counted:
    """Count.

    Args:
        connection: any.
        tenant: whose entries.
        epochs: the live key epochs.
        hmacs: keyed hashes of references.
        kinds: kinds of entries whose links count.
        calls: keyed hashes of a call's name; its own events count too.
        tenant_wide: kinds of tenant-wide entries that count.

    Returns:
        The counts.
    """
    lists: dict[str, Collection[object]] = {
        "epochs": epochs,
        "hmacs": hmacs,
        "kinds": kinds,
        "calls": calls,
        "tenant_wide": tenant_wide,
    }
    return _sorted_out(_COUNTED.rows(connection, {"tenant": tenant}, **lists))


def standing(connection: Connection, tenant: str, *, entry_id: bytes, re: bytes) -> Standing:
    """Look at what an entry would meet.

    Args:
        connection: any.
        tenant: whose entry.
        entry_id: its id.
        re: id of the entry that it answers, or b"".

    Returns:
        What stands.
    """
    now, there, late = _STANDING.rows(connection, {"tenant": tenant, "id": entry_id, "re": re})[0]
    return Standing(now=now, there=bool(there), late=bool(late))


def stop_hashes(connection: Connection, tenant: str, intent: UUID) -> tuple[tuple[UUID, bytes], ...]:
    """List the stop orders that stand against an intent, without what they hold.

    Args:
        connection: any.
        tenant: whose entries.
        intent: the intent's id.

    Returns:
        Id and leaf hash of each, in ordinal order.
    """
    found = _STOP_HASHES.rows(connection, {"tenant": tenant, "re": intent.bytes})
    return tuple((UUID(bytes=entry_id), hash_) for entry_id, hash_ in found)


def _sorted_out(rows: Sequence[Sequence[Any]]) -> Counted:
    subjects: set[UUID] = set()
    links: dict[tuple[UUID, str], int] = {}
    tenant_wide: dict[str, int] = {}
    for subject, kind, count in rows:
        if not subject:
            tenant_wide[kind] = count
        elif kind:
            links[(UUID(bytes=subject), kind)] = count
        else:
            subjects.add(UUID(bytes=subject))
    return Counted(subjects=frozenset(subjects), links=links, tenant_wide=tenant_wide)
