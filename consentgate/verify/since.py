"""What lies before the entries that are verified, where a signed checkpoint is trusted to cover it.

An earlier verification looked at the first positions and a signed checkpoint pins their root. What is stored is held
against that root at the right edge: full tiles from the second level of hashes on, and the last positions one by one.

Invariants: a prefix is believed only when the root of what is stored of it equals the pinned one; no more is read of
it than its right edge, and single rows that later entries name.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from consentgate.errors import Malformed
from consentgate.tlog.merkle import EMPTY_ROOT, Frontier
from consentgate.tlog.tiles import TILE_WIDTH, peaks_of_row, subtree_of_tile
from consentgate.values import dataclass
from consentgate.verify.faults import Faults, wrong_value
from consentgate.verify.known import EntryId, Known, altered, extra, missing, read_again, truncated
from consentgate.verify.lanes import Lanes
from consentgate.verify.pairing import Find
from consentgate.verify.prefix import PrefixSource, Since
from consentgate.verify.result import Finding
from consentgate.verify.rows import SeqRow, SeqValues, StatementRow, name_of
from consentgate.verify.tree import Prefix

_OUTCOME: Final = "outcome"
_WHOLE: Final = (
    "Run `consentgate verify` without --from: it says what was changed. Keep this database as it is."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The right edge of what a checkpoint covers.

    Attributes:
        prefix: the tree up to there; None where what is stored is not what the checkpoint pins.
        findings: what is wrong.
    """

    prefix: Prefix | None
    findings: tuple[Finding, ...]


def edge_of(since: Since, find: Find, *, opening: bool) -> Edge:
    """Hold what is stored of a prefix against its checkpoint.

    Args:
        since: the checkpoint, and what is stored.
        find: looks entries up.
        opening: whether the log begins with the entry that opens an epoch, which is newer than what follows it.

    Returns:
        The edge.
    """
    there = since.prefix.size()
    if there < since.size:
        return Edge(prefix=None, findings=(truncated(since.name, since.size, there),))
    first = (since.size - 1) // TILE_WIDTH * TILE_WIDTH
    rows, levels, lost = _rows_at(since.prefix, first, since.size)
    if lost:
        return Edge(prefix=None, findings=tuple(lost))
    root = _root(since.size, levels)
    if root != since.root:
        where = f"tree of the first {since.size} positions"
        wrong = altered(where, f"the root {since.root.hex()} of {since.name}", root.hex(), _WHOLE)
        return Edge(prefix=None, findings=(wrong,))
    known = find({(row.tenant, row.entry) for row in rows})
    prefix = _prefix(since, levels, rows, known, opening=opening and first == 0)
    return Edge(prefix=prefix, findings=(*_changed(rows, known), *_again(since)))


