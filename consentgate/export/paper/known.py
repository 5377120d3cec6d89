"""Bates numbers of the entries that others name: a bounded memory, so that an export needs constant memory.

Invariant: what was seen last is remembered; what is no longer is named by its entry's id instead.

>>> from uuid import UUID
>>> numbers = Numbers(limit=1)
>>> numbers.add(UUID(int=1), "CG-1")
>>> numbers.add(UUID(int=2), "CG-2")
>>> numbers.of(str(UUID(int=2))), numbers.of(str(UUID(int=1)))
('CG-2', '')
"""

from typing import Final
from uuid import UUID

LIMIT: Final = 50_000


class Numbers:
    """Which entry has which Bates number."""

    def __init__(self, limit: int = LIMIT) -> None:
        """Remember nothing yet.

        Args:
            limit: how many entries are remembered.
        """
        self._known: dict[bytes, str] = {}
        self._limit = limit

    def add(self, entry: UUID, bates: str) -> None:
        """Remember an entry.

        Args:
            entry: its id.
            bates: its Bates number.
        """
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[entry.bytes] = bates

    def of(self, entry: str) -> str:
        """Look an entry up.

        Args:
            entry: its id as text.

        Returns:
            Its Bates number, or an empty text where it is not known.
        """
        try:
            return self._known.get(UUID(entry).bytes, "")
        except ValueError:
            return ""

    def shown(self, entry: str) -> str:
        """Name an entry for people.

        Args:
            entry: its id as text, or an empty text.

        Returns:
            Its Bates number; where that is not known, the end of its id.
        """
        return self.of(entry) or (f"entry …{entry[-8:]}" if entry else "")
