"""What links entries to persons, and the keys: the small ports that verification reads them from.

Every value is what the column holds, as in `consentgate.verify.source`.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

from consentgate.consent.reference import Reference
from consentgate.verify.rows import DataKey, LinkRow, ReferenceRow


class KeySource(Protocol):
    """What links entries to persons, and the keys; only where verification may open what is sealed."""

    def links(self) -> Iterable[LinkRow]:
        """Read the links.

        Returns:
            The rows in any order.
        """
        ...

    def links_of(self, keys: Collection[tuple[str, bytes]]) -> Iterable[LinkRow]:
        """Look the links of entries up.

        Args:
            keys: tenant and id of each entry.

        Returns:
            The rows in any order.
        """
        ...

    def count_links(self) -> int:
        """Count the links.

        Returns:
            How many rows there are.
        """
        ...

    def references(self) -> Iterable[ReferenceRow]:
        """Read which subjects the keyed hashes of references name.

        Returns:
            The rows in any order.
        """
        ...

    def data_keys(self) -> Iterable[DataKey]:
        """Read and unwrap every data key that is left.

        Returns:
            Keys of persons, and the tenants' own with their names, in any order.

        Raises:
            Unavailable: the wrapping keys are out of reach: none of them unwraps anything.
        """
        ...

    def epochs(self) -> Collection[int]:
        """Say which reference keys are to hand.

        Returns:
            Their epochs.
        """
        ...

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of a reference.

        Args:
            tenant: whose reference.
            reference: the reference.

        Returns:
            Epoch and hash, for each reference key.
        """
        ...

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of a call's name.

        Args:
            tenant: whose call.
            call: its name.

        Returns:
            Epoch and hash, for each reference key.
        """
        ...

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        """Compute the keyed hashes of the id of what a request started; their first 16 bytes are its subjects.

        Args:
            tenant: whose request.
            task: the vendor's id.

        Returns:
            Epoch and hash, for each reference key.
        """
        ...


class SomeKeys(Protocol):
    """Keys and references of those who are asked for, where not everybody's are read."""

    def tenant_keys(self, tenants: Collection[str]) -> Iterable[DataKey]:
        """Read and unwrap the tenants' own data keys.

        Args:
            tenants: the tenants.

        Returns:
            The keys with their names.

        Raises:
            Unavailable: the wrapping keys are out of reach: none of them unwraps anything.
        """
        ...

    def data_keys_of(self, subjects: Collection[tuple[str, bytes]]) -> Iterable[DataKey]:
        """Read and unwrap data keys of persons.

        Args:
            subjects: tenant and id of each subject.

        Returns:
            The keys that there are.
        """
        ...

    def references_to(self, subjects: Collection[tuple[str, bytes]]) -> Iterable[ReferenceRow]:
        """Look up what names subjects.

        Args:
            subjects: tenant and id of each subject.

        Returns:
            The rows.
        """
        ...

    def references_of(self, hashes: Collection[tuple[str, int, bytes]]) -> Iterable[ReferenceRow]:
        """Look up whom keyed hashes name.

        Args:
            hashes: tenant, epoch and hash of each.

        Returns:
            The rows.
        """
        ...
