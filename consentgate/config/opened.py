"""What verification opens with: links, references and unwrapped data keys, out of the database and custody.

Invariant: nothing is repaired or left out on the way; a key that does not unwrap is said to be there, with why.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from consentgate.consent.reference import Reference
from consentgate.crypto.derive import reference_hmac
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.keys.custody import Custody
from consentgate.ledger.vault import BODY, CALL, KEY, TASK, month_key
from consentgate.storage import inbulk, persons, stored
from consentgate.storage.stored import Stored
from consentgate.verify.rows import (
    DataKey,
    LinkRow,
    ReferenceRow,
)

_MONTHLY: Final = ("matches", "unattributed")
# No entry is older. A key of a month to come is one of a clock that ran ahead.
_FIRST_YEAR: Final = 2020
_YEARS_AHEAD: Final = 2


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

    def links_of(self, keys: Collection[tuple[str, bytes]]) -> Iterable[LinkRow]:
        """Look the links of entries up.

        Args:
            keys: tenant and id of each entry.

        Returns:
            The rows.
        """
        return (LinkRow(**row) for row in inbulk.links_of(self.connection, keys))

    def count_links(self) -> int:
        """Count the links.

        Returns:
            How many rows there are.
        """
        return inbulk.count_links(self.connection)

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
        return self._all_unwrapped(rows, self._names({row["tenant"] for row in rows}))

    def tenant_keys(self, tenants: Collection[str]) -> Iterable[DataKey]:
        """Read and unwrap the tenants' own data keys.

        Args:
            tenants: the tenants.

        Returns:
            The keys with their names; without the key where it does not unwrap.

        Raises:
            Unavailable: not one of them is wrapped under a key that is in custody.
        """
        wanted = self._wanted(tenants)
        names = self._named(wanted, persons.references_of(self.connection, wanted.keys()))
        return self._all_unwrapped([*persons.data_keys_of(self.connection, names.keys())], names)

    def data_keys_of(self, subjects: Collection[tuple[str, bytes]]) -> Iterable[DataKey]:
        """Read and unwrap data keys of persons.

        Args:
            subjects: tenant and id of each.

        Returns:
            The keys that there are; without the key where it does not unwrap.
        """
        return (self._read(row, {})[0] for row in persons.data_keys_of(self.connection, subjects))

    def references_to(self, subjects: Collection[tuple[str, bytes]]) -> Iterable[ReferenceRow]:
        """Look up what names subjects.

        Args:
            subjects: tenant and id of each.

        Returns:
            The rows.
        """
        return (ReferenceRow(**row) for row in persons.references_to(self.connection, subjects))

    def references_of(self, hashes: Collection[tuple[str, int, bytes]]) -> Iterable[ReferenceRow]:
        """Look up whom keyed hashes name.

        Args:
            hashes: tenant, epoch and hash of each.

        Returns:
            The rows.
        """
        return (ReferenceRow(**row) for row in persons.references_of(self.connection, hashes))

    def _all_unwrapped(self, rows: Sequence[Stored], names: Mapping[tuple[str, bytes], str]) -> list[DataKey]:
        read = [self._read(row, names) for row in rows]
        if rows and all(unknown for _, unknown in read):
            raise Unavailable(
                "This key file opens none of the data keys: it is the one of another deployment."
            )
        return [each for each, _ in read]

    def _read(self, row: Stored, names: Mapping[tuple[str, bytes], str]) -> tuple[DataKey, bool]:
        """Unwrap a key, and say whether its wrapping key is unknown."""
        key, problem, unknown = None, "", False
        try:
            key = self._unwrapped(row)
        except Unavailable as error:
            unknown, problem = True, str(error)
        except Malformed as error:
            problem = str(error)
        name = names.get((row["tenant"], row["subject"]))
        found = DataKey(tenant=row["tenant"], subject=row["subject"], name=name, key=key, problem=problem)
        return found, unknown

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

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of the id of what a request started.

        Args:
            tenant: whose request.
            task: the vendor's id.

        Returns:
            Epoch and hash, for each reference key.
        """
        return self._hashes(tenant, TASK, task)

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
        return self._named(self._wanted(tenants), stored.table(self.connection, "subject_ref"))

    def _wanted(self, tenants: Iterable[object]) -> dict[tuple[str, int, bytes], str]:
        return {
            (tenant, *each): name
            for tenant in tenants
            if isinstance(tenant, str)
            for name in self._possible_names()
            for each in self._hashes(tenant, KEY, name)
        }

    def _named(
        self, wanted: Mapping[tuple[str, int, bytes], str], rows: Iterable[Stored]
    ) -> dict[tuple[str, bytes], str]:
        named = ((row, wanted.get((row["tenant"], row["key_epoch"], row["hmac"]))) for row in rows)
        return {(row["tenant"], row["subject"]): name for row, name in named if name is not None}

    def _possible_names(self) -> Iterator[str]:
        yield BODY
        for year in range(_FIRST_YEAR, self.now.year + _YEARS_AHEAD + 1):
            for month in range(1, 13):
                at = self.now.replace(year=year, month=month, day=1)
                yield from (month_key(name, at) for name in _MONTHLY)
