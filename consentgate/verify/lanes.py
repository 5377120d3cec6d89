"""Level ``lanes``: each connection's own chain of entries has no gap and no second history.

Invariants: within a lane the numbers run from 0 without a gap, each leaf names the hash before it, and rows
stand in the order of the numbers; a lane that follows another one finds that one as far as it was.
"""

from collections.abc import Iterator
from itertools import pairwise

from consentgate.verify.known import RESTORE, Entries, Known, altered, missing
from consentgate.verify.result import Finding


def check_lanes(entries: Entries) -> list[Finding]:
    """Check every lane.

    Args:
        entries: what is known of each entry.

    Returns:
        The findings.

    Note:
        Entries that were cut off the end of a lane which no later lane names are not missed here, but by the
        tree once they were sequenced.
    """
    lanes: dict[tuple[str, bytes], list[Known]] = {}
    for each in entries.values():
        lanes.setdefault((each.tenant, each.w), []).append(each)
    findings: list[Finding] = []
    for lane in lanes.values():
        findings += _order(lane)
        lane.sort(key=lambda each: each.n)
        findings += _chain(lane)
    for (tenant, _), lane in lanes.items():
        findings += _follows(lane[0], lanes.get((tenant, lane[0].after.w)) if lane[0].after else None)
    return findings


def _order(lane: list[Known]) -> Iterator[Finding]:
    in_rows = sorted(lane, key=lambda each: each.ordinal)
    for one, other in pairwise(in_rows):
        if other.n < one.n:
            yield Finding(
                kind="reordered",
                where=f"lane {one.w.hex()}",
                expected=f"number {other.n} in a row before number {one.n}",
                found=f"{other.name} in a row after {one.name}",
                cure=RESTORE,
            )


def _chain(lane: list[Known]) -> Iterator[Finding]:
    where = f"lane {lane[0].w.hex()}"
    if lane[0].n:
        yield missing(where, _numbers(0, lane[0].n))
    for one, other in pairwise(lane):
        if other.n == one.n:
            yield altered(f"{where}, number {one.n}", "one entry", f"{one.name} and {other.name}")
        elif other.n > one.n + 1:
            yield missing(where, _numbers(one.n + 1, other.n))
        elif other.readable and other.prev != one.hash:
            found = other.prev.hex() if other.prev else "nothing"
            yield altered(f"{other.name}, prev", f"{one.hash.hex()}, the hash of {one.name}", found)


def _numbers(start: int, end: int) -> str:
    return f"number {start}" if end == start + 1 else f"numbers {start} to {end - 1}"


def _follows(first: Known, left: list[Known] | None) -> Iterator[Finding]:
    """Check the lane that was left.

    What was tried last there may or may not have been written, and a process of which this one is a clone
    goes on in it: only an earlier end means that something was cut off.
    """
    if first.after is None:
        return
    last = left[-1].n if left else -1
    if last < first.after.n - 1:
        yield Finding(
            kind="truncated",
            where=f"lane {first.after.w.hex()}",
            expected=f"number {first.after.n - 1} at least, as {first.name} says",
            found=f"its end at number {last}" if left else "no entry",
            cure=RESTORE,
        )
