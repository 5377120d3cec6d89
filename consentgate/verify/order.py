"""The order of the log against the order of rows and of time.

In which order statements count is read off the numbers of rows, and nothing signs those; the log's positions
are signed, so the two must go the same way. In SQLite the numbers are those of the commits, exactly.

Invariants: along positions the numbers of rows rise where they are those of the commits (else see
`consentgate.verify.turns`), and times step back by no more than clocks do; what
sequencer and signer noted as their times lies between the entries that they covered and what came next.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from consentgate import moment
from consentgate.verify.known import RESTORE, Known, altered
from consentgate.verify.result import Finding
from consentgate.verify.rows import CheckpointRow, TreeStateRow

TOLERANCE: Final = timedelta(seconds=10)
"""How far a clock may be set back."""

_MILLIS: Final = TOLERANCE // timedelta(milliseconds=1)


class Order:
    """Goes along the positions of the log."""

    def __init__(self, *, of_commits: bool) -> None:
        """Begin before the first position.

        Args:
            of_commits: whether rows are numbered in the order of their commits.
        """
        self._of_commits = of_commits
        self._last: Known | None = None
        self._seen: list[Known] = []
        self._newest: datetime | None = None

    def step(self, known: Known) -> Iterator[Finding]:
        """Compare the entry of the next position with those before it.

        Args:
            known: the entry.

        Yields:
            The findings.
        """
        if self._of_commits and self._last is not None and known.ordinal <= self._last.ordinal:
            yield reordered(known, self._last)
        self._last = known
        if not self._of_commits:
            self._seen.append(known)
        if not known.readable:
            return
        if self._newest is not None and known.at < self._newest - TOLERANCE:
            newest = moment.to_text(self._newest)
            yield altered(f"{known.name}, at", f"a time about {newest} or later", moment.to_text(known.at))
            # One step back is one finding, not one for each entry after it.
            self._newest = known.at
        self._newest = max(self._newest or known.at, known.at)

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

    def turns(self, unsequenced: Iterable[Known]) -> tuple[Known, ...]:
        """Give the entries whose order `consentgate.verify.turns` checks.

        Args:
            unsequenced: entries without a position.

        Returns:
            All in the order of the log, then the others; none where rows are numbered by their commits.
        """
        return () if self._of_commits else (*self._seen, *unsequenced)


def reordered(known: Known, last: Known) -> Finding:
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


def check_times(
    table: str,
    rows: Iterable[TreeStateRow | CheckpointRow],
    covered: Sequence[datetime | None],
    until: datetime | None,
) -> Iterator[Finding]:
    """Check when trees were noted, or signed.

    Args:
        table: how a row is called.
        rows: the rows.
        covered: the time of each entry, by position.
        until: the time of verification; None where that is no clock to compare with.

    Yields:
        The findings.
    """
    latest = moment.to_millis(until) + _MILLIS if until is not None else None
    for row in sorted(rows, key=lambda each: each.size, reverse=True):
        last = covered[row.size - 1] if 0 < row.size <= len(covered) else None
        if last is not None and row.at < moment.to_millis(last) - _MILLIS:
            expected = f"a time about {moment.to_text(last)} or later"
        elif latest is not None and row.at > latest:
            expected = f"a time before {latest}"
        else:
            latest = row.at + _MILLIS
            continue
        yield altered(f"{table} of size {row.size}, column at", expected, str(row.at))
