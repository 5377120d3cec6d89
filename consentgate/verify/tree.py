"""Level ``tree``: the log has every entry once, and all that is stored of its tree follows from the leaves.

Along its positions the numbers of rows rise and times do not fall: see `consentgate.verify.order` and `turns`.

Invariants: roots, frontiers and tiles are recomputed from leaf hashes that were recomputed from bytes. Where
an entry is missing, its stored hash stands in, after the finding is made, so that what else is wrong can be
seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from consentgate.tlog.merkle import HASH_BYTES, Frontier
from consentgate.tlog.tiles import TILE_BYTES, subtree_of_tile
from consentgate.values import dataclass
from consentgate.verify.known import RESTORE, Entries, EntryId, Known, altered, extra, missing
from consentgate.verify.order import Order
from consentgate.verify.result import Finding
from consentgate.verify.rows import SeqRow, TreeStateRow, name_of
from consentgate.verify.source import LogSource
from consentgate.verify.turns import check_writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The tree over the sequenced entries, recomputed.

    Attributes:
        frontiers: the recomputed frontier at each size that a stored row names, and at the last.
        times: the time of each entry, by position.
        unsequenced: entries that are not in the log yet, in order.
        turns: what `Order.turns` gives.
    """

    frontiers: Mapping[int, Frontier]
    times: Sequence[datetime | None]
    unsequenced: tuple[Known, ...]
    turns: tuple[Known, ...] = ()

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return len(self.times)

    def until(self, size: int) -> datetime | None:
        """Find the time up to which a tree covers.

        Args:
            size: the tree's size.

        Returns:
            The latest time of its entries.
        """
        return max((each for each in self.times[:size] if each is not None), default=None)


def check_tree(log: LogSource, entries: Entries, *, remembered: int = 0) -> tuple[Tree, list[Finding]]:
    """Recompute the tree and compare what is stored of it.

    Args:
        log: the log.
        entries: what is known of each entry.
        remembered: a further size at which the root is wanted: the one of the signer's state.

    Returns:
        The tree and the findings.
    """
    states = sorted(log.tree_states(), key=lambda each: each.size)
    wanted = {remembered} | {each.size for each in states} | {each.size for each in log.checkpoints()}
    tiles = _Tiles({(each.level, each.index): each.hashes for each in log.tiles()})
    findings = list(_strays(log.strays()))
    order = Order(of_commits=log.numbers_commits())
    sequenced: set[EntryId] = set()
    frontier = Frontier()
    frontiers: dict[int, Frontier] = {}
    times: list[datetime | None] = []
    expected = 0
    for row in log.sequence():
        if frontier.size in wanted:
            frontiers[frontier.size] = Frontier.from_bytes(frontier.to_bytes())
        findings += _position(row, expected)
        known = entries.get((row.tenant, row.entry))
        findings += _sequenced(row, known, sequenced)
        if known is not None:
            findings += order.step(known)
        expected = row.position + 1
        sequenced.add((row.tenant, row.entry))
        leaf = known.hash if known else row.hash[:HASH_BYTES].ljust(HASH_BYTES, b"\0")
        frontier.push(leaf)
        tiles.push(leaf)
        times.append(known.at if known else None)
    frontiers[frontier.size] = frontier
    left = tuple(each for name, each in entries.items() if name not in sequenced)
    tree = Tree(frontiers=frontiers, times=times, unsequenced=left, turns=order.turns(left))
    findings += check_writers(tree.turns)
    findings += [*order.check_rest(left), *tiles.findings(), *_states(states, tree), *_unsequenced(left)]
    return tree, findings


def _strays(counts: Mapping[str, int]) -> Iterator[Finding]:
    for table, count in sorted(counts.items()):
        yield extra(f"{table}, column log", f"{count} rows of logs that nobody opened")


class _Tiles:
    """Rebuilds the tiles out of the leaf hashes and compares each stored one as it fills."""

    def __init__(self, stored: dict[tuple[int, int], bytes]) -> None:
        self._stored = stored
        self._rows: list[bytearray] = []
        self._done: list[int] = []
        self._found: list[Finding] = []

    def push(self, each: bytes, level: int = 0) -> None:
        if level == len(self._rows):
            self._rows.append(bytearray())
            self._done.append(0)
        row = self._rows[level]
        row += each
        if len(row) == TILE_BYTES:
            tile = bytes(row)
            row.clear()
            self._compare(level, self._done[level], tile)
            self._done[level] += 1
            self.push(subtree_of_tile(tile), level + 1)

    def _compare(self, level: int, index: int, tile: bytes) -> None:
        where = f"tile {level}/{index}"
        stored = self._stored.pop((level, index), None)
        if stored is None:
            self._found.append(missing(where, "a full tile"))
        elif stored != tile:
            self._found.append(altered(where, "the hashes of its entries", "other hashes"))

    def findings(self) -> Iterator[Finding]:
        yield from self._found
        for level, index in sorted(self._stored):
            yield extra(f"tile {level}/{index}", "a tile beyond the tree")


def _position(row: SeqRow, expected: int) -> Iterator[Finding]:
    if row.position > expected:
        yield missing(f"position {expected}", f"each position up to {row.position - 1}")
    elif row.position < expected:
        yield extra(f"position {row.position}", "a second row of this position")


def _sequenced(row: SeqRow, known: Known | None, sequenced: set[EntryId]) -> Iterator[Finding]:
    where = f"entry {name_of(row.entry)} at position {row.position}"
    if (row.tenant, row.entry) in sequenced:
        yield extra(where, "a second position of this entry")
    if known is None:
        yield missing(where, "the entry that was logged there")
    elif known.hash != row.hash:
        yield altered(where, f"the leaf hash {row.hash.hex()} that was logged", known.hash.hex())


def _states(states: Sequence[TreeStateRow], tree: Tree) -> Iterator[Finding]:
    wrong = []
    for each in states:
        if each.size > tree.size:
            yield truncated(f"tree state of size {each.size}", each.size, tree.size)
        elif not _fits(each, tree):
            wrong.append(each.size)
    if wrong:
        more = f", and {len(wrong) - 1} later" if len(wrong) > 1 else ""
        yield altered(f"tree state of size {wrong[0]}", "the root of its entries", f"another root{more}")
    if tree.size and tree.size not in {each.size for each in states}:
        yield missing(f"tree state of size {tree.size}", "the tree of the last batch")


def _fits(state: TreeStateRow, tree: Tree) -> bool:
    computed = tree.frontiers.get(state.size)
    return computed is not None and state.root == computed.root() and state.frontier == computed.to_bytes()


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


def _unsequenced(left: Iterable[Known]) -> Iterator[Finding]:
    names = [each.name for each in left]
    if names:
        yield Finding(
            kind="unsequenced",
            where=f"{len(names)} entries from {names[0]} on" if len(names) > 1 else names[0],
            expected="a position in the log",
            found="none yet",
            cure="Run `consentgate log sequence --once`.",
        )
