"""Everything that one decision reads about people and their call, in one statement and so in one state.

On PostgreSQL the statement is a call of `consentgate_glance`, which takes the same steps by itself.

A call is found by the keyed hashes of its name. Whoever its events are linked to is a person in question: their
references, what was said by and about them, the data keys of everybody whom that is sealed for, the number of
links of each kind, and the entry of the call before. The tenant-wide entries are counted beside.

Invariant: nothing here says who is who: the reader compares the references' hashes with those that it computes
from what the events say, and asks again with hashes of its own when one is missing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    LargeBinary,
    SmallInteger,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from consentgate.storage.arrays import numbers, octets, words
from consentgate.storage.entries import COLUMNS, row_of
from consentgate.storage.functions import GLANCE_FUNCTION
from consentgate.storage.prepared import OverLists, Within, call
from consentgate.storage.subjects import DataKeyRow, LinkedEntry
from consentgate.storage.tables import data_key, entry, entry_subject, subject_ref
from consentgate.values import dataclass

SAID_KINDS: Final = ("assertion", "statement")
"""Kinds of entries about a person that a decision reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one statement read.

    Attributes:
        call: the call's own subject, or None when nobody registered it.
        events: the call's events, in ordinal order.
        said: statements and assertions that reach anybody in question, in ordinal order.
        references: whom each keyed hash of everybody's references names.
        keys: wrapped data keys, by subject.
        links: number of links of each subject and kind.
        before: id of the entry of the call before this one, by subject.
        controller: number of tenant-wide entries of each kind.
    """

    call: UUID | None
    events: tuple[LinkedEntry, ...]
    said: tuple[LinkedEntry, ...]
    references: Mapping[bytes, UUID] = field(repr=False)
    keys: Mapping[UUID, DataKeyRow] = field(repr=False)
    links: Mapping[tuple[UUID, str], int]
    before: Mapping[UUID, UUID]
    controller: Mapping[str, int]


_TENANT: Final = bindparam("tenant", type_=Text)
_NO_BYTES: Final = cast(literal_column("''"), LargeBinary)
_NO_TEXT: Final = cast(literal_column("''"), Text)
_NO_NUMBER: Final = cast(literal_column("0"), BigInteger)
_CALL: Final[ColumnElement[str]] = literal_column("'call'")
_LAST_ID: Final = b"\xff" * 16
_ONE: Final[ColumnElement[int]] = literal_column("1")
# In the order of the columns of `entry`, then whom the row is about.
_EMPTY: Final[dict[str, ColumnElement[Any]]] = {
    "ordinal": _NO_NUMBER,
    "id": _NO_BYTES,
    "tenant": _NO_TEXT,
    "kind": _NO_TEXT,
    "at": _NO_NUMBER,
    "about": cast(literal_column("0"), SmallInteger),
    "w": _NO_BYTES,
    "n": _NO_NUMBER,
    "re": _NO_BYTES,
    "end": _NO_TEXT,
    "leaf": _NO_BYTES,
    "hash": _NO_BYTES,
    "parts": _NO_TEXT,
    "subject": _NO_BYTES,
}


def _columns(what: str, **known: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [
        cast(literal_column(f"'{what}'"), Text).label("what"),
        *(known.get(n, c).label(n) for n, c in _EMPTY.items()),
    ]


def _question(within: Within) -> CompoundSelect[Any]:
    called = _resolved(within, "calls").cte("call")
    event = (
        select(entry_subject.c.entry)
        .where(
            entry_subject.c.tenant == _TENANT,
            entry_subject.c.subject.in_(select(called.c.subject)),
            entry_subject.c.kind == _CALL,
        )
        .cte("event")
    )
    on_call = select(entry_subject.c.subject).where(
        entry_subject.c.tenant == _TENANT,
        entry_subject.c.entry.in_(select(event.c.entry)),
        entry_subject.c.subject.not_in(select(called.c.subject)),
    )
    person = on_call.union(_resolved(within, "hmacs")).cte("person")
    said = select(entry_subject.c.entry).where(
        entry_subject.c.tenant == _TENANT,
        entry_subject.c.subject.in_(select(person.c.subject)),
        entry_subject.c.kind.in_([literal_column(f"'{kind}'") for kind in SAID_KINDS]),
    )
    read = said.union(select(event.c.entry)).cte("read")
    linked = (
        select(entry_subject.c.entry, entry_subject.c.subject)
        .where(entry_subject.c.tenant == _TENANT, entry_subject.c.entry.in_(select(read.c.entry)))
        .cte("linked")
    )
    return union_all(
        select(*_columns("call", subject=called.c.subject)),
        select(*_columns("entry", **{c.name: c for c in COLUMNS})).where(
            entry.c.tenant == _TENANT, entry.c.id.in_(select(read.c.entry))
        ),
        select(*_columns("link", id=linked.c.entry, subject=linked.c.subject)),
        _references(person.c.subject),
        _keys(select(linked.c.subject).union(select(person.c.subject))),
        _counts(within, select(person.c.subject).union(select(called.c.subject))),
        _before(person.c.subject, event.c.entry),
        _controller(within),
    )


def _controller(within: Within) -> Any:
    return (
        select(*_columns("controller", kind=entry.c.kind, n=func.count()))
        .where(
            entry.c.tenant == _TENANT,
            entry.c.about == literal_column("0"),
            within(entry.c.kind, "tenant_wide"),
        )
        .group_by(entry.c.kind)
    )


def _references(person: ColumnElement[Any]) -> Any:
    # Only columns of the index by subject: for one more SQLite would look through all references of the tenant.
    return select(*_columns("reference", hash=subject_ref.c.hmac, subject=subject_ref.c.subject)).where(
        subject_ref.c.tenant == _TENANT, subject_ref.c.subject.in_(select(person))
    )


def _keys(subjects: Any) -> Any:
    named = {"subject": data_key.c.subject, "kind": data_key.c.wrapping_key, "leaf": data_key.c.wrapped}
    return select(*_columns("key", **named)).where(
        data_key.c.tenant == _TENANT, data_key.c.subject.in_(subjects)
    )


def _counts(within: Within, subjects: Any) -> Any:
    named = {"subject": entry_subject.c.subject, "kind": entry_subject.c.kind, "n": func.count()}
    return (
        select(*_columns("count", **named))
        .where(
            entry_subject.c.tenant == _TENANT,
            entry_subject.c.subject.in_(subjects),
            within(entry_subject.c.kind, "kinds"),
        )
        .group_by(entry_subject.c.subject, entry_subject.c.kind)
    )


def _resolved(within: Within, hmacs: str) -> Any:
    return select(subject_ref.c.subject).where(
        subject_ref.c.tenant == _TENANT,
        within(subject_ref.c.key_epoch, "epochs"),
        within(subject_ref.c.hmac, hmacs),
    )


def _before(person: ColumnElement[Any], event: ColumnElement[Any]) -> Any:
    """The newest call entry of each person that is older than this call's first: ids are in order of time."""
    first = func.coalesce(
        select(event).order_by(event).limit(_ONE).scalar_subquery(), bindparam("last", type_=LargeBinary)
    )
    newest = (
        select(entry_subject.c.entry)
        .where(
            entry_subject.c.tenant == _TENANT,
            entry_subject.c.subject == person,
            entry_subject.c.kind == _CALL,
            entry_subject.c.entry < first,
        )
        .order_by(entry_subject.c.entry.desc())
        .limit(_ONE)
        .scalar_subquery()
    )
    return select(*_columns("before", subject=person, id=func.coalesce(newest, _NO_BYTES)))


