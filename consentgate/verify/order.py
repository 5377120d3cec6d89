"""The order of the log against the order of rows and of time.

In which order statements count is read off the numbers of rows, and nothing signs those; the log's positions
are signed, so the two must go the same way. In SQLite the numbers are those of the commits, exactly.

Invariants: along positions the numbers of rows rise where they are those of the commits (else see
`consentgate.verify.turns`), and times step back by no more than clocks do; what
sequencer and signer noted as their times lies between the entries that they covered and what came next.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from operator import lt, sub
from typing import Final, Protocol

from consentgate import moment
from consentgate.verify.known import RESTORE, Known, altered, time_of
from consentgate.verify.result import Finding

TOLERANCE: Final = timedelta(seconds=10)
"""How far a clock may be set back."""

_MILLIS: Final = TOLERANCE // timedelta(milliseconds=1)
_NO_TIME: Final = 1 << 61


class Numbered(Protocol):
    """An entry as one of the rows."""

    @property
    def name(self) -> str:
        """How it is called in findings."""
        ...

    @property
    def ordinal(self) -> int:
        """The number of its row."""
        ...


class Order:
    """Goes along the positions of the log."""

    def __init__(self, *, of_commits: bool, last: Known | None = None, newest: int | None = None) -> None:
        """Begin before the first position.

        Args:
            of_commits: whether rows are numbered in the order of their commits.
            last: the entry before it, where the log goes on from there.
            newest: the latest time of an entry up to there, in milliseconds.
        """
        self._of_commits = of_commits
        self._last = last
        self._newest = newest

    def take(self, batch: Sequence[Known]) -> Iterator[Finding]:
        """Compare the entries of the next positions with those before them.

        Args:
            batch: the entries.

        Yields:
            The findings.
        """
        if self._in_order(batch):
            return
        for known in batch:
            yield from self._step(known)

    def _in_order(self, batch: Sequence[Known]) -> bool:
        """Go on with all of them at once, if there is nothing to find."""
        before = [self._last] if self._last else []
        rows = [each.ordinal for each in (*before, *batch)]
        times = [each.at for each in batch]
        newest = list(accumulate(times, max, initial=self._newest if self._newest is not None else times[0]))
        if (
            (self._of_commits and not all(map(lt, rows, rows[1:])))
            or max(map(sub, newest, times)) > _MILLIS
            or not all(each.readable for each in batch)
        ):
            return False
        self._last, self._newest = batch[-1], newest[-1]
        return True

    def _step(self, known: Known) -> Iterator[Finding]:
        if self._of_commits and self._last is not None and known.ordinal <= self._last.ordinal:
            yield reordered(known, self._last)
        self._last = known
        if not known.readable:
            return
        if self._newest is not None and known.at < self._newest - _MILLIS:
            newest = _said(self._newest)
            yield altered(f"{known.name}, at", f"a time about {newest} or later", _said(known.at))
            # One step back is one finding, not one for each entry after it.
            self._newest = known.at
        self._newest = max(self._newest if self._newest is not None else known.at, known.at)

    def check_rest(self, unsequenced: Iterable[Known]) -> Iterator[Finding]:
        """Check that entries without a position came after those that have one.

        Args:
            unsequenced: the entries.

        Yields:
            The findings.
        """
        if self._of_commits and self._last is not None:
            yield from (
                reordered(each, self._last) for each in unsequenced if each.ordinal < self._last.ordinal
            )


def reordered(known: Numbered, last: Numbered) -> Finding:
    """Say that a row stands where its number does not fit.

    Args:
        known: the entry.
        last: the one before it in the log.

    Returns:
        The finding.
    """
    return Finding(
        kind="reordered",
        where=known.name,
        expected=f"a row after that of {last.name}, as in the log",
        found=f"row {known.ordinal}, not above {last.ordinal}",
        cure=RESTORE,
    )


class Times:
    """When trees were noted, or signed: each after the entries that it covers, and before what came next."""

    def __init__(self, table: str) -> None:
        """Begin before the first row.

        Args:
            table: how a row is called.
        """
        self._table = table
        self._rows = array("q")

    def take(self, size: int, at: int, covered: int | None) -> None:
        """Note a row.

        Args:
            size: of the tree; larger than those before.
            at: when the row says that it was made.
            covered: the time of the last entry that it covers, or None.
        """
        self._rows.extend((size, at, _NO_TIME if covered is None else covered))

    def findings(self, until: datetime | None) -> Iterator[Finding]:
        """Check the rows.

        Args:
            until: the time of verification; None where that is no clock to compare with.

        Yields:
            The findings, those of the largest trees first.
        """
        latest = moment.to_millis(until) + _MILLIS if until is not None else None
        for number in range(len(self._rows) - 3, -1, -3):
            size, at, covered = self._rows[number : number + 3]
            if covered != _NO_TIME and at < covered - _MILLIS:
                expected = f"a time about {_said(covered)} or later"
            elif latest is not None and at > latest:
                expected = f"a time before {latest}"
            else:
                latest = at + _MILLIS
                continue
            yield altered(f"{self._table} of size {size}, column at", expected, str(at))


def _said(millis: int) -> str:
    at = time_of(millis)
    return moment.to_text(at) if at is not None else str(millis)
