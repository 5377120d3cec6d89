"""What verification reads: the rows as they are stored, with nothing taken for granted about them.

Three small ports, so that a check asks for no more than it needs: the ledger, the log over it, and the keys,
which are optional. Every value is what the column holds, of whatever type; a source neither repairs nor
checks. Sources may be read more than once and must then yield the same rows: the caller reads them inside one
transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from consentgate.values import dataclass
from consentgate.verify.keysource import KeySource
from consentgate.verify.places import Anchors
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    EntryRow,
    EntryValues,
    FactRow,
    NoticeRow,
    SeqValues,
    StatementRow,
    TileRow,
    TreeStateRow,
)

if TYPE_CHECKING:
    from consentgate.verify.prefix import Since


class EntrySource(Protocol):
    """Entries, and the index of statements."""

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        """Read every entry.

        Returns:
            The rows in order of their ordinals, some hundreds at once.
        """
        ...

    def find(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        """Look entries up.

        Args:
            keys: tenant and id of each.

        Returns:
            The rows that there are, in any order.
        """
        ...

    def statements(self) -> Iterable[StatementRow]:
        """Read the index of statements.

        Returns:
            The rows in any order.
        """
        ...


class LedgerSource(EntrySource, Protocol):
    """The rows of the ledger, of every tenant whose entries the log covers."""

    def damage(self) -> Iterable[str]:
        """Ask the database what is wrong with its own file.

        Returns:
            A line for each thing; none where it is sound.
        """
        ...

    def facts(self) -> Iterable[FactRow]:
        """Read the facts about the database.

        Returns:
            The rows in any order.
        """
        ...

    def repeated(self) -> Collection[tuple[str, bytes]]:
        """Look for entries of which there are several rows.

        Returns:
            Tenant and id of each.
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

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        """Read the positions.

        Returns:
            The rows in order of position, some hundreds at once.
        """
        ...

    def tiles(self) -> Iterable[TileRow]:
        """Read the full tiles.

        Returns:
            The rows of higher levels before those of lower ones, each level's in order of their indexes.
        """
        ...

    def tree_states(self) -> Iterable[TreeStateRow]:
        """Read what the sequencer wrote after each batch.

        Returns:
            The rows in order of their sizes.
        """
        ...

    def checkpoints(self) -> Iterable[CheckpointRow]:
        """Read the signed checkpoints.

        Returns:
            The rows in order of their sizes.
        """
        ...

    def numbers_commits(self) -> bool:
        """Say how rows are numbered.

        Returns:
            Whether in the order of their commits, as in SQLite; by PostgreSQL's counter commits overtake each
            other.
        """
        ...

    def strays(self) -> Mapping[str, int]:
        """Count rows of logs that nobody opened.

        Returns:
            How many there are in each table that has any.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the signer remembers, outside the database.

    Attributes:
        size: of the tree that it signed last, 0 before the first.
        root: of that tree.
        note: what it signed, empty before the first.
    """

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldLog:
    """A log that an epoch ended.

    Attributes:
        number: its number.
        log: its rows.
        vkey: its public key as text, from where the verifier trusts it; None when there is none to hand.
        anchors: places outside the database that keep its checkpoints; None where there are none.
    """

    number: int
    log: LogSource
    vkey: str | None = None
    anchors: Anchors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a verification is given.

    Attributes:
        ledger: the ledger.
        log: the log over it that grows.
        now: the time of verification, by which open intents are judged.
        vkey: the log's public key as text, from where the verifier trusts it; None when there is none to
            hand.
        signer: the signer's memory as it was before the rows were read: the tree must continue it. None when
            it is not to hand.
        signer_after: the same as it was after the state of the rows was fixed: it must cover every stored
            checkpoint. A signer that works meanwhile makes the two differ.
        keys: links and keys; None when nothing may be opened.
        number: the number of the log that grows.
        older: the logs that epochs ended, in order.
        anchors: places outside the database that keep checkpoints, and witnesses; None where there are none.
        since: what a pinned checkpoint covers: ledger and log then give what comes after; None to verify everything.
    """

    ledger: LedgerSource
    log: LogSource
    now: datetime
    vkey: str | None = None
    signer: Memory | None = field(default=None, repr=False)
    signer_after: Memory | None = field(default=None, repr=False)
    keys: KeySource | None = None
    number: int = 0
    older: tuple[OldLog, ...] = ()
    anchors: Anchors | None = None
    since: "Since | None" = None
