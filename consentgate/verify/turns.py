"""The order of what decides about one person, where commits may overtake each other.

PostgreSQL numbers a row before its commit, so rows of different people may stand in the log in another order than
that of their numbers. What is said about one person never does: it is appended under a lock that nobody shares, and
so is what the controller puts in force. Nor does what one connection wrote: it goes on after a commit only. In which
order statements count is read off those numbers, which nothing signs; the log's positions are signed.

Invariant: for each subject the numbers of statements, assertions and call events rise along the log, and so do
those of registries, of pack sets, and of each lane.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from consentgate.verify.known import EntryId, Known
from consentgate.verify.order import reordered
from consentgate.verify.result import Finding

K = TypeVar("K")

ABOUT_PEOPLE: Final = frozenset(("assertion", "call", "statement"))
"""The kinds of entries that say something about a person."""

_IN_FORCE: Final = frozenset(("packs", "registry"))


class Writers:
    """Goes along the log, and looks at each lane, and at registries and pack sets, each kind by itself.

    Attributes:
        people: the entries that say something about persons, in the order of the log.
    """

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, bytes], Known] = {}
        self._in_force: dict[tuple[str, str], Known] = {}
        self.people: list[Known] = []

    def take(self, order: Iterable[Known]) -> Iterator[Finding]:
        """Go on.

        Args:
            order: the next entries as the log has them, and at the end those without a position.

        Yields:
            The findings.
        """
        for known in order:
            if known.kind in ABOUT_PEOPLE:
                self.people.append(known)
            found = [*_step(self._lanes, (known.tenant, known.w), known)]
            if known.kind in _IN_FORCE:
                found += _step(self._in_force, (known.tenant, known.kind), known)
            # One row is one finding.
            yield from found[:1]


def check_people(
    order: Iterable[Known],
    links: Mapping[EntryId, Sequence[bytes]],
    before: Mapping[tuple[str, bytes], Known] | None = None,
) -> Iterator[Finding]:
    """Check what is said about each subject.

    Args:
        order: the entries as the log has them, then those without a position.
        links: the subjects of each entry.
        before: the last entry about each subject before these, where the log goes on from there.

    Yields:
        The findings.
    """
    last = dict(before or {})
    for known in order:
        if known.kind in ABOUT_PEOPLE:
            # A second link to one subject is a finding of its own, and one row is one finding here.
            subjects = dict.fromkeys(links.get((known.tenant, known.id), ()))
            found = [each for subject in subjects for each in _step(last, (known.tenant, subject), known)]
            yield from found[:1]


def _step(last: dict[K, Known], key: K, known: Known) -> Iterator[Finding]:
    before = last.get(key)
    if before is not None and known.ordinal <= before.ordinal:
        yield reordered(known, before)
    last[key] = known