def ended_at(source: PrefixSource) -> tuple[list[Finding], int, bytes]:
    """Compute the root of a log that an epoch ended out of its right edge.

    Args:
        source: gives its rows.

    Returns:
        What is not there, the log's size, and its root; no root where something is not there.
    """
    size = source.size()
    if not size:
        return [], 0, EMPTY_ROOT
    _, levels, lost = _rows_at(source, (size - 1) // TILE_WIDTH * TILE_WIDTH, size)
    return lost, size, b"" if lost else _root(size, levels)


def _rows_at(
    source: PrefixSource, first: int, size: int
) -> tuple[list[SeqRow], list[tuple[bytes, ...]], list[Finding]]:
    """Read the right edge of a tree: its last positions, and of each level the hashes beside full tiles."""
    rows = [SeqRow(*row) for row in _typed(source.positions(first, size))]
    lost = [*_without_position(rows, first, size)]
    levels = [tuple(row.hash for row in rows) if size % TILE_WIDTH else ()]
    while not lost and (nodes := size >> 8 * len(levels)):
        above, missed = _row_above(source, len(levels) - 1, nodes)
        levels.append(above)
        if missed:
            return rows, levels, missed
    return rows, levels, lost


def _prefix(
    since: Since,
    levels: Sequence[tuple[bytes, ...]],
    rows: Sequence[SeqRow],
    known: Mapping[EntryId, Known],
    *,
    opening: bool,
) -> Prefix:
    # The entry that opens an epoch is newer than what follows it: that is no step back.
    those = [known.get((row.tenant, row.entry)) for row in (rows[1:] if opening else rows)]
    newest = max((each.at for each in those if each is not None), default=None)
    return Prefix(size=since.size, rows=tuple(levels), at=newest, last=those[-1] if those else None)


def _typed(rows: Sequence[SeqValues]) -> list[SeqValues]:
    return [row for batch in Faults().positions([rows]) for row in batch]


def _without_position(rows: Sequence[SeqRow], first: int, stop: int) -> Iterator[Finding]:
    there = {row.position for row in rows if len(row.hash) == 32}
    for each in range(first, stop):
        if each not in there:
            yield missing(f"position {each}", "an entry of the log")
    if len(rows) > stop - first:
        yield extra(f"positions {first} to {stop - 1}", f"{len(rows)} rows")


def _row_above(source: PrefixSource, level: int, nodes: int) -> tuple[tuple[bytes, ...], list[Finding]]:
    """Hash the full tiles of a level whose parents' tile is not full."""
    first = nodes // TILE_WIDTH * TILE_WIDTH
    stored = {row.index: row.hashes for row in source.tiles(level, first, nodes) if not wrong_value(row)}
    hashes, findings = [], []
    for index in range(first, nodes):
        where = f"tile {level}/{index}"
        try:
            hashes.append(subtree_of_tile(stored[index]))
        except KeyError:
            findings.append(missing(where, "a full tile"))
        except Malformed as problem:
            findings.append(altered(where, "a full tile", str(problem)))
    return tuple(hashes), findings


def _root(size: int, levels: Sequence[tuple[bytes, ...]]) -> bytes:
    return Frontier(size, [peak for row in reversed(levels) for peak in peaks_of_row(b"".join(row))]).root()


def _changed(rows: Sequence[SeqRow], known: Mapping[EntryId, Known]) -> Iterator[Finding]:
    """Compare the entries of the last tile with what is signed of them."""
    for row in rows:
        where = f"entry {name_of(row.entry)} at position {row.position}"
        there = known.get((row.tenant, row.entry))
        if there is None:
            yield missing(where, "the entry that was logged there")
        elif there.hash != row.hash:
            yield altered(where, f"the leaf hash {row.hash.hex()} that was logged", there.hash.hex())


def _again(since: Since) -> Iterator[Finding]:
    for position, entry in since.prefix.positioned_again():
        yield extra(f"entry {name_of(entry)} at position {position}", "a second position of this entry")


def resume_lanes(lanes: Lanes, batch: Sequence[Known], source: PrefixSource) -> None:
    """Begin lanes where the entries that are covered left them.

    Args:
        lanes: those so far.
        batch: the next entries, before the lanes take them.
        source: looks the entries before them up.
    """
    first: dict[tuple[str, bytes], Known] = {}
    for known in batch:
        lane = (known.tenant, known.w)
        if lane not in lanes and (lane not in first or known.n < first[lane].n):
            first[lane] = known
    wanted = {(*lane, known.n - 1): known for lane, known in first.items() if known.n > 0}
    before = _in_lanes(source, wanted)
    for key, known in wanted.items():
        found = before.get(key)
        if found is not None and found.ordinal < known.ordinal:
            lanes.resume(found)
        else:
            lanes.begin_at(key[:2], key[2])


def resume_left(lanes: Lanes, source: PrefixSource) -> None:
    """Look up how far lanes went that others follow, once every entry was taken.

    Args:
        lanes: the lanes.
        source: looks entries up.
    """
    for found in _in_lanes(source, lanes.left()).values():
        lanes.resume(found)


def _in_lanes(
    source: PrefixSource, keys: Collection[tuple[str, bytes, int]]
) -> dict[tuple[str, bytes, int], Known]:
    found: dict[tuple[str, bytes, int], Known] = {}
    for row in source.in_lanes(keys) if keys else ():
        if wrong_value(row) is None:
            known = read_again(row)
            key = (known.tenant, known.w, known.n)
            if key in keys and (key not in found or known.ordinal < found[key].ordinal):
                found[key] = known
    return found


def outcomes_of(source: PrefixSource, keys: Collection[EntryId]) -> dict[EntryId, list[Known]]:
    """Look up the outcomes of intents.

    Args:
        source: looks them up.
        keys: tenant and id of each intent.

    Returns:
        The outcomes by intent, as far as there are any.
    """
    found: dict[EntryId, list[Known]] = {}
    for row in source.answering(keys) if keys else ():
        if wrong_value(row) is None:
            known = read_again(row)
            if known.kind == _OUTCOME and known.re is not None:
                found.setdefault((known.tenant, known.re), []).append(known)
    return found


def sound_statements(source: PrefixSource, keys: Collection[EntryId]) -> list[StatementRow]:
    """Look up the index rows of statements.

    Args:
        source: looks them up.
        keys: tenant and id of each statement's entry.

    Returns:
        Those whose values are of the right types.
    """
    return [row for row in source.statements_of(keys) if wrong_value(row) is None] if keys else []
