"""What verification reads, out of the database: rows as they are stored, and keys where they are to hand.

Invariant: nothing is repaired or left out on the way; a row of another shape than it should have goes through.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from consentgate.consent.reference import Reference
from consentgate.crypto.derive import reference_hmac
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.keys.custody import Custody
from consentgate.ledger.vault import BODY, CALL, KEY, month_key
from consentgate.storage import stored
from consentgate.storage.stored import Stored
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    FactRow,
    LinkRow,
    NoticeRow,
    ReferenceRow,
    SeqRow,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import Evidence, Memory

_MONTHLY: Final = ("matches", "unattributed")
# No entry is older. A key of a month to come is one of a clock that ran ahead.
_FIRST_YEAR: Final = 2020
_YEARS_AHEAD: Final = 2


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

    def strays(self) -> Mapping[str, int]:
        """Count rows of other logs.

        Returns:
            How many there are in each table that has any.
        """
        return stored.strays(self.connection)


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Links, references and unwrapped data keys, read in one transaction."""

    connection: Connection
    custody: Custody
    now: datetime

    def links(self) -> Iterable[LinkRow]:
        """Read the links.

        Returns:
            The rows.
        """
        return (LinkRow(**row) for row in stored.table(self.connection, "entry_subject"))

    def references(self) -> Iterable[ReferenceRow]:
        """Read which subjects the keyed hashes of references name.

        Returns:
            The rows.
        """
        return (ReferenceRow(**row) for row in stored.table(self.connection, "subject_ref"))

    def data_keys(self) -> Iterable[DataKey]:
        """Read and unwrap every data key that is left.

        Returns:
            Keys of persons, and the tenants' own with their names; without the key where it does not unwrap.

        Raises:
            Unavailable: not one of them is wrapped under a key that is in custody.
        """
        rows = list(stored.table(self.connection, "data_key"))
        names = self._names({row["tenant"] for row in rows})
        found, unknown = [], 0
        for row in rows:
            key, problem = None, ""
            try:
                key = self._unwrapped(row)
            except Unavailable as error:
                unknown, problem = unknown + 1, str(error)
            except Malformed as error:
                problem = str(error)
            name = names.get((row["tenant"], row["subject"]))
            found.append(
                DataKey(tenant=row["tenant"], subject=row["subject"], name=name, key=key, problem=problem)
            )
        if rows and unknown == len(rows):
            raise Unavailable(
                "This key file opens none of the data keys: it is the one of another deployment."
            )
        return found

    def epochs(self) -> Collection[int]:
        """Say which reference keys are in custody.

        Returns:
            Their epochs.
        """
        return self.custody.reference_keys().keys()

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of a reference.

        Args:
            tenant: whose reference.
            reference: the reference.

        Returns:
            Epoch and hash, for each reference key.
        """
        return self._hashes(tenant, reference.kind, reference.value)

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of a call's name.

        Args:
            tenant: whose call.
            call: its name.

        Returns:
            Epoch and hash, for each reference key.
        """
        return self._hashes(tenant, CALL, call)

    def _hashes(self, tenant: str, kind: str, value: str) -> list[tuple[int, bytes]]:
        keys = self.custody.reference_keys().items()
        try:
            return [(epoch, reference_hmac(key, tenant, kind, value)) for epoch, key in keys]
        except InvalidInput:
            # A name that is no Unicode: no row can have been made for it.
            return []

    def _unwrapped(self, row: Stored) -> bytes:
        if not isinstance(row["wrapping_key"], str) or not isinstance(row["wrapped"], bytes):
            raise Malformed("A wrapped data key is of another type than its column.")
        return self.custody.unwrap(row["wrapping_key"], row["wrapped"])

    def _names(self, tenants: Iterable[object]) -> dict[tuple[str, bytes], str]:
        """Recognise the tenants' own keys by the keyed hashes of all names that there can be."""
        wanted = {
            (tenant, *each): name
            for tenant in tenants
            if isinstance(tenant, str)
            for name in self._possible_names()
            for each in self._hashes(tenant, KEY, name)
        }
        found = {}
        for row in stored.table(self.connection, "subject_ref"):
            name = wanted.get((row["tenant"], row["key_epoch"], row["hmac"]))
            if name is not None:
                found[row["tenant"], row["subject"]] = name
        return found

    def _possible_names(self) -> Iterator[str]:
        yield BODY
        for year in range(_FIRST_YEAR, self.now.year + _YEARS_AHEAD + 1):
            for month in range(1, 13):
                at = self.now.replace(year=year, month=month, day=1)
                yield from (month_key(name, at) for name in _MONTHLY)


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
