"""The sizes at which something is stored, or remembered, of the tree: there it is compared, as the log passes them.

Invariant: rows come in the order of their sizes and are not kept; what claims a size that the log never had is found
at the end.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from consentgate.tlog.merkle import MAX_SIZE
from consentgate.verify.growth import Growth
from consentgate.verify.known import altered, missing, truncated
from consentgate.verify.order import Times
from consentgate.verify.result import Finding
from consentgate.verify.rows import CheckpointRow, TreeStateRow
from consentgate.verify.signed import Signatures
from consentgate.verify.source import LogSource

_NONE: Final = MAX_SIZE


class Marks:
    """Tree states, checkpoints, and the tree that the signer remembers.

    Attributes:
        next: the next size at which something is to be compared.
        remembered: the recomputed root of the size that the signer remembers; None before the log has passed it.
    """

    def __init__(self, log: LogSource, signatures: Signatures | None, remembered: int) -> None:
        """Begin before the first.

        Args:
            log: the log.
            signatures: takes the checkpoints; None where there is no key to judge them by.
            remembered: the size of the tree that the signer remembers.
        """
        self._states = iter(log.tree_states())
        self._checkpoints = iter(log.checkpoints())
        self._signatures = signatures
        self._wanted = remembered
        self._state = next(self._states, None)
        self._checkpoint = next(self._checkpoints, None)
        self._last_state: int | None = None
        self._wrong: list[int] = []
        self._truncated: list[Finding] = []
        self._state_times = Times("tree state")
        self._checkpoint_times = Times("checkpoint")
        self._size = 0
        self.next = _NONE
        self.remembered: bytes | None = None

    def begin(self, growth: Growth, until: datetime | None) -> None:
        """Compare what there is at or below the size that the tree has at first.

        Args:
            growth: the tree.
            until: the time up to which it covers.
        """
        self._size = growth.size
        self.reach(growth, None, until)

    def reach(self, growth: Growth, at: int | None, until: datetime | None) -> None:
        """Compare what there is at the size of the tree.

        Args:
            growth: the tree.
            at: the time of its last entry, in milliseconds.
            until: the time up to which it covers.
        """
        size, frontier = growth.size, growth.frontier()
        root = frontier.root()
        while (state := self._state) is not None and state.size <= size:
            stored = (state.size, state.root, state.frontier)
            self._take_state(state, stored == (size, root, frontier.to_bytes()), at)
        while (row := self._checkpoint) is not None and row.size <= size:
            self._take_checkpoint(row, size, root if row.size == size else None, until, at)
        if self._wanted == size:
            self.remembered = root
        wanted = self._wanted if self._wanted > size else _NONE
        self.next = min(
            self._state.size if self._state else _NONE,
            self._checkpoint.size if self._checkpoint else _NONE,
            wanted,
        )

    def finish(self, size: int) -> Iterator[Finding]:
        """Judge what claims a size that the log never had.

        Args:
            size: of the tree.

        Yields:
            The findings about tree states.
        """
        while (state := self._state) is not None:
            self._truncated.append(truncated(f"tree state of size {state.size}", state.size, size))
            self._take_state(state, True, None)
        while (row := self._checkpoint) is not None:
            self._take_checkpoint(row, size, None, None, None)
        yield from self._truncated
        if self._wrong:
            more = f", and {len(self._wrong) - 1} later" if len(self._wrong) > 1 else ""
            where = f"tree state of size {self._wrong[0]}"
            yield altered(where, "the root of its entries", f"another root{more}")
        if size > self._size and self._last_state != size:
            yield missing(f"tree state of size {size}", "the tree of the last batch")

    def times(self, now: datetime | None) -> Iterator[Finding]:
        """Check when trees were noted, and signed.

        Args:
            now: the time of verification; None where that is no clock to compare with.

        Yields:
            The findings.
        """
        yield from self._state_times.findings(now)
        yield from self._checkpoint_times.findings(now)

    def _take_state(self, state: TreeStateRow, right: bool, at: int | None) -> None:
        if not right:
            self._wrong.append(state.size)
        if not self._truncated:
            self._last_state = state.size
        self._state_times.take(state.size, state.at, at)
        self._state = next(self._states, None)

    def _take_checkpoint(
        self, row: CheckpointRow, size: int, root: bytes | None, until: datetime | None, at: int | None
    ) -> None:
        if self._signatures is not None:
            self._signatures.take(row, size, root, until)
        self._checkpoint_times.take(row.size, row.at, at)
        self._checkpoint = next(self._checkpoints, None)
