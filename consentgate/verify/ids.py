"""Many entries by their ids, in few bytes: a ledger has millions, and verification keeps something of each third.

>>> ids = Ids()
>>> ids.add(("acme", bytes(16)))
>>> [(tenant, len(ident)) for tenant, ident in ids]
[('acme', 16)]
"""

from array import array
from collections.abc import Iterator
from typing import Final

from consentgate.verify.known import EntryId

_BYTES: Final = 16


class Ids:
    """Tenant and id of entries, in the order in which they were added: 20 bytes for each."""

    def __init__(self, tenants: dict[str, int] | None = None) -> None:
        """Begin with none.

        Args:
            tenants: the numbers of tenants, where several of these share them.
        """
        self._tenants = {} if tenants is None else tenants
        self._numbers = array("I")
        self._ids = bytearray()
        # What somebody put in the place of an id may be of any length.
        self._odd: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[EntryId]:
        tenants = list(self._tenants)
        for at, number in enumerate(self._numbers):
            ident = self._odd[at] if at in self._odd else bytes(self._ids[_BYTES * at : _BYTES * (at + 1)])
            yield tenants[number], ident

    def add(self, key: EntryId) -> None:
        """Put one more behind the others.

        Args:
            key: tenant and id.
        """
        tenant, ident = key
        if len(ident) != _BYTES:
            self._odd[len(self._numbers)] = ident
            ident = bytes(_BYTES)
        self._numbers.append(self._tenants.setdefault(tenant, len(self._tenants)))
        self._ids += ident
