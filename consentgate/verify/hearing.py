"""Who must hear a statement because references are one person: a link that is lost there would lose a refusal.

Statements come in the order in which they were committed. What is said under a reference is linked to everybody whom
signed statements bind to it then, and again when two are bound.

Invariants: only what is certain is asked for: a parting ends a bond here whoever signed it, and a subject that a
statement is not linked to by its own references was erased meanwhile, and binds nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from consentgate.consent.statement import Statement
from consentgate.verify.known import EntryId


@dataclass(slots=True, kw_only=True)
class Hearing:
    """The bonds of one tenant's subjects so far, and what was said under each.

    Attributes:
        links: the subjects of each entry, as the rows say.
    """

    links: Mapping[EntryId, list[bytes]]
    _bonds: set[frozenset[bytes]] = field(default_factory=set)
    _said: dict[bytes, list[tuple[EntryId, str]]] = field(default_factory=dict)
    _doubtful: dict[bytes, list[tuple[bytes, str]]] = field(default_factory=dict)

    def lost(
        self, entry: EntryId, where: str, statement: Statement, named: tuple[bytes | None, ...]
    ) -> Iterator[str]:
        """Take the next statement, and find whose links are lost.

        Args:
            entry: tenant and id of its entry.
            where: the entry's name.
            statement: what it says.
            named: the subject that each of its references names, or None.

        Yields:
            The name of each entry that somebody who is bound does not hear.
        """
        linked = self.links.get(entry, ())
        heard = frozenset(s for s in (named[:1] if statement.grants else named) if s in linked and s)
        for subject in heard:
            self._said.setdefault(subject, []).append((entry, where))
        yield from self._without_bond(heard)
        if statement.pair is None or None in named:
            yield from self._unheard(heard, entry, where)
        elif len(heard) == 2:
            self._bonds.discard(heard)
            if statement.gives:
                self._bonds.add(heard)
                yield from self._missing(self._bound(heard))
            else:
                yield from self._unheard(heard, entry, where)
        elif statement.gives:
            # Not linked to the other one: erased since, or a lost link, if more of this one is linked there.
            for subject in heard:
                others = [s for s in named if s is not None and s != subject]
                self._doubtful.setdefault(subject, []).extend((other, where) for other in others)
            yield from self._without_bond(heard)

    def _without_bond(self, heard: frozenset[bytes]) -> Iterator[str]:
        """Bonds that are not linked to somebody who hears what they alone explain."""
        for subject in heard:
            doubtful = self._doubtful.pop(subject, [])
            for other, where in doubtful:
                if any(other in self.links.get(entry, ()) for entry, _ in self._said[subject]):
                    yield where
                else:
                    self._doubtful.setdefault(subject, []).append((other, where))

    def _unheard(self, heard: frozenset[bytes], entry: EntryId, where: str) -> Iterator[str]:
        if not self._bound(heard).issubset(self.links.get(entry, ())):
            yield where

    def _missing(self, group: frozenset[bytes]) -> Iterator[str]:
        said = dict(each for subject in sorted(group) for each in self._said.get(subject, ()))
        for entry, where in said.items():
            yield from self._unheard(group, entry, where)

    def _bound(self, reached: frozenset[bytes]) -> frozenset[bytes]:
        while (
            more := frozenset[bytes]().union(*(b for b in self._bonds if not b.isdisjoint(reached))) - reached
        ):
            reached |= more
        return reached
