"""What verification keeps of each entry on its way through the levels: facts of the leaf, and its hash.

Invariants: the hash is recomputed from the leaf's bytes; where the bytes are no leaf, the columns stand in
so that one broken entry does not make its neighbours look broken, and `readable` says so.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from consentgate.entries.leaf import LanePosition, Leaf, decode
from consentgate.errors import InvalidInput, Malformed
from consentgate.moment import from_millis, to_millis
from consentgate.tlog.merkle import leaf_hash as leaf_hash_of
from consentgate.verify.result import Finding, Level, Verdict
from consentgate.verify.rows import EntryRow, name_of

EntryId: TypeAlias = tuple[str, bytes]
"""Tenant and id: what an entry is found by."""

RESTORE: Final = "Compare with a backup, an export or another copy; keep this database as it is."
_INCOMPLETE: Final = frozenset({"unsequenced", "uncovered", "open", "gap", "lost"})


class Known(NamedTuple):
    """An entry that was read.

    Attributes:
        tenant: whose.
        id: 16 bytes.
        ordinal: its place among the rows.
        readable: whether its bytes are a leaf; if not, what follows is out of the columns.
        hash: the leaf hash, recomputed.
        kind: its kind.
        at: its time, in milliseconds since 1970.
        w: its lane.
        n: its number there.
        prev: the hash that it names before it.
        after: the lane that it follows.
        re: the id of the entry that it answers.
        re_hash: the leaf hash that it says that one has.
        send_by: until when its request may leave.
        end: how the request ended; empty where it does not say.
    """

    tenant: str
    id: bytes
    ordinal: int
    readable: bool
    hash: bytes
    kind: str
    at: int
    w: bytes
    n: int
    prev: bytes | None = None
    after: LanePosition | None = None
    re: bytes | None = None
    re_hash: bytes | None = None
    send_by: int | None = None
    end: str = ""

    @property
    def key(self) -> EntryId:
        """What it is found by."""
        return self.tenant, self.id

    @property
    def name(self) -> str:
        """How it is called in findings."""
        return f"entry {name_of(self.id)}"


def known_of(row: EntryRow, leaf: Leaf | None, leaf_hash: bytes) -> Known:
    """Keep what later levels need of an entry.

    Args:
        row: the row.
        leaf: its leaf, or None where the bytes are none.
        leaf_hash: recomputed from the bytes.

    Returns:
        The facts.
    """
    if leaf is None:
        at = row.at if time_of(row.at) is not None else 0
        return Known(row.tenant, row.id, row.ordinal, False, leaf_hash, row.kind, at, row.w, row.n)
    return Known(
        tenant=row.tenant,
        id=row.id,
        ordinal=row.ordinal,
        readable=True,
        hash=leaf_hash,
        kind=leaf.kind,
        at=to_millis(leaf.at),
        w=leaf.w,
        n=leaf.n,
        prev=leaf.prev,
        after=leaf.after,
        re=leaf.re.id.bytes if leaf.re else None,
        re_hash=leaf.re.h if leaf.re else None,
        send_by=to_millis(leaf.send_by) if leaf.send_by else None,
        end=leaf.end or "",
    )


def read_again(row: EntryRow) -> Known:
    """Read an entry that was looked up, with its hash recomputed.

    Args:
        row: the row.

    Returns:
        The facts.
    """
    try:
        leaf = decode(row.leaf)
    except Malformed:
        leaf = None
    return known_of(row, leaf, leaf_hash_of(row.leaf))


def time_of(millis: int | None) -> datetime | None:
    """Make a time of milliseconds.

    Args:
        millis: the milliseconds since 1970, or None.

    Returns:
        The time; None for None, and for what is no time.
    """
    try:
        return from_millis(millis) if millis is not None else None
    except InvalidInput:
        return None


def altered(where: str, expected: str, found: str, cure: str = RESTORE) -> Finding:
    """Say that something is not what it was.

    Args:
        where: what.
        expected: what it should be.
        found: what it is.
        cure: what to do now.

    Returns:
        The finding.
    """
    return Finding(kind="altered", where=where, expected=expected, found=found, cure=cure)


def missing(where: str, expected: str) -> Finding:
    """Say that something is not there.

    Args:
        where: what.
        expected: what should be there.

    Returns:
        The finding.
    """
    return Finding(kind="missing", where=where, expected=expected, found="nothing", cure=RESTORE)


def extra(where: str, found: str) -> Finding:
    """Say that something is there that should not be.

    Args:
        where: what.
        found: what is there.

    Returns:
        The finding.
    """
    return Finding(kind="extra", where=where, expected="nothing", found=found, cure=RESTORE)


def truncated(where: str, expected: int, found: int) -> Finding:
    """Say that the log is shorter than it was.

    Args:
        where: what says that it was longer.
        expected: how many entries it had.
        found: how many it has.

    Returns:
        The finding.
    """
    return Finding(
        kind="truncated",
        where=where,
        expected=f"at least {expected} entries in the log",
        found=f"{found} entries",
        cure=RESTORE,
    )


def level_of(name: str, findings: Sequence[Finding], until: datetime | None) -> Level:
    """Judge a level by its findings.

    Args:
        name: the level.
        findings: those of the level.
        until: the time up to which it covers.

    Returns:
        Broken if a finding is more than incompleteness, else incomplete if there is one, else holds.
    """
    verdict: Verdict = "incomplete" if findings else "holds"
    if any(each.kind not in _INCOMPLETE for each in findings):
        verdict = "broken"
    return Level(name=name, verdict=verdict, until=until)
