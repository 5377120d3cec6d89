"""What a verification from a checkpoint on is given: the checkpoint, and single rows of what it covers.

Invariant: whoever reads through this port asks for rows by position, index or key, and never for all that there are.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from consentgate.values import dataclass
from consentgate.verify.keysource import SomeKeys
from consentgate.verify.known import EntryId
from consentgate.verify.rows import EntryRow, SeqValues, StatementRow, TileRow
from consentgate.verify.source import LogSource

Subject: TypeAlias = tuple[str, bytes]
"""Tenant and id: what a subject is found by."""

Place: TypeAlias = tuple[int, str, bytes]
"""Number of a row, tenant and id: an entry, and where it comes among the others."""

NOT_JUDGED: Final = (
    "intents before it that have no outcome",
    "rows before it that have no position",
    "index rows of statements before it",
    "rows of logs that nobody opened",
    "logs that were ended before, but for the right edge of each",
    "the database file itself",
    "sealed parts and links before it",
    "links of entries that are not there",
    "artifacts that only parts before it may name",
)
"""What nobody looks at in a verification from a checkpoint on."""


class PrefixSource(Protocol):
    """Single rows of what a checkpoint covers; every value is what the column holds."""

    def size(self) -> int:
        """Say how many positions the log has.

        Returns:
            The highest position and one.
        """
        ...

    def positions(self, first: int, stop: int) -> Sequence[SeqValues]:
        """Read some positions.

        Args:
            first: the first.
            stop: the one after the last.

        Returns:
            The rows, by position.
        """
        ...

    def tiles(self, level: int, first: int, stop: int) -> Iterable[TileRow]:
        """Read some full tiles.

        Args:
            level: their level.
            first: the first index.
            stop: the one after the last.

        Returns:
            The rows, by index.
        """
        ...

    def positioned_again(self) -> Iterable[tuple[int, bytes]]:
        """Look for later positions of entries that the checkpoint covers.

        Returns:
            Position and id of each.
        """
        ...

    def in_lanes(self, keys: Collection[tuple[str, bytes, int]]) -> Iterable[EntryRow]:
        """Look entries up by their places in their lanes.

        Args:
            keys: tenant, lane and number of each.

        Returns:
            The rows.
        """
        ...

    def answering(self, keys: Collection[EntryId]) -> Iterable[EntryRow]:
        """Look up what answers entries.

        Args:
            keys: tenant and id of each entry.

        Returns:
            The rows of the answers.
        """
        ...

    def statements_of(self, keys: Collection[EntryId]) -> Iterable[StatementRow]:
        """Look up the index rows of statements.

        Args:
            keys: tenant and id of each statement's entry.

        Returns:
            The rows.
        """
        ...


class HistorySource(Protocol):
    """What of the entries that a checkpoint covers decides about single persons, and about tenants."""

    def statements_about(self, subjects: Collection[Subject]) -> Iterable[Place]:
        """Look up the statements that are linked to subjects.

        Args:
            subjects: tenant and id of each.

        Returns:
            Their places.
        """
        ...

    def registry_at(self, tenant: str) -> Iterable[Place]:
        """Look up the registry that was in force before the first row that is read, and those after it.

        Args:
            tenant: whose.

        Returns:
            The places of their entries.
        """
        ...

    def first_links(self, subjects: Collection[Subject]) -> Iterable[tuple[str, bytes, int]]:
        """Look up since when subjects are known by anything but a statement.

        Args:
            subjects: tenant and id of each.

        Returns:
            Tenant, subject, and number of the first row that is linked to it.
        """
        ...

    def last_about(self, subjects: Collection[Subject]) -> Iterable[tuple[str, bytes, EntryRow]]:
        """Look up what was said last about subjects.

        Args:
            subjects: tenant and id of each.

        Returns:
            Tenant, subject, and the last row of an assertion, call or statement that is linked to it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From where on a log is verified.

    Attributes:
        size: how many positions the checkpoint covers, 1 at least.
        root: of these.
        name: what the checkpoint is called in findings.
        prefix: gives single rows of what it covers.
        whole: the log with what it covers, for the checkpoints that places elsewhere keep.
        history: gives what it covers about persons.
        keys: gives the keys and references of single persons; None when nothing may be opened.
        ended: gives single rows of the logs that epochs ended, by their numbers.
    """

    size: int
    root: bytes
    name: str
    prefix: PrefixSource
    whole: LogSource
    history: HistorySource
    keys: SomeKeys | None
    ended: Mapping[int, PrefixSource]
