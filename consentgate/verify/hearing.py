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

    def lost(
        self, entry: EntryId, where: str, statement: Statement, named: tuple[bytes, ...]
    ) -> Iterator[str]:
        """Take the next statement, and find whose links are lost.

        Args:
            entry: tenant and id of its entry.
            where: the entry's name.
            statement: what it says.
            named: the subjects that its references name and that it is linked to, its own first.

        Yields:
            The name of each entry that somebody who is bound does not hear.
        """
        heard = named[:1] if statement.grants else named
        for subject in heard:
            self._said.setdefault(subject, []).append((entry, where))
        pair = frozenset(named)
        if statement.pair is not None and len(pair) == 2:
            self._bonds.discard(pair)
            if statement.gives:
                self._bonds.add(pair)
                yield from self._missing(self._bound(pair))
                return
        group = self._bound(frozenset(heard))
        if not group.issubset(self.links.get(entry, ())):
            yield where

    def _missing(self, group: frozenset[bytes]) -> Iterator[str]:
        said = dict(each for subject in sorted(group) for each in self._said.get(subject, ()))
        for entry, where in said.items():
            if not group.issubset(self.links.get(entry, ())):
                yield where

    def _bound(self, reached: frozenset[bytes]) -> frozenset[bytes]:
        while (
            more := frozenset[bytes]().union(*(b for b in self._bonds if not b.isdisjoint(reached))) - reached
        ):
            reached |= more
        return reached
