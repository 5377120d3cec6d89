"""Level ``lanes``: each connection's own chain of entries has no gap and no second history.

Invariants: within a lane the numbers run from 0 without a gap, each leaf names the hash before it, and rows stand in
the order of the numbers; a lane that follows another one finds that one as far as it was. Of a lane no more is kept
than its ends and its gaps, however long it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from consentgate.verify.known import RESTORE, Known, altered, missing
from consentgate.verify.result import Finding


@dataclass(slots=True)
class _Gap:
    """Numbers that did not come yet, from a start up to before an end, and the entries on both sides."""

    start: int
    end: int
    left: Known | None
    right: Known


@dataclass(slots=True)
class _Lane:
    """A lane so far: the entry with the highest number, the last row, and what is wrong."""

    top: Known
    last: Known
    first: Known | None = None
    gaps: list[_Gap] = field(default_factory=list)
    turns: list[Finding] = field(default_factory=list)
    links: list[tuple[int, Finding]] = field(default_factory=list)


class Lanes:
    """Goes along the rows of entries, of all lanes at once.

    Note:
        Entries that were cut off the end of a lane which no later lane names are not missed here, but by the
        tree once they were sequenced.
    """

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, bytes], _Lane] = {}
        self._starts: dict[tuple[str, bytes], int] = {}

    def resume(self, before: Known) -> None:
        """Go on in a lane from an entry that is known to be right.

        Args:
            before: the entry; what came before it is not asked for.
        """
        self._lanes[before.tenant, before.w] = _Lane(before, before)

    def begin_at(self, lane: tuple[str, bytes], number: int) -> None:
        """Begin a lane at a number that is known to be missing from before.

        Args:
            lane: tenant and lane.
            number: the first number that is asked for.
        """
        self._starts[lane] = number

    def left(self) -> set[tuple[str, bytes, int]]:
        """Say which entries would show how far lanes went that others follow, and that nobody took.

        Returns:
            Tenant, lane and number of each.
        """
        firsts = [(tenant, lane.first.after) for (tenant, _), lane in self._lanes.items() if lane.first]
        return {
            (tenant, after.w, after.n - 1)
            for tenant, after in firsts
            if after is not None and after.n and (tenant, after.w) not in self._lanes
        }

    def __contains__(self, lane: tuple[str, bytes]) -> bool:
        return lane in self._lanes

    def take(self, batch: Iterable[Known]) -> None:
        """Go on.

        Args:
            batch: the next entries in the order of their rows.
        """
        lanes = self._lanes
        for known in batch:
            lane = lanes.get((known.tenant, known.w))
            if lane is None:
                self._begin(known)
            elif known.n == lane.top.n + 1 and known.prev == lane.top.hash:
                lane.top = lane.last = known
            else:
                _odd(lane, known)

    def findings(self) -> list[Finding]:
        """Give what was found, once every entry was taken.

        Returns:
            The findings, lane by lane.
        """
        findings: list[Finding] = []
        for lane in self._lanes.values():
            findings += lane.turns
            where = _name(lane.top)
            gaps = [(gap.end, missing(where, _numbers(gap.start, gap.end))) for gap in lane.gaps]
            findings += [each for _, each in sorted([*lane.links, *gaps], key=lambda each: each[0])]
        for (tenant, _), lane in self._lanes.items():
            if lane.first is not None and lane.first.after is not None:
                findings += _follows(lane.first, self._lanes.get((tenant, lane.first.after.w)))
        return findings

    def _begin(self, known: Known) -> None:
        lane = self._lanes[known.tenant, known.w] = _Lane(known, known)
        start = self._starts.get((known.tenant, known.w), 0)
        if known.n > start:
            lane.gaps.append(_Gap(start, known.n, None, known))
        elif known.n == 0:
            lane.first = known


def _odd(lane: _Lane, known: Known) -> None:
    """Take an entry that does not simply come after the one before it."""
    if known.n < lane.last.n:
        lane.turns.append(
            Finding(
                kind="reordered",
                where=_name(known),
                expected=f"number {known.n} in a row before number {lane.last.n}",
                found=f"{known.name} in a row after {lane.last.name}",
                cure=RESTORE,
            )
        )
    top, lane.last = lane.top, known
    if known.n > top.n:
        if known.n > top.n + 1:
            lane.gaps.append(_Gap(top.n + 1, known.n, top, known))
        else:
            _link(lane, top, known)
        lane.top = known
        return
    gap = next((each for each in lane.gaps if each.start <= known.n < each.end), None)
    if gap is None:
        where = f"{_name(known)}, number {known.n}"
        lane.links.append((known.n, altered(where, "one entry", f"another one and {known.name}")))
    else:
        _fill(lane, gap, known)


def _fill(lane: _Lane, gap: _Gap, known: Known) -> None:
    lane.gaps.remove(gap)
    if known.n == 0:
        lane.first = known
    if known.n > gap.start:
        lane.gaps.append(_Gap(gap.start, known.n, gap.left, known))
    elif gap.left is not None:
        _link(lane, gap.left, known)
    if known.n < gap.end - 1:
        lane.gaps.append(_Gap(known.n + 1, gap.end, known, gap.right))
    else:
        _link(lane, known, gap.right)


def _link(lane: _Lane, one: Known, other: Known) -> None:
    if other.readable and other.prev != one.hash:
        found = other.prev.hex() if other.prev else "nothing"
        expected = f"{one.hash.hex()}, the hash of {one.name}"
        lane.links.append((other.n, altered(f"{other.name}, prev", expected, found)))


def _name(known: Known) -> str:
    return f"lane {known.w.hex()}"


def _numbers(start: int, end: int) -> str:
    return f"number {start}" if end == start + 1 else f"numbers {start} to {end - 1}"


def _follows(first: Known, left: _Lane | None) -> Iterator[Finding]:
    """Check the lane that was left.

    What was tried last there may or may not have been written, and a process of which this one is a clone
    goes on in it: only an earlier end means that something was cut off.
    """
    if first.after is None:
        return
    last = left.top.n if left else -1
    if last < first.after.n - 1:
        yield Finding(
            kind="truncated",
            where=f"lane {first.after.w.hex()}",
            expected=f"number {first.after.n - 1} at least, as {first.name} says",
            found=f"its end at number {last}" if left else "no entry",
            cure=RESTORE,
        )
