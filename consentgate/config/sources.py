"""What verification reads, out of the database: rows as they are stored, and keys where they are to hand.

Invariant: nothing is repaired or left out on the way; a row of another shape than it should have goes through.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from consentgate.config.opened import StoredKeys
from consentgate.keys.custody import Custody
from consentgate.storage import stored
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    EntryRow,
    FactRow,
    NoticeRow,
    SeqRow,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import Evidence, Memory


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """The ledger's rows, read in one transaction."""

    connection: Connection

    def damage(self) -> Iterable[str]:
        """Ask the database what is wrong with its own file.

        Returns:
            A line for each thing.
        """
        return stored.damage(self.connection)

    def facts(self) -> Iterable[FactRow]:
        """Read the facts about the database.

        Returns:
            The rows.
        """
        return (FactRow(**row) for row in stored.table(self.connection, "deployment"))

    def entries(self) -> Iterable[EntryRow]:
        """Read every entry.

        Returns:
            The rows in order of their ordinals.
        """
        return (EntryRow(**row) for row in stored.entries(self.connection))

    def statements(self) -> Iterable[StatementRow]:
        """Read the index of statements.

        Returns:
            The rows.
        """
        return (StatementRow(**row) for row in stored.table(self.connection, "statement"))

    def artifacts(self) -> Iterable[ArtifactRow]:
        """Read the artifacts.

        Returns:
            The rows.
        """
        return (ArtifactRow(**row) for row in stored.table(self.connection, "artifact"))

    def notices(self) -> Iterable[NoticeRow]:
        """Read the names of notices.

        Returns:
            The rows.
        """
        return (NoticeRow(**row) for row in stored.table(self.connection, "notice"))


@dataclass(frozen=True, slots=True)
class StoredLog:
    """The rows of the first log, read in one transaction."""

    connection: Connection

    def sequence(self) -> Iterable[SeqRow]:
        """Read the positions.

        Returns:
            The rows in order of position.
        """
        return (SeqRow(**row) for row in stored.positions(self.connection))

    def tiles(self) -> Iterable[TileRow]:
        """Read the full tiles.

        Returns:
            The rows.
        """
        return (TileRow(**row) for row in stored.tiles(self.connection))

    def tree_states(self) -> Iterable[TreeStateRow]:
        """Read what the sequencer wrote after each batch.

        Returns:
            The rows.
        """
        return (TreeStateRow(**row) for row in stored.tree_states(self.connection))

    def checkpoints(self) -> Iterable[CheckpointRow]:
        """Read the signed checkpoints.

        Returns:
            The rows.
        """
        return (CheckpointRow(**row) for row in stored.checkpoints(self.connection))

    def numbers_commits(self) -> bool:
        """Say how rows are numbered.

        Returns:
            Whether in the order of their commits.
        """
        return self.connection.dialect.name == "sqlite"

    def strays(self) -> Mapping[str, int]:
        """Count rows of other logs.

        Returns:
            How many there are in each table that has any.
        """
        return stored.strays(self.connection)


def evidence_of(
    connection: Connection,
    *,
    now: datetime,
    vkey: str | None = None,
    signer: Memory | None = None,
    signer_after: Memory | None = None,
    custody: Custody | None = None,
) -> Evidence:
    """Gather what a verification is given.

    Args:
        connection: of `Database.read` or `read_only`; it stays open while the evidence is used.
        now: the time of verification.
        vkey: the log's public key, from where the verifier trusts it.
        signer: what the signer remembered before the connection read anything.
        signer_after: what it remembered afterwards.
        custody: the keys; None when nothing may be opened.

    Returns:
        The evidence.
    """
    return Evidence(
        ledger=StoredLedger(connection),
        log=StoredLog(connection),
        now=now,
        vkey=vkey,
        signer=signer,
        signer_after=signer_after,
        keys=StoredKeys(connection, custody, now) if custody else None,
    )
