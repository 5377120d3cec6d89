"""The order of what decides about one person, where commits may overtake each other.

PostgreSQL numbers a row before its commit, so rows of different people may stand in the log in another order than
that of their numbers. What is said about one person never does: it is appended under a lock that nobody shares, and
so is what the controller puts in force. In which order statements count is read off those numbers, which nothing
signs; the log's positions are signed.

Invariant: for each subject the numbers of statements, assertions and call events rise along the log, and so do
those of registries and of pack sets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from consentgate.verify.known import EntryId, Known
from consentgate.verify.order import reordered
from consentgate.verify.result import Finding

K = TypeVar("K")

_ABOUT_PEOPLE: Final = frozenset(("assertion", "call", "statement"))
_IN_FORCE: Final = frozenset(("packs", "registry"))


def check_in_force(order: Iterable[Known]) -> Iterator[Finding]:
    """Check registries and pack sets, each kind by itself.

    Args:
        order: the entries as the log has them, then those without a position.

    Yields:
        The findings.
    """
    last: dict[tuple[str, str], Known] = {}
    for known in order:
        if known.kind in _IN_FORCE:
            yield from _step(last, (known.tenant, known.kind), known)


def check_people(order: Iterable[Known], links: Mapping[EntryId, Sequence[bytes]]) -> Iterator[Finding]:
    """Check what is said about each subject.

    Args:
        order: the entries as the log has them, then those without a position.
        links: the subjects of each entry.

    Yields:
        The findings.
    """
    last: dict[tuple[str, bytes], Known] = {}
    for known in order:
        if known.kind in _ABOUT_PEOPLE:
            found = False
            for subject in links.get((known.tenant, known.id), ()):
                for finding in _step(last, (known.tenant, subject), known):
                    # One row is one finding, however many subjects it is linked to.
                    if not found:
                        yield finding
                    found = True


def _step(last: dict[K, Known], key: K, known: Known) -> Iterator[Finding]:
    before = last.get(key)
    if before is not None and known.ordinal <= before.ordinal:
        yield reordered(known, before)
    last[key] = known
