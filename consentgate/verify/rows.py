"""The rows that verification reads, with the values that the columns hold.

Invariant: nothing here is checked; `consentgate.verify.typed` keeps rows away whose values are of other types.
"""

from dataclasses import field
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """A row of `entry`.

    Attributes:
        ordinal: the order of rows.
        tenant: whose entry it is.
        id: column ``id``, 16 bytes.
        kind: column ``kind``.
        at: column ``at``, milliseconds since 1970.
        about: column ``about``, 0 or 1.
        w: column ``w``.
        n: column ``n``.
        re: column ``re``, empty when the entry answers none.
        end: column ``end``, empty when it has none.
        leaf: the leaf's bytes.
        hash: column ``hash``.
        parts: the tokens, one a line.
    """

    ordinal: int
    tenant: str
    id: bytes
    kind: str
    at: int
    about: int
    w: bytes
    n: int
    re: bytes
    end: str
    leaf: bytes
    hash: bytes
    parts: str = field(repr=False)


ENTRY_COLUMNS: Final = tuple(EntryRow.__slots__)
"""The columns of `entry` in the order of `EntryRow`."""

EntryValues: TypeAlias = tuple[Any, ...]
"""A row of `entry` as the driver gives it, in this order; so many are read that objects would cost more."""


def entry_row(values: EntryValues) -> EntryRow:
    """Name the values of a row.

    Args:
        values: in the order of `ENTRY_COLUMNS`.

    Returns:
        The row.
    """
    return EntryRow(**dict(zip(ENTRY_COLUMNS, values, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A row of `statement`: which entry holds the statement of an issuer and id."""

    tenant: str
    entry: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRow:
    """A row of `artifact`: exact bytes under their SHA-256."""

    tenant: str
    digest: bytes
    kind: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A row of `notice`: the digests of a notice and of its manifest, both artifacts."""

    tenant: str
    id: str
    version: str
    language: str
    digest: bytes
    manifest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRow:
    """A row of `deployment`: a fact about the database."""

    name: str
    value: str


class SeqRow(NamedTuple):
    """A row of `seq`: the position of an entry in the log."""

    position: int
    tenant: str
    entry: bytes
    hash: bytes


SeqValues: TypeAlias = tuple[Any, ...]
"""A row of `seq` as the driver gives it, in the order of `SeqRow`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """A row of `tile`: a full tile."""

    level: int
    index: int
    hashes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeStateRow:
    """A row of `tree_state`: the tree after a batch; ``frontier`` is `Frontier.to_bytes`."""

    size: int
    frontier: bytes
    root: bytes
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A row of `checkpoint`: what the signer released."""

    size: int
    origin: str
    note: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A row of `entry_subject`: that an entry is about a subject."""

    tenant: str
    entry: bytes
    subject: bytes
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRow:
    """A row of `subject_ref`: the subject that the reference of a keyed hash names."""

    tenant: str
    key_epoch: int
    hmac: bytes = field(repr=False)
    subject: bytes
    suppression: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A row of `data_key`, unwrapped.

    Attributes:
        tenant: whose.
        subject: whose key it is, 16 bytes.
        name: of a tenant's own key ``body``, ``matches/2026-11`` and so on; None for the key of a person.
        key: 32 bytes; None where it does not unwrap.
        problem: why it does not.
    """

    tenant: str
    subject: bytes
    name: str | None = None
    key: bytes | None = field(repr=False)
    problem: str = ""


def name_of(entry: bytes) -> str:
    """Write an entry's id for people.

    Args:
        entry: the id as it is stored.

    Returns:
        The UUID's text, or hexadecimal where it is not 16 bytes.
    """
    return str(UUID(bytes=entry)) if len(entry) == 16 else entry.hex()
