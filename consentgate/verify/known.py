"""What verification keeps of each entry on its way through the levels: facts of the leaf, and its hash.

Invariants: the hash is recomputed from the leaf's bytes; where the bytes are no leaf, the columns stand in
so that one broken entry does not make its neighbours look broken, and `readable` says so.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from consentgate.entries.leaf import Answer, LanePosition, Leaf
from consentgate.errors import InvalidInput
from consentgate.moment import from_millis
from consentgate.values import dataclass
from consentgate.verify.result import Finding, Level, Verdict
from consentgate.verify.rows import EntryRow, name_of

EntryId: TypeAlias = tuple[str, bytes]
"""Tenant and id: what an entry is found by."""

RESTORE: Final = "Compare with a backup, an export or another copy; keep this database as it is."
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INCOMPLETE: Final = frozenset({"unsequenced", "uncovered", "open", "gap"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An entry that was read.

    Attributes:
        tenant: whose.
        id: 16 bytes.
        ordinal: its place among the rows.
        readable: whether its bytes are a leaf; if not, what follows is out of the columns.
        hash: the leaf hash, recomputed.
        kind: its kind.
        at: its time.
        send_by: until when its request may leave.
        w: its lane.
        n: its number there.
        prev: the hash that it names before it.
        after: the lane that it follows.
        re: the entry that it answers.
        end: how the request ended.
    """

    tenant: str
    id: bytes
    ordinal: int
    readable: bool
    hash: bytes
    kind: str
    at: datetime
    w: bytes
    n: int
    send_by: datetime | None = None
    prev: bytes | None = None
    after: LanePosition | None = None
    re: Answer | None = None
    end: str | None = None

    @property
    def name(self) -> str:
        """How it is called in findings."""
        return f"entry {name_of(self.id)}"


Entries: TypeAlias = Mapping[EntryId, Known]


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
        return Known(
            tenant=row.tenant,
            id=row.id,
            ordinal=row.ordinal,
            readable=False,
            hash=leaf_hash,
            kind=row.kind,
            at=_time(row.at),
            w=row.w,
            n=row.n,
        )
    return Known(
        tenant=row.tenant,
        id=row.id,
        ordinal=row.ordinal,
        readable=True,
        hash=leaf_hash,
        kind=leaf.kind,
        at=leaf.at,
        w=leaf.w,
        n=leaf.n,
        send_by=leaf.send_by,
        prev=leaf.prev,
        after=leaf.after,
        re=leaf.re,
        end=leaf.end,
    )


def _time(millis: int) -> datetime:
    try:
        return from_millis(millis)
    except InvalidInput:
        return _EPOCH


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
