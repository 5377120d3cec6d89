"""What verification reads, out of the database: rows as they are stored, and keys where they are to hand.

Invariant: nothing is repaired or left out on the way; a row of another shape than it should have goes through.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from consentgate.config.opened import StoredKeys
from consentgate.entries import epoch
from consentgate.keys.custody import Custody
from consentgate.storage import inbulk, stored
from consentgate.verify.rows import (
    ENTRY_COLUMNS,
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
from consentgate.verify.source import Evidence, Memory, OldLog


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """The ledger's rows, read in one transaction."""

    connection: Connection

    def damage(self) -> Iterable[str]:
        """Ask the database what is wrong with its own file.

        Returns:
            A line for each thing.
        """
        return inbulk.damage(self.connection)

    def facts(self) -> Iterable[FactRow]:
        """Read the facts about the database.

        Returns:
            The rows.
        """
        return (FactRow(**row) for row in stored.table(self.connection, "deployment"))

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        """Read every entry.

        Returns:
            The rows in order of their ordinals, some hundreds at once.
        """
        return inbulk.entries(self.connection, ENTRY_COLUMNS)

    def repeated(self) -> Collection[tuple[str, bytes]]:
        """Look for entries of which there are several rows.

        Returns:
            Tenant and id of each.
        """
        return inbulk.repeated(self.connection)

    def find(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        """Look entries up.

        Args:
            keys: tenant and id of each.

        Returns:
            The rows that there are.
        """
        return (EntryRow(**row) for row in inbulk.find(self.connection, keys))

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
    """The rows of one log, read in one transaction; `logs` are the numbers of all that there are."""

    connection: Connection
    number: int = epoch.FIRST
    logs: Collection[int] = (epoch.FIRST,)

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        """Read the positions.

        Returns:
            The rows in order of position, some hundreds at once.
        """
        return inbulk.positions(self.connection, log=self.number)

    def tiles(self) -> Iterable[TileRow]:
        """Read the full tiles.

        Returns:
            The rows, those of higher levels first, each level's in order of their indexes.
        """
        return (TileRow(**row) for row in stored.tiles(self.connection, log=self.number))

    def tree_states(self) -> Iterable[TreeStateRow]:
        """Read what the sequencer wrote after each batch.

        Returns:
            The rows in order of their sizes.
        """
        return (TreeStateRow(**row) for row in stored.tree_states(self.connection, log=self.number))

    def checkpoints(self) -> Iterable[CheckpointRow]:
        """Read the signed checkpoints.

        Returns:
            The rows in order of their sizes.
        """
        return (CheckpointRow(**row) for row in stored.checkpoints(self.connection, log=self.number))

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
        return stored.strays(self.connection, logs=self.logs)


def evidence_of(
    connection: Connection,
    *,
    now: datetime,
    vkey: str | None = None,
    signer: Memory | None = None,
    signer_after: Memory | None = None,
    custody: Custody | None = None,
    old_vkey: Callable[[int], str | None] = lambda _: None,
) -> Evidence:
    """Gather what a verification is given.

    Args:
        connection: of `Database.read` or `read_only`; it stays open while the evidence is used.
        now: the time of verification.
        vkey: the log's public key, from where the verifier trusts it.
        signer: what the signer remembered before the connection read anything.
        signer_after: what it remembered afterwards.
        custody: the keys; None when nothing may be opened.
        old_vkey: gives the public key of a log that an epoch ended, by its number, likewise.

    Returns:
        The evidence.
    """
    rows = [(row["name"], row["value"]) for row in stored.table(connection, "deployment")]
    facts = {name: value for name, value in rows if isinstance(name, str) and isinstance(value, str)}
    number, logs = epoch.current_log(facts), tuple(epoch.origins(facts)) or (epoch.FIRST,)
    return Evidence(
        ledger=StoredLedger(connection),
        log=StoredLog(connection, number, logs),
        number=number,
        older=tuple(
            OldLog(number=each, log=StoredLog(connection, each, logs), vkey=old_vkey(each))
            for each in logs
            if each != number
        ),
        now=now,
        vkey=vkey,
        signer=signer,
        signer_after=signer_after,
        keys=StoredKeys(connection, custody, now) if custody else None,
    )
