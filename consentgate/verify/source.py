"""What verification reads: the rows as they are stored, with nothing taken for granted about them.

Three small ports, so that a check asks for no more than it needs: the ledger, the log over it, and the keys,
which are optional. Every value is what the column holds; a source neither repairs nor checks. Sources may be
read more than once and must then yield the same rows: the caller reads them inside one transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID


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
class SeqRow:
    """A row of `seq`: the position of an entry in the log."""

    position: int
    tenant: str
    entry: bytes
    hash: bytes


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A row of `checkpoint`: what the signer released."""

    size: int
    origin: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A row of `entry_subject`: that an entry is about a subject."""

    tenant: str
    entry: bytes
    subject: bytes
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key, unwrapped.

    Attributes:
        tenant: whose.
        subject: whose key it is, 16 bytes.
        name: of a tenant's own key ``body``, ``matches/2026-11`` and so on; None for the key of a person.
        key: 32 bytes.
    """

    tenant: str
    subject: bytes
    name: str | None = None
    key: bytes = field(repr=False)


class LedgerSource(Protocol):
    """The rows of the ledger, of every tenant whose entries the log covers."""

    def entries(self) -> Iterable[EntryRow]:
        """Read every entry.

        Returns:
            The rows in order of their ordinals.
        """
        ...

    def statements(self) -> Iterable[StatementRow]:
        """Read the index of statements.

        Returns:
            The rows in any order.
        """
        ...

    def artifacts(self) -> Iterable[ArtifactRow]:
        """Read the artifacts.

        Returns:
            The rows in any order.
        """
        ...

    def notices(self) -> Iterable[NoticeRow]:
        """Read the names of notices.

        Returns:
            The rows in any order.
        """
        ...


class LogSource(Protocol):
    """The rows of one log."""

    def sequence(self) -> Iterable[SeqRow]:
        """Read the positions.

        Returns:
            The rows in order of position.
        """
        ...

    def tiles(self) -> Iterable[TileRow]:
        """Read the full tiles.

        Returns:
            The rows in any order.
        """
        ...

    def tree_states(self) -> Iterable[TreeStateRow]:
        """Read what the sequencer wrote after each batch.

        Returns:
            The rows in any order.
        """
        ...

    def checkpoints(self) -> Iterable[CheckpointRow]:
        """Read the signed checkpoints.

        Returns:
            The rows in any order.
        """
        ...


class KeySource(Protocol):
    """What links entries to persons, and the keys; only where verification may open what is sealed."""

    def links(self) -> Iterable[LinkRow]:
        """Read the links.

        Returns:
            The rows in any order.
        """
        ...

    def data_keys(self) -> Iterable[DataKey]:
        """Read and unwrap every data key that is left.

        Returns:
            Keys of persons, and the tenants' own with their names, in any order.

        Raises:
            Unavailable: the wrapping keys are out of reach.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a verification is given.

    Attributes:
        ledger: the ledger.
        log: the log over it.
        now: the time of verification, by which open intents are judged.
        vkey: the log's public key as text, from where the verifier trusts it; None when there is none to
            hand.
        origin: what the database says that the log's origin is, or None.
        signer_note: the note in the signer's own state, outside the database: empty before the first
            signature, None when the state is not to hand.
        keys: links and keys; None when nothing may be opened.
    """

    ledger: LedgerSource
    log: LogSource
    now: datetime
    vkey: str | None = None
    origin: str | None = None
    signer_note: str | None = None
    keys: KeySource | None = None


def name_of(entry: bytes) -> str:
    """Write an entry's id for people.

    Args:
        entry: the id as it is stored.

    Returns:
        The UUID's text, or hexadecimal where it is not 16 bytes.
    """
    return str(UUID(bytes=entry)) if len(entry) == 16 else entry.hex()
