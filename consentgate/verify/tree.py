"""Level ``tree``: the log has every entry once, and all that is stored of its tree follows from the leaves.

Entries come in the order of their rows, positions in that of the log. The two orders are nearly the same, so an entry
waits here until its position comes; a position whose entry does not come soon is looked up. Along positions the
numbers of rows rise and times do not fall: see `consentgate.verify.order` and `turns`.

Invariants: roots, frontiers and tiles are recomputed from leaf hashes that were recomputed from bytes. Where
an entry is missing, its stored hash stands in, after the finding is made, so that what else is wrong can be
seen.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from consentgate.tlog.merkle import HASH_BYTES
from consentgate.values import dataclass
from consentgate.verify.growth import Growth
from consentgate.verify.known import EntryId, Known, altered, extra, missing, time_of
from consentgate.verify.marks import Marks
from consentgate.verify.order import Order
from consentgate.verify.pairing import Find
from consentgate.verify.result import Finding
from consentgate.verify.rows import SeqRow, SeqValues, name_of
from consentgate.verify.source import LogSource
from consentgate.verify.tiles import StoredTiles
from consentgate.verify.turns import People, Writers

# So many entries are read ahead of a position whose entry did not come, before it is looked up.
_AHEAD = 20_000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """A tree that is known to be right, from which on the log is read.

    Attributes:
        size: of the tree.
        rows: of each level the hashes that its last tile has so far, where that is not full.
        at: the time of its last entry.
        last: its last entry, where what follows is to come after that.
    """

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()
    at: int | None = None
    last: Known | None = None


class Tree:
    """Goes along the log.

    Attributes:
        newest: the latest time of an entry in the log, in milliseconds.
    """

    def __init__(
        self,
        log: LogSource,
        marks: Marks,
        find: Find,
        prefix: Prefix,
        *,
        opening: bool = False,
        people: People | None = None,
    ) -> None:
        """Begin before the first position.

        Args:
            log: the log.
            marks: the sizes at which something is stored or remembered of the tree.
            find: looks entries up.
            prefix: what is known to be right.
            opening: whether the log begins with the entry that opens an epoch, which is newer than what follows it.
            people: keeps what is said about persons, where commits may overtake each other; None for nowhere.
        """
        self._log = log
        self._marks = marks
        self._find = find
        self._tiles = StoredTiles(log.tiles())
        self._growth = Growth(self._tiles.compare, size=prefix.size, rows=prefix.rows)
        self._of_commits = log.numbers_commits()
        self._order = Order(of_commits=self._of_commits, last=prefix.last, newest=prefix.at)
        self._writers = Writers(people)
        self._turns: list[Finding] = []
        self._sequence = iter(log.sequence())
        self._rows: deque[SeqValues] = deque()
        self._expected = prefix.size
        self._waiting: dict[EntryId, Known] = {}
        self._looked_up: dict[EntryId, Known | None] = {}
        self._early: set[EntryId] = set()
        self._again: set[EntryId] = set()
        self._read_to: int | None = None
        self._found: list[Finding] = [*_strays(log.strays())]
        self.newest: int | None = prefix.at
        self._opening: Known | None = None
        self._marks.begin(self._growth, time_of(prefix.at))
        if opening and not prefix.size:
            self._open()

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self._growth.size

    @property
    def root(self) -> bytes:
        """The root of the tree so far."""
        return self._growth.frontier().root()

    @property
    def until(self) -> datetime | None:
        """The time up to which the log covers."""
        return time_of(self.newest)

    @property
    def unsequenced(self) -> tuple[Known, ...]:
        """Entries that are not in the log yet, in order, once everything was taken."""
        return tuple(self._waiting.values())

    def take(self, batch: Sequence[Known]) -> None:
        """Go on.

        Args:
            batch: the next entries in the order of their rows.
        """
        self._read_to = batch[-1].ordinal
        if self._opening is not None and self._opening.ordinal <= self._read_to:
            batch = [each for each in batch if each.key != self._opening.key]
            self._opening = None
        if not batch:
            return
        if not self._waiting and not self._early:
            rows = self._next(len(batch))
            if [(row[1], row[2]) for row in rows] == [(each.tenant, each.id) for each in batch]:
                self._place(rows, batch)
                return
            self._rows.extendleft(reversed(rows))
        for known in batch:
            if known.key in self._early:
                self._early.discard(known.key)
            else:
                self._waiting[known.key] = known
        self._match(last=False)

    def finish(self) -> list[Finding]:
        """Give what was found, once every entry was taken.

        Returns:
            The findings.
        """
        self._match(last=True)
        left = self.unsequenced
        if not self._of_commits:
            self._turns += self._writers.take(left)
        return [
            *self._found,
            *self._turns,
            *self._order.check_rest(left),
            *self._tiles.findings(),
            *self._marks.finish(self.size),
            *_unsequenced(left),
        ]

    def _open(self) -> None:
        """Place the entry that opens an epoch, before all those that are older."""
        for row in self._next(1):
            key = (row[1], row[2])
            known = self._opening = self._find({key}).get(key)
            hash_ = self._judge(SeqRow(*row), known)
            if known is not None and known.kind != "epoch":
                self._found.append(
                    altered(f"{known.name} at position 0", "an entry of kind epoch", known.kind)
                )
            self._grow([hash_], [known.at if known else None])

    def _next(self, count: int) -> list[SeqValues]:
        while len(self._rows) < count:
            batch = next(self._sequence, None)
            if batch is None:
                break
            self._rows.extend(batch)
        return [self._rows.popleft() for _ in range(min(count, len(self._rows)))]

    def _match(self, *, last: bool) -> None:
        """Place the positions whose entries are there, as far as that goes without a break."""
        while rows := self._next(_AT_ONCE):
            placed: list[Known | None] = []
            for row in rows:
                key = (row[1], row[2])
                known = self._waiting.pop(key, None)
                if known is None:
                    if not last and len(self._waiting) < _AHEAD:
                        break
                    known = self._far(key, rows[len(placed) :])
                placed.append(known)
            self._place(rows[: len(placed)], placed)
            if len(placed) < len(rows):
                self._rows.extendleft(reversed(rows[len(placed) :]))
                return

    def _far(self, key: EntryId, rows: Sequence[SeqValues]) -> Known | None:
        """Look an entry up that did not come in its turn."""
        if key not in self._looked_up:
            keys = {(row[1], row[2]) for row in rows} - self._waiting.keys()
            found = self._find(keys)
            self._looked_up = {each: found.get(each) for each in keys}
        known = self._looked_up[key]
        if known is None:
            return None
        if key in self._early or (self._read_to is not None and known.ordinal <= self._read_to):
            self._again.add(key)
        else:
            self._early.add(key)
        return known

    def _place(self, rows: Sequence[SeqValues], placed: Sequence[Known | None]) -> None:
        if not rows:
            return
        there = [each for each in placed if each is not None]
        hashes = [row[3] for row in rows]
        first = self._expected
        if (
            len(there) < len(rows)
            or self._again
            or hashes != [each.hash for each in there]
            or [row[0] for row in rows] != list(range(first, first + len(rows)))
        ):
            hashes = [self._judge(SeqRow(*row), known) for row, known in zip(rows, placed, strict=True)]
        self._expected = rows[-1][0] + 1
        if there:
            self._found += self._order.take(there)
            if not self._of_commits:
                self._turns += self._writers.take(there)
        self._grow(hashes, [each.at if each else None for each in placed])

    def _judge(self, row: SeqRow, known: Known | None) -> bytes:
        """Make the findings of one position, and give the hash that stands there."""
        if row.position > self._expected:
            self._found.append(
                missing(f"position {self._expected}", f"each position up to {row.position - 1}")
            )
        elif row.position < self._expected:
            self._found.append(extra(f"position {row.position}", "a second row of this position"))
        self._expected = row.position + 1
        where = f"entry {name_of(row.entry)} at position {row.position}"
        if (row.tenant, row.entry) in self._again:
            self._again.discard((row.tenant, row.entry))
            self._found.append(extra(where, "a second position of this entry"))
        if known is None:
            self._found.append(missing(where, "the entry that was logged there"))
            return row.hash[:HASH_BYTES].ljust(HASH_BYTES, b"\0")
        if known.hash != row.hash:
            expected = f"the leaf hash {row.hash.hex()} that was logged"
            self._found.append(altered(where, expected, known.hash.hex()))
        return known.hash

    def _grow(self, hashes: Sequence[bytes], times: Sequence[int | None]) -> None:
        at = 0
        while at < len(hashes):
            stop = min(len(hashes), at + self._marks.next - self.size)
            self._growth.extend(hashes[at:stop])
            known = [each for each in islice(times, at, stop) if each is not None]
            if known:
                self.newest = max(known) if self.newest is None else max(self.newest, *known)
            at = stop
            if self.size == self._marks.next:
                self._marks.reach(self._growth, times[stop - 1], self.until)


def _strays(counts: Mapping[str, int]) -> Iterator[Finding]:
    for table, count in sorted(counts.items()):
        yield extra(f"{table}, column log", f"{count} rows of logs that nobody opened")


def _unsequenced(left: Sequence[Known]) -> Iterator[Finding]:
    if left:
        yield Finding(
            kind="unsequenced",
            where=f"{len(left)} entries from {left[0].name} on" if len(left) > 1 else left[0].name,
            expected="a position in the log",
            found="none yet",
            cure="Run `consentgate log sequence --once`.",
        )
