"""Keys and references of those whom some entries are about: found by the entries, some hundreds at once.

Invariant: rows are kept as they were read; nothing is judged here, and what does not open names nobody.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.entries.leaf import Leaf
from consentgate.entries.parts import split_parts
from consentgate.errors import Malformed
from consentgate.verify.faults import Faults, wrong_value
from consentgate.verify.keysource import KeySource, SomeKeys
from consentgate.verify.known import EntryId
from consentgate.verify.naming import call_of, first_reference, statement_of
from consentgate.verify.prefix import Subject
from consentgate.verify.ring import Ring, content_of, leaf_of
from consentgate.verify.rows import DataKey, EntryRow, LinkRow, ReferenceRow

_CALL: Final = "call"
_STATEMENT: Final = "statement"


@dataclass(slots=True)
class Said:
    """Whom a statement names, and whom it is linked to.

    Attributes:
        linked: the subjects that its links name.
        named: the subjects that its references name.
    """

    linked: set[Subject]
    named: set[Subject] = field(default_factory=set)

    @property
    def reached(self) -> set[Subject]:
        """Both."""
        return self.linked | self.named


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Keys and references of everybody whom some entries are linked to, or name.

    Attributes:
        keys: looks links up, and computes keyed hashes.
        some: looks keys and references up.
        faults: takes links whose values are of other types.
        ring: the keys, to open parts with.
        tenants: whose entries were taken.
        data_keys: the keys as they were read.
        subjects: whose keys and references were asked for.
        hashes: the subject that each keyed hash names, or None.
        by_subject: rows of references that were found by their subject.
        by_hash: rows of references that were found by their hash.
    """

    keys: KeySource
    some: SomeKeys
    faults: Faults
    ring: Ring = field(default_factory=Ring)
    tenants: set[str] = field(default_factory=set)
    data_keys: list[DataKey] = field(default_factory=list)
    subjects: set[Subject] = field(default_factory=set)
    hashes: dict[tuple[str, int, bytes], bytes | None] = field(default_factory=dict)
    by_subject: Counter[ReferenceRow] = field(default_factory=Counter)
    by_hash: Counter[ReferenceRow] = field(default_factory=Counter)

    def take(self, rows: Sequence[EntryRow]) -> dict[EntryId, Said]:
        """Look up what entries need.

        Args:
            rows: the entries.

        Returns:
            Whom each statement among them names.

        Raises:
            Unavailable: the keys are out of reach.
        """
        self._of_tenants({row.tenant for row in rows} - self.tenants)
        links: dict[EntryId, list[bytes]] = {}
        for link in self.faults.rows("entry_subject", self._links_of(rows)):
            links.setdefault((link.tenant, link.entry), []).append(link.subject)
        self._of_subjects({(tenant, each) for (tenant, _), linked in links.items() for each in linked})
        said: dict[EntryId, Said] = {}
        hashes: list[tuple[EntryId, tuple[str, int, bytes]]] = []
        for row in rows:
            key, leaf = (row.tenant, row.id), leaf_of(row)
            if leaf is None:
                continue
            linked = links.get(key, ())
            if leaf.kind == _STATEMENT:
                said[key] = Said({(row.tenant, each) for each in linked})
            if leaf.kind in (_CALL, _STATEMENT):
                hashes += [(key, (row.tenant, *each)) for each in self._named(row, leaf, linked)]
        self._of_hashes({each for _, each in hashes})
        for key, each in hashes:
            subject = self.hashes[each]
            if subject is not None and key in said:
                said[key].named.add((key[0], subject))
        return said

    def references(self) -> list[ReferenceRow]:
        """Give the references that were found.

        Returns:
            The rows.
        """
        # Most are found both ways; what one way finds twice is there twice.
        return [*(self.by_subject | self.by_hash).elements()]

    def _links_of(self, rows: Sequence[EntryRow]) -> Iterable[LinkRow]:
        return self.keys.links_of({(row.tenant, row.id) for row in rows}) if rows else ()

    def _of_tenants(self, tenants: set[str]) -> None:
        if tenants:
            self.tenants |= tenants
            before = {*self.subjects}
            self._add(self.some.tenant_keys(tenants))
            self.by_subject.update(self.some.references_to(self.subjects - before))

    def _of_subjects(self, subjects: set[Subject]) -> None:
        if fresh := subjects - self.subjects:
            self.subjects |= fresh
            self._add(self.some.data_keys_of(fresh))
            self.by_subject.update(self.some.references_to(fresh))

    def _of_hashes(self, hashes: set[tuple[str, int, bytes]]) -> None:
        fresh = hashes - self.hashes.keys()
        self.hashes |= dict.fromkeys(fresh)
        for row in self.some.references_of(fresh) if fresh else ():
            self.by_hash[row] += 1
            if wrong_value(row) is None:
                self.hashes[row.tenant, row.key_epoch, row.hmac] = row.subject

    def _add(self, rows: Iterable[DataKey]) -> None:
        for row in rows:
            self.data_keys.append(row)
            self.subjects.add((row.tenant, row.subject))
            if wrong_value(row) is None:
                # What is wrong with a key is found by whoever judges.
                for _ in self.ring.add(row):
                    pass

    def _named(self, row: EntryRow, leaf: Leaf, linked: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        for ref, token in zip(leaf.parts, split_parts(row.parts), strict=False):
            key = self.ring.key_of(row, leaf, ref, linked)
            if key is None:
                continue
            try:
                content = content_of(leaf, ref, token, key)
                references = _references(leaf.kind, content)
            except Malformed:
                continue
            for each in references:
                yield from self.keys.hashes(row.tenant, each)
            call = call_of(content) if leaf.kind == _CALL else None
            if call is not None:
                yield from self.keys.call_hashes(row.tenant, call)


def _references(kind: str, content: Json) -> tuple[Reference, ...]:
    if kind == _STATEMENT:
        return statement_of(content)[1].references
    first = first_reference(content)
    return (first,) if first is not None else ()
