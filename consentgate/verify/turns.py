"""The order of what decides about one person, where commits may overtake each other.

PostgreSQL numbers a row before its commit, so rows of different people may stand in the log in another order than
that of their numbers. What is said about one person never does: it is appended under a lock that nobody shares, and
so is what the controller puts in force. Nor does what one connection wrote: it goes on after a commit only. In which
order statements count is read off those numbers, which nothing signs; the log's positions are signed.

Invariant: for each subject the numbers of statements, assertions and call events rise along the log, and so do
those of registries, of pack sets, and of each lane.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from consentgate.verify.ids import Ids
from consentgate.verify.known import EntryId, Known
from consentgate.verify.order import Numbered, reordered
from consentgate.verify.result import Finding
from consentgate.verify.rows import name_of

K = TypeVar("K")
N = TypeVar("N", bound=Numbered)

ABOUT_PEOPLE: Final = frozenset(("assertion", "call", "statement"))
"""The kinds of entries that say something about a person."""

_IN_FORCE: Final = frozenset(("packs", "registry"))


class Turn(NamedTuple):
    """An entry that says something about a person, in its place in the log.

    Attributes:
        tenant: whose.
        id: 16 bytes.
        ordinal: the number of its row.
    """

    tenant: str
    id: bytes
    ordinal: int

    @property
    def key(self) -> EntryId:
        """What it is found by."""
        return self.tenant, self.id

    @property
    def name(self) -> str:
        """How it is called in findings."""
        return f"entry {name_of(self.id)}"


class People:
    """The entries that say something about persons, in the order of the log: 28 bytes for each.

    Attributes:
        kinds: the kinds that there are among them.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._ids = Ids()
        self._ordinals = array("q")
        self.kinds: set[str] = set()

    def __iter__(self) -> Iterator[Turn]:
        for (tenant, ident), ordinal in zip(self._ids, self._ordinals, strict=True):
            yield Turn(tenant, ident, ordinal)

    def take(self, known: Known) -> None:
        """Keep an entry, if it is one of them.

        Args:
            known: the next entry as the log has them.
        """
        if known.kind in ABOUT_PEOPLE:
            self.kinds.add(known.kind)
            self._ids.add(known.key)
            self._ordinals.append(known.ordinal)


class Writers:
    """Goes along the log, and looks at each lane, and at registries and pack sets, each kind by itself."""

    def __init__(self, people: People | None = None) -> None:
        """Begin before the first position.

        Args:
            people: keeps what is said about persons, where `check_people` is to look at it; None for nowhere.
        """
        self._lanes: dict[tuple[str, bytes], Known] = {}
        self._in_force: dict[tuple[str, str], Known] = {}
        self._people = people

    def take(self, order: Iterable[Known]) -> Iterator[Finding]:
        """Go on.

        Args:
            order: the next entries as the log has them, and at the end those without a position.

        Yields:
            The findings.
        """
        for known in order:
            if self._people is not None:
                self._people.take(known)
            found = [*_step(self._lanes, (known.tenant, known.w), known)]
            if known.kind in _IN_FORCE:
                found += _step(self._in_force, (known.tenant, known.kind), known)
            # One row is one finding.
            yield from found[:1]


def check_people(
    order: Iterable[Turn],
    links: Mapping[EntryId, Sequence[bytes]],
    before: Mapping[tuple[str, bytes], Turn] | None = None,
) -> Iterator[Finding]:
    """Check what is said about each subject.

    Args:
        order: the entries that say something about persons, as the log has them, then those without a position.
        links: the subjects of each entry.
        before: the last entry about each subject before these, where the log goes on from there.

    Yields:
        The findings.
    """
    last = dict(before or {})
    for turn in order:
        # A second link to one subject is a finding of its own, and one row is one finding here.
        subjects = dict.fromkeys(links.get(turn.key, ()))
        found = [each for subject in subjects for each in _step(last, (turn.tenant, subject), turn)]
        yield from found[:1]


def _step(last: dict[K, N], key: K, known: N) -> Iterator[Finding]:
    before = last.get(key)
    if before is not None and known.ordinal <= before.ordinal:
        yield reordered(known, before)
    last[key] = known
