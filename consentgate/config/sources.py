"""What verification reads, out of the database: rows as they are stored, and keys where they are to hand.

Invariant: nothing is repaired or left out on the way; a row of another shape than it should have goes through.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from consentgate.crypto.derive import reference_hmac
from consentgate.keys.custody import Custody
from consentgate.ledger.vault import BODY, KEY, month_key
from consentgate.moment import from_millis
from consentgate.storage import deployment, stored
from consentgate.verify.source import (
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    Evidence,
    LinkRow,
    NoticeRow,
    SeqRow,
    StatementRow,
    TileRow,
    TreeStateRow,
)

_MONTHLY: Final = ("matches", "unattributed")


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """The ledger's rows, read in one transaction."""

    connection: Connection

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


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Links and unwrapped data keys, read in one transaction."""

    connection: Connection
    custody: Custody
    now: datetime

    def links(self) -> Iterable[LinkRow]:
        """Read the links.

        Returns:
            The rows.
        """
        return (LinkRow(**row) for row in stored.table(self.connection, "entry_subject"))

    def data_keys(self) -> Iterable[DataKey]:
        """Read and unwrap every data key that is left.

        Returns:
            Keys of persons, and the tenants' own with their names.

        Raises:
            Unavailable: a wrapping key is not in custody.
            Malformed: a wrapped key was changed.
        """
        rows = list(stored.table(self.connection, "data_key"))
        names = self._names(sorted({row["tenant"] for row in rows}))
        return [
            DataKey(
                tenant=row["tenant"],
                subject=row["subject"],
                name=names.get((row["tenant"], row["subject"])),
                key=self.custody.unwrap(row["wrapping_key"], row["wrapped"]),
            )
            for row in rows
        ]

    def _names(self, tenants: list[str]) -> dict[tuple[str, bytes], str]:
        """Recognise the tenants' own keys by the keyed hashes of all names that there can be."""
        wanted = {
            (tenant, epoch, reference_hmac(key, tenant, KEY, name)): name
            for tenant in tenants
            for epoch, key in self.custody.reference_keys().items()
            for name in self._possible_names()
        }
        found = {}
        for row in stored.table(self.connection, "subject_ref"):
            name = wanted.get((row["tenant"], row["key_epoch"], row["hmac"]))
            if name is not None:
                found[row["tenant"], row["subject"]] = name
        return found

    def _possible_names(self) -> Iterator[str]:
        yield BODY
        first = next((from_millis(row["at"]) for row in stored.entries(self.connection)), self.now)
        month = first.year * 12 + first.month - 1
        # One more on each side: an entry may be of the month's last second, the clock of its first.
        for count in range(month - 1, self.now.year * 12 + self.now.month + 1):
            at = self.now.replace(year=count // 12, month=count % 12 + 1, day=1)
            yield from (month_key(name, at) for name in _MONTHLY)


def evidence_of(
    connection: Connection,
    *,
    now: datetime,
    vkey: str | None = None,
    signer_note: str | None = None,
    custody: Custody | None = None,
) -> Evidence:
    """Gather what a verification is given.

    Args:
        connection: of `Database.read`; it stays open while the evidence is used.
        now: the time of verification.
        vkey: the log's public key, from where the verifier trusts it.
        signer_note: the note in the signer's own state.
        custody: the keys; None when nothing may be opened.

    Returns:
        The evidence.
    """
    return Evidence(
        ledger=StoredLedger(connection),
        log=StoredLog(connection),
        now=now,
        vkey=vkey,
        origin=deployment.fact(connection, deployment.LOG_ORIGIN),
        signer_note=signer_note or None,
        keys=StoredKeys(connection, custody, now) if custody else None,
    )
