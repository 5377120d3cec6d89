"""What a verification from a checkpoint on is given: the checkpoint, and single rows of what it covers.

Invariant: whoever reads through this port asks for rows by position, index or key, and never for all that there are.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

from consentgate.values import dataclass
from consentgate.verify.known import EntryId
from consentgate.verify.rows import EntryRow, SeqValues, StatementRow, TileRow
from consentgate.verify.source import LogSource

NOT_JUDGED: Final = (
    "intents before it that have no outcome",
    "rows before it that have no position",
    "index rows of statements before it",
    "rows of logs that nobody opened",
    "logs that were ended before",
    "the database file itself",
    "sealed parts and links",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From where on a log is verified.

    Attributes:
        size: how many positions the checkpoint covers, 1 at least.
        root: of these.
        name: what the checkpoint is called in findings.
        prefix: gives single rows of what it covers.
        whole: the log with what it covers, for the checkpoints that places elsewhere keep.
    """

    size: int
    root: bytes
    name: str
    prefix: PrefixSource
    whole: LogSource
