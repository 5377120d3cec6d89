"""The index of statements against the statements: each has one row, and each row its statement.

Invariant: memory grows by 40 bytes for a statement and its row, whatever order both come in.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from consentgate.verify.ids import Ids
from consentgate.verify.known import EntryId, extra, missing
from consentgate.verify.result import Finding
from consentgate.verify.rows import StatementRow, name_of

IndexOf: TypeAlias = Callable[[Collection[EntryId]], Iterable[StatementRow]]
"""``index(keys)``: the index rows of these statements."""

# Statements and rows are compared so many parts after each other.
_PARTS: Final = 64
_AT_ONCE: Final = 10_000


class Statements:
    """Statements as they are met."""

    def __init__(self) -> None:
        """Begin with none."""
        self._met = _Parted()

    def meet(self, key: EntryId) -> None:
        """Note a statement.

        Args:
            key: tenant and id of its entry; never the same twice.
        """
        self._met.add(key)

    def against(self, rows: Iterable[StatementRow]) -> Iterator[Finding]:
        """Hold them against the whole index.

        Args:
            rows: its rows.

        Yields:
            The findings.
        """
        there = _Parted()
        for row in rows:
            there.add((row.tenant, row.entry))
        parts = zip(self._met.parts, there.parts, strict=True)
        found = [each for met, index in parts for each in _compared(met, index)]
        # Not in the order of the parts, which says nothing.
        yield from sorted(found, key=lambda each: (each.kind, each.where))

    def looked_up(self, index: IndexOf) -> Iterator[Finding]:
        """Hold them against their own rows, where the index has those of other statements too.

        Args:
            index: looks the rows up.

        Yields:
            The findings.
        """
        keys = (key for part in self._met.parts for key in part)
        while some := [*islice(keys, _AT_ONCE)]:
            yield from _compared(some, ((row.tenant, row.entry) for row in index(some)))


class _Parted:
    """Ids, parted by their last byte: what is the same lies in the same part."""

    def __init__(self) -> None:
        tenants: dict[str, int] = {}
        self.parts = [Ids(tenants) for _ in range(_PARTS)]

    def add(self, key: EntryId) -> None:
        self.parts[key[1][-1] % _PARTS if key[1] else 0].add(key)


def _compared(statements: Iterable[EntryId], rows: Iterable[EntryId]) -> Iterator[Finding]:
    met = dict.fromkeys(statements, False)
    for key in rows:
        where = f"statement index of entry {name_of(key[1])}"
        if key not in met:
            yield extra(where, "an index row without its statement")
        elif met[key]:
            yield extra(where, "a second index row")
        else:
            met[key] = True
    for (_, entry), found in met.items():
        if not found:
            yield missing(f"statement index of entry {name_of(entry)}", "an index row")
