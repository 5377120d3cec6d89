"""The naive ways, which break the guarantee: so the test that holds the right way against it sees what it looks for.

Each goes through histories of its own, in batches, until one shows a violation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from consentgate.ledger.reader import Reader
from consentgate.ledger.reading import Seen
from consentgate.storage.guarded import UNGUARDED, Guard
from tests.databases import Kind
from tests.functional.races.place import History, numbered

_BATCH: Final = 100
_AT_MOST: Final = 15


class Unguarded(Reader):
    """The naive way: read, decide, append."""

    def guard(self, connection: Connection, seen: Seen) -> Guard:  # noqa: ARG002  # nothing is looked at
        return UNGUARDED


class Lockless(Reader):
    """The way that looks right: what was read is compared in the appending transaction, without the locks."""

    def guard(self, connection: Connection, seen: Seen) -> Guard:
        return replace(super().guard(connection, seen), shared=frozenset(), alone=frozenset())


class Unordered(Reader):
    """The other half of it: the locks are held, and nothing is compared."""

    def guard(self, connection: Connection, seen: Seen) -> Guard:
        return replace(super().guard(connection, seen), version="")


# On SQLite the write lock is all of the locks: there is nothing to leave out but the comparison.
_WAYS: Final[dict[Kind, tuple[type[Reader], ...]]] = {
    "sqlite": (Unguarded,),
    "postgresql": (Unguarded, Lockless, Unordered),
}


def naive_ways(kind: Kind) -> Iterator[tuple[type[Reader], Iterator[Sequence[History]]]]:
    """Give each way with the batches that it may take."""
    ways = _WAYS[kind]
    histories = numbered(_BATCH * _AT_MOST * len(ways))
    for n, way in enumerate(ways):
        yield way, (histories[(n * _AT_MOST + b) * _BATCH :][:_BATCH] for b in range(_AT_MOST))
