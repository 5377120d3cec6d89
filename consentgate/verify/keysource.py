"""What links entries to persons, and the keys: the third of the small ports that verification reads from.

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
