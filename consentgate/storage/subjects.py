"""Rows of the three destroyable tables: references, data keys, and the links between entries and subjects.

Invariants: a reference names at most one subject (unique per tenant, key epoch and keyed hash); nothing here
is readable without the keys of `consentgate.keys`; deleting a subject's rows here is all that erasure does.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select

from consentgate.storage.entries import COLUMNS, EntryRow, row_of
from consentgate.storage.prepared import OverLists, Prepared
from consentgate.storage.tables import data_key, entry, entry_subject, subject_ref
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """Which subject a reference names.

    Attributes:
        key_epoch: of the reference key.
        hmac: keyed hash of the reference, 32 bytes.
        subject: the subject that it names.
        suppression: whether only a standing refusal keeps this row after erasure.
    """

    key_epoch: int
    hmac: bytes = field(repr=False)
    subject: UUID
    suppression: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKeyRow:
    """A subject's wrapped data key.

    Attributes:
        subject: whose key.
        wrapping_key: id of the key that it is wrapped under.
        wrapped: the wrapped bytes.
    """

    subject: UUID
    wrapping_key: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedEntry:
    """An entry with every subject that it is linked to.

    Attributes:
        row: the entry.
        subjects: the subjects, ordered by their bytes.
    """

    row: EntryRow
    subjects: tuple[UUID, ...]


_RESOLVE: Final = OverLists(
    lambda within: select(
        subject_ref.c.key_epoch, subject_ref.c.hmac, subject_ref.c.subject, subject_ref.c.suppression
    ).where(
        subject_ref.c.tenant == bindparam("tenant"),
        within(subject_ref.c.key_epoch, "epochs"),
        within(subject_ref.c.hmac, "hmacs"),
    )
)
_INSERT_REFERENCE: Final = Prepared(insert(subject_ref))
_INSERT_KEY: Final = Prepared(insert(data_key))
_KEYS: Final = OverLists(
    lambda within: select(data_key.c.subject, data_key.c.wrapping_key, data_key.c.wrapped).where(
        data_key.c.tenant == bindparam("tenant"), within(data_key.c.subject, "subjects")
    )
)
_LINK: Final = Prepared(insert(entry_subject))
_COUNTS: Final = OverLists(
    lambda within: (
        select(entry_subject.c.subject, entry_subject.c.kind, func.count())
        .where(entry_subject.c.tenant == bindparam("tenant"), within(entry_subject.c.subject, "subjects"))
        .group_by(entry_subject.c.subject, entry_subject.c.kind)
    )
)
_reaching = entry_subject.alias("reaching")
_ENTRIES: Final = select(*COLUMNS, entry_subject.c.subject).join(
    entry_subject, (entry_subject.c.tenant == entry.c.tenant) & (entry_subject.c.entry == entry.c.id)
)
_ENTRIES_OF: Final = OverLists(
    lambda within: _ENTRIES.where(
        entry.c.tenant == bindparam("tenant"),
        entry.c.id.in_(
            select(_reaching.c.entry).where(
                _reaching.c.tenant == bindparam("tenant"),
                within(_reaching.c.subject, "subjects"),
                within(_reaching.c.kind, "kinds"),
            )
        ),
    ).order_by(entry.c.ordinal, entry_subject.c.subject)
)
_SUBJECTS_OF: Final = OverLists(
    lambda within: (
        select(entry_subject.c.entry, entry_subject.c.subject)
        .where(entry_subject.c.tenant == bindparam("tenant"), within(entry_subject.c.entry, "entries"))
        .order_by(entry_subject.c.subject)
    )
)


def resolve(
    connection: Connection, tenant: str, *, epochs: Collection[int], hmacs: Collection[bytes]
) -> tuple[ReferenceRow, ...]:
    """Find which subjects some references name.

    Args:
        connection: any.
        tenant: whose references.
        epochs: the live key epochs.
        hmacs: keyed hashes of the references, under any of those epochs.

    Returns:
        A row for each reference that is known.
    """
    if not hmacs:
        return ()
    found = _RESOLVE.rows(connection, {"tenant": tenant}, epochs=sorted(epochs), hmacs=sorted(hmacs))
    return tuple(
        ReferenceRow(key_epoch=epoch, hmac=hmac, subject=UUID(bytes=subject), suppression=bool(suppression))
        for epoch, hmac, subject, suppression in found
    )


def insert_reference(connection: Connection, tenant: str, row: ReferenceRow) -> None:
    """Let a reference name a subject.

    Args:
        connection: of `Database.write`.
        tenant: whose reference.
        row: the reference and its subject.

    Raises:
        Duplicate: the reference names a subject already (key ``pk_subject_ref``).
        Unavailable: the database refused.
    """
    values = {
        "tenant": tenant,
        "key_epoch": row.key_epoch,
        "hmac": row.hmac,
        "subject": row.subject.bytes,
        "suppression": row.suppression,
    }
    _INSERT_REFERENCE.run(connection, values)


def insert_data_key(connection: Connection, tenant: str, row: DataKeyRow) -> None:
    """Store a subject's wrapped data key.

    Args:
        connection: of `Database.write`.
        tenant: whose subject.
        row: the wrapped key.

    Raises:
        Duplicate: the subject has a data key (key ``pk_data_key``).
        Unavailable: the database refused.
    """
    values = {
        "tenant": tenant,
        "subject": row.subject.bytes,
        "wrapping_key": row.wrapping_key,
        "wrapped": row.wrapped,
    }
    _INSERT_KEY.run(connection, values)


def data_keys(connection: Connection, tenant: str, subjects: Collection[UUID]) -> dict[UUID, DataKeyRow]:
    """Read the wrapped data keys of some subjects.

    Args:
        connection: any.
        tenant: whose subjects.
        subjects: which ones.

    Returns:
        The keys that there are, by subject; destroyed ones are missing.
    """
    if not subjects:
        return {}
    found = _KEYS.rows(connection, {"tenant": tenant}, subjects=_sorted_bytes(subjects))
    rows = (
        DataKeyRow(subject=UUID(bytes=subject), wrapping_key=wrapping_key, wrapped=wrapped)
        for subject, wrapping_key, wrapped in found
    )
    return {row.subject: row for row in rows}


def link(connection: Connection, tenant: str, entry_id: UUID, kind: str, subjects: Collection[UUID]) -> None:
    """Link an entry to the subjects that it is about.

    Args:
        connection: of `Database.write`, in the transaction that inserts the entry.
        tenant: whose entry.
        entry_id: the entry.
        kind: the entry's kind.
        subjects: which subjects; each once.

    Raises:
        Duplicate: one of the links exists (key ``pk_entry_subject``).
        Unavailable: the database refused.
    """
    row = {"tenant": tenant, "entry": entry_id.bytes, "kind": kind}
    for subject in _sorted_bytes(subjects):
        _LINK.run(connection, row | {"subject": subject})


def counts(connection: Connection, tenant: str, subjects: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """Count the links of some subjects by kind: they are only added, but for erasure: a version.

    Args:
        connection: any.
        tenant: whose subjects.
        subjects: which ones.

    Returns:
        The number of links for each (subject, kind) that has any.
    """
    if not subjects:
        return {}
    found = _COUNTS.rows(connection, {"tenant": tenant}, subjects=_sorted_bytes(subjects))
    return {(UUID(bytes=subject), kind): count for subject, kind, count in found}


def entries_of(
    connection: Connection, tenant: str, subjects: Collection[UUID], kinds: Collection[str]
) -> tuple[LinkedEntry, ...]:
    """Read what the ledger holds about some subjects.

    Args:
        connection: any.
        tenant: whose subjects.
        subjects: which ones.
        kinds: entries of these kinds only.

    Returns:
        Each entry linked to any of them once, with all its subjects, in ordinal order.
    """
    if not subjects or not kinds:
        return ()
    rows = _ENTRIES_OF.rows(
        connection, {"tenant": tenant}, subjects=_sorted_bytes(subjects), kinds=sorted(kinds)
    )
    found: list[LinkedEntry] = []
    ordinal, first, linked = 0, None, list[UUID]()
    for row in rows:
        if first is not None and row[0] != ordinal:
            found.append(LinkedEntry(row=row_of(first), subjects=tuple(linked)))
            linked = []
        ordinal, first = row[0], row
        linked.append(UUID(bytes=row[-1]))
    if first is not None:
        found.append(LinkedEntry(row=row_of(first), subjects=tuple(linked)))
    return tuple(found)


def subjects_of(connection: Connection, tenant: str, entries: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Find which subjects some entries are linked to.

    Args:
        connection: any.
        tenant: whose entries.
        entries: which ones.

    Returns:
        The subjects of each entry, ordered by their bytes; () where there is no link.
    """
    linked: dict[UUID, tuple[UUID, ...]] = dict.fromkeys(entries, ())
    if linked:
        ids = [item.bytes for item in linked]
        for entry_id, subject in _SUBJECTS_OF.rows(connection, {"tenant": tenant}, entries=ids):
            linked[UUID(bytes=entry_id)] += (UUID(bytes=subject),)
    return linked


def _sorted_bytes(subjects: Iterable[UUID]) -> list[bytes]:
    return sorted({subject.bytes for subject in subjects})