_QUESTION: Final = OverLists(_question)
_CALL_GLANCE: Final = (
    f"SELECT * FROM {GLANCE_FUNCTION}(%s::text, %s::bigint[], %s::bytea[], %s::bytea[], %s::text[], %s::text[],"  # noqa: S608  # our own name
    " %s::bytea)"
)


def glance(
    connection: Connection,
    tenant: str,
    *,
    epochs: Collection[int],
    calls: Collection[bytes],
    hmacs: Collection[bytes],
    kinds: Collection[str],
    tenant_wide: Collection[str],
) -> Glance:
    """Read what a decision about a call rests on.

    Args:
        connection: any; one statement is run.
        tenant: whose ledger.
        epochs: the live epochs of the reference key.
        calls: keyed hashes of the call's name, one per epoch; none where the request names no call.
        hmacs: keyed hashes of references that are in question whatever the call's events say.
        kinds: kinds whose links are counted.
        tenant_wide: kinds whose tenant-wide entries are counted.

    Returns:
        What was read.
    """
    if connection.dialect.name != "sqlite":
        lists = numbers(epochs), octets(calls), octets(hmacs), words(kinds), words(tenant_wide)
        return _glance(call(connection, _CALL_GLANCE, (tenant, *lists, _LAST_ID)), tenant_wide)
    rows = _QUESTION.rows(
        connection,
        {"tenant": tenant, "last": _LAST_ID},
        epochs=sorted(epochs),
        calls=sorted(calls),
        hmacs=sorted(hmacs),
        kinds=sorted(kinds),
        tenant_wide=sorted(tenant_wide),
    )
    return _glance(rows, tenant_wide)


def _glance(rows: Sequence[Sequence[Any]], tenant_wide: Collection[str]) -> Glance:
    sorted_rows: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        sorted_rows.setdefault(row[0], []).append(row[1:])
    linked: dict[bytes, list[UUID]] = {}
    for row in sorted_rows.get("link", ()):
        linked.setdefault(row[1], []).append(UUID(bytes=row[13]))
    entries = [
        LinkedEntry(row=row_of(row), subjects=tuple(sorted(linked.get(row[1], ()), key=_bytes_of)))
        for row in sorted(sorted_rows.get("entry", ()), key=_ordinal_of)
    ]
    calls = [UUID(bytes=row[13]) for row in sorted_rows.get("call", ())]
    return Glance(
        call=calls[0] if calls else None,
        events=tuple(each for each in entries if each.row.kind == "call"),
        said=tuple(each for each in entries if each.row.kind != "call"),
        references={row[11]: UUID(bytes=row[13]) for row in sorted_rows.get("reference", ())},
        keys={
            (subject := UUID(bytes=row[13])): DataKeyRow(
                subject=subject, wrapping_key=row[3], wrapped=row[10]
            )
            for row in sorted_rows.get("key", ())
        },
        links={(UUID(bytes=row[13]), row[3]): row[7] for row in sorted_rows.get("count", ())},
        before={UUID(bytes=row[13]): UUID(bytes=row[1]) for row in sorted_rows.get("before", ()) if row[1]},
        controller={
            **dict.fromkeys(tenant_wide, 0),
            **{row[3]: row[7] for row in sorted_rows.get("controller", ())},
        },
    )


def _bytes_of(subject: UUID) -> bytes:
    return subject.bytes


def _ordinal_of(row: Sequence[Any]) -> int:
    ordinal: int = row[0]
    return ordinal
