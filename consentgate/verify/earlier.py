"""What of the entries that a checkpoint covers has to be known to judge the parts and links of later ones.

A statement is judged by what was said before about whom it reaches: bonds between references, and since when
somebody is known. So the later entries are gone through once beforehand, and what they name is looked up, some
hundreds at once: keys and references of the persons, the statements about these and about whom those name in turn,
and the registry in force.

Invariants: what is kept in memory grows with the persons and statements that later entries name, not with the ledger;
what is looked up of covered entries is read for what it says, and whoever reads it judges none of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Final, TypeVar

from consentgate.consent.reference import Reference
from consentgate.verify.faults import Faults, wrong_value
from consentgate.verify.gathered import Gathered
from consentgate.verify.keysource import KeySource, SomeKeys
from consentgate.verify.known import EntryId
from consentgate.verify.prefix import HistorySource, Since, Subject
from consentgate.verify.rows import (
    ENTRY_COLUMNS,
    DataKey,
    EntryRow,
    EntryValues,
    LinkRow,
    ReferenceRow,
    StatementRow,
    entry_row,
)
from consentgate.verify.since import sound_statements
from consentgate.verify.source import EntrySource, LedgerSource
from consentgate.verify.turns import Turn
from consentgate.verify.typed import typed_keys

T = TypeVar("T")

_AT_ONCE: Final = 250


@dataclass(frozen=True)
class Earlier:
    """What the parts and links of later entries are judged with.

    Attributes:
        ledger: the later entries, and among them those that decide about the same persons.
        keys: keys and references of these persons.
        covered: which entries are only read for what they say.
        first: the first row that is linked to a subject, of those that the checkpoint covers.
        history: what it covers.
    """

    ledger: EntrySource
    keys: KeySource
    covered: Collection[EntryId]
    first: Mapping[Subject, int]
    history: HistorySource

    def last(self, people: Iterable[Turn], links: Mapping[EntryId, Sequence[bytes]]) -> dict[Subject, Turn]:
        """Look up what was said last about persons, before the entries that are judged.

        Args:
            people: entries about them.
            links: the subjects of each.

        Returns:
            The entries by subject.
        """
        subjects = {(each.tenant, subject) for each in people for subject in links.get(each.key, ())}
        return {
            (tenant, subject): Turn(tenant, row.id, row.ordinal)
            for tenant, subject, row in self.history.last_about(subjects)
            if wrong_value(row) is None
        }


def earlier_of(
    ledger: LedgerSource, since: Since, keys: KeySource, some: SomeKeys, faults: Faults
) -> Earlier:
    """Go through the later entries, and look up what they name.

    Args:
        ledger: the later entries; looks up any entry.
        since: the checkpoint, and what it covers.
        keys: looks links up.
        some: looks keys and references up.
        faults: takes links whose values are of other types.

    Returns:
        What they are judged with.

    Raises:
        Unavailable: the keys are out of reach.
    """
    gathered = Gathered(keys=keys, some=some, faults=faults)
    about: set[Subject] = set()
    unlinked: set[Subject] = set()
    statements: list[StatementRow] = []
    for batch in ledger.entries():
        rows = [entry_row(each) for each in batch]
        said = gathered.take(rows)
        for each in said.values():
            about |= each.reached
            unlinked |= each.named - each.linked
        statements += sound_statements(since.prefix, said.keys())
    covered = _statements_about(about, ledger, since.history, gathered)
    for tenant in sorted(gathered.tenants):
        covered |= {(each, ident): row for row, each, ident in since.history.registry_at(tenant)}
    return Earlier(
        ledger=_Merged(ledger, covered, statements),
        keys=typed_keys(_Asked(keys, gathered), faults),
        covered=covered.keys(),
        first={(tenant, subject): row for tenant, subject, row in since.history.first_links(unlinked)},
        history=since.history,
    )


def _statements_about(
    about: Collection[Subject], ledger: EntrySource, history: HistorySource, gathered: Gathered
) -> dict[EntryId, int]:
    """Find what was said about persons, and about whom that names, and so on."""
    found: dict[EntryId, int] = {}
    asked: set[Subject] = set()
    while left := {*about} - asked:
        asked |= left
        rows = {(tenant, ident): row for row, tenant, ident in history.statements_about(left)}
        fresh = rows.keys() - found.keys()
        found |= rows
        about = {
            subject
            for some in _chunks(sorted(fresh))
            for each in gathered.take([*ledger.find(some)]).values()
            for subject in each.reached
        }
    return found


@dataclass(frozen=True)
class _Merged:
    """Later entries with some of those before them, by their rows."""

    ledger: LedgerSource
    covered: Mapping[EntryId, int]
    of_statements: Sequence[StatementRow]

    def entries(self) -> Iterator[Sequence[EntryValues]]:
        later = (row for batch in self.ledger.entries() for row in batch)
        rows = merge(self._before(), later, key=lambda row: row[0])
        while batch := [*islice(rows, _AT_ONCE)]:
            yield batch

    def find(self, keys: Collection[EntryId]) -> Iterable[EntryRow]:
        return self.ledger.find(keys)

    def statements(self) -> Iterable[StatementRow]:
        return self.of_statements

    def _before(self) -> Iterator[EntryValues]:
        for some in _chunks(sorted(self.covered, key=lambda key: self.covered[key])):
            rows = sorted(self.ledger.find(some), key=lambda row: row.ordinal)
            yield from (tuple(getattr(row, name) for name in ENTRY_COLUMNS) for row in rows)


@dataclass(frozen=True)
class _Asked:
    """Links as they are looked up; keys and references of those who were asked for."""

    source: KeySource
    gathered: Gathered

    def links(self) -> Iterable[LinkRow]:
        return ()

    def links_of(self, keys: Collection[EntryId]) -> Iterable[LinkRow]:
        return self.source.links_of(keys)

    def count_links(self) -> int:
        return 0

    def references(self) -> Iterable[ReferenceRow]:
        return self.gathered.references()

    def data_keys(self) -> Iterable[DataKey]:
        return self.gathered.data_keys

    def epochs(self) -> Collection[int]:
        return self.source.epochs()

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        return self.source.hashes(tenant, reference)

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        return self.source.call_hashes(tenant, call)

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        return self.source.task_hashes(tenant, task)


def _chunks(keys: Iterable[T]) -> Iterator[list[T]]:
    left = iter(keys)
    while some := [*islice(left, _AT_ONCE)]:
        yield some
