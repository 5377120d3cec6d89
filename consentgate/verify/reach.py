"""Whom entries are linked to, and whom references name: what decides which statements a decision meets.

A withdrawal protects whom its references name, so it must be linked to each of them; a call's entries are
found by the call's own link; a speaker is found by the keyed hash of their reference. None of these rows is in
the log, so they are held against what opened parts say.

Invariants: the values of references are in no finding. Erasure is quiet here: a part whose key was destroyed
is not opened, and somebody who came back afterwards has no link that is older than what they came back to.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.consent.statement import Statement
from consentgate.entries.kinds import KINDS
from consentgate.verify.hearing import Hearing
from consentgate.verify.keysource import KeySource
from consentgate.verify.known import RESTORE, EntryId, altered, extra, missing
from consentgate.verify.naming import call_of, first_reference
from consentgate.verify.result import Finding
from consentgate.verify.rows import EntryRow, LinkRow, ReferenceRow, name_of

_SUBJECT_BYTES: Final = 16
# Whatever else is linked to a person or call, some of it is of another kind.
_FOUND_BY_TASK: Final = frozenset({"outcome", "observation"})
_ABOUT_NOBODY: Final = frozenset(kind.name for kind in KINDS.values() if kind.parts <= {"body"})
_STATEMENT: Final = "statement"
_AT_ONCE: Final = 500
_LINK: Final = "a link of the entry to whom it names"


class Reach:
    """Links and references, read once; links entry by entry.

    Attributes:
        links: the subjects of the entries that are in their turn, and of those that are kept.
        found: what is wrong with the rows by themselves.
    """

    def __init__(
        self, keys: KeySource, keep: Collection[str], first: Mapping[tuple[str, bytes], int]
    ) -> None:
        """Read references.

        Args:
            keys: where links and references are.
            keep: the kinds of entries whose links are kept after their turn, besides statements.
            first: the first row that is linked to a subject, where it is none of those that are taken.
        """
        self.links: dict[EntryId, list[bytes]] = {}
        self._keep = {*keep, _STATEMENT}
        self._passing: list[EntryId] = []
        self._count = 0
        self.found: list[Finding] = []
        self._keys = keys
        self._since = dict(first)
        self._linked: dict[tuple[str, bytes], set[str]] = {}
        self._hearing: dict[str, Hearing] = {}
        self._named: dict[tuple[str, int, bytes], bytes] = {}
        self._suppressed: set[tuple[str, bytes]] = set()
        self._referenced: set[tuple[str, bytes]] = set()
        epochs = frozenset(keys.epochs())
        for reference in keys.references():
            self.found += self._reference(reference, epochs)

    def take(self, rows: Sequence[tuple[EntryRow, str]]) -> Iterator[Finding]:
        """Read the links of the next entries; those of most entries before them are kept no longer.

        Args:
            rows: the entries in the order of their rows, each with its kind as its leaf says.

        Yields:
            The findings.
        """
        for key in self._passing:
            self.links.pop(key, None)
        self._passing = [(row.tenant, row.id) for row, kind in rows if kind not in self._keep]
        by_entry: dict[EntryId, list[LinkRow]] = {}
        for link in self._keys.links_of({(row.tenant, row.id) for row, _ in rows}):
            by_entry.setdefault((link.tenant, link.entry), []).append(link)
            self._count += 1
        for row, kind in rows:
            for link in by_entry.pop((row.tenant, row.id), ()):
                yield from self._link(link, row.ordinal, kind)

    def check_rest(self, find: Callable[[Collection[EntryId]], Collection[EntryId]]) -> Iterator[Finding]:
        """Look for links of no entry, once all entries were taken.

        Args:
            find: tells which of some entries there are.

        Yields:
            The findings.
        """
        if self._count == self._keys.count_links():
            return
        links = iter(self._keys.links())
        while some := list(islice(links, _AT_ONCE)):
            there = find({(link.tenant, link.entry) for link in some})
            for link in some:
                if (link.tenant, link.entry) not in there:
                    yield extra(
                        f"link of entry {name_of(link.entry)}", "a link to an entry that is not there"
                    )

    def check_subjects(self, keyed: Iterable[tuple[str, bytes]]) -> Iterator[Finding]:
        """Check that each subject is named by a reference: without one nobody finds what is linked to it.

        Args:
            keyed: tenant and id of each subject that has a data key.

        Yields:
            The findings.
        """
        with_key = set(keyed)
        # A task's own subject is the keyed hash itself, and needs no row to be found by.
        tasks = {each for each, kinds in self._linked.items() if kinds <= _FOUND_BY_TASK}
        for tenant, subject in sorted(with_key | (self._linked.keys() - tasks)):
            if (tenant, subject) not in self._referenced:
                yield missing(f"reference of subject {name_of(subject)}", "a row of subject_ref")
        for _, subject in sorted(with_key & self._suppressed):
            where = f"reference of subject {name_of(subject)}, column suppression"
            yield altered(where, "0: the subject's data key is there", "1")

    def check_statement(
        self, row: EntryRow, where: str, statement: Statement, owner: bytes
    ) -> Iterator[Finding]:
        """Check whom a statement reaches.

        Args:
            row: its entry.
            where: the entry's name.
            statement: what it says.
            owner: the subject whose key opened it.

        Yields:
            The findings.
        """
        yield from self._owner(row, f"{where}, reference 1", statement.references[0], owner)
        entry = (row.tenant, row.id)
        linked = self.links.get(entry, ())
        found = [self._find(row.tenant, self._keys.hashes(row.tenant, r)) for r in statement.references]
        for number, subject in enumerate(found, start=1):
            # Somebody without an older link was first met later, or was erased and came back: nothing that
            # was said before this entry is theirs.
            if statement.grants or number == 1 or subject is None or subject in linked:
                continue
            if self._since.get((row.tenant, subject), row.ordinal) < row.ordinal:
                yield link_missing(f"{where}, reference {number}", _LINK, "none")
        for subject in found:
            if subject is not None and subject in linked:
                since = self._since.get((row.tenant, subject), row.ordinal)
                self._since[row.tenant, subject] = min(since, row.ordinal)
        hearing = self._hearing.setdefault(row.tenant, Hearing(links=self.links))
        for lost in dict.fromkeys(hearing.lost(entry, where, statement, tuple(found))):
            yield link_missing(lost, "a link to everybody who is the same person", "none")

    def check_call(self, row: EntryRow, where: str, content: Json, owner: bytes | None) -> Iterator[Finding]:
        """Check that a call's entry is found by the call, and who is on it by their reference.

        Args:
            row: the entry.
            where: entry and part.
            content: what the part says.
            owner: the subject whose key opened it; None for a key of the tenant.

        Yields:
            The findings.
        """
        call = call_of(content)
        if call is None:
            yield altered(f"{where}, call", "the name of a call", "none")
            return
        subject = self._find(row.tenant, self._keys.call_hashes(row.tenant, call))
        if subject is None or subject not in self.links.get((row.tenant, row.id), ()):
            yield link_missing(f"{where}, call", "a link of the entry to its call", "none")
        elif (row.tenant, subject) in self._suppressed:
            yield altered(f"reference of subject {name_of(subject)}, column suppression", "0: a call", "1")
        if owner is None:
            return
        first = first_reference(content)
        if first is None:
            yield altered(f"{where}, speaker", "a speaker with a reference", "none")
        else:
            yield from self._owner(row, f"{where}, reference 1", first, owner)

    def check_outcome(self, row: EntryRow, where: str, content: Json) -> Iterator[Finding]:
        """Check that an outcome is found by what its request started.

        Args:
            row: the entry.
            where: entry and part.
            content: what the part says.

        Yields:
            The findings.
        """
        task = content.get("task") if isinstance(content, dict) else None
        if not isinstance(task, str):
            return
        wanted = {value[:_SUBJECT_BYTES] for _, value in self._keys.task_hashes(row.tenant, task)}
        if wanted.isdisjoint(self.links.get((row.tenant, row.id), ())):
            yield link_missing(f"{where}, task", "a link of the entry to the task", "none")

    def _owner(self, row: EntryRow, where: str, first: Reference, owner: bytes) -> Iterator[Finding]:
        """The first reference names the subject under whose key the part lies."""
        subject = self._find(row.tenant, self._keys.hashes(row.tenant, first))
        if subject is None:
            yield missing(where, "a row of subject_ref")
        elif subject != owner:
            yield altered(where, f"a row of subject_ref to {name_of(owner)}", f"one to {name_of(subject)}")

    def _find(self, tenant: str, hashes: Iterable[tuple[int, bytes]]) -> bytes | None:
        found = (self._named.get((tenant, epoch, value)) for epoch, value in hashes)
        return next((subject for subject in found if subject is not None), None)

    def _link(self, row: LinkRow, ordinal: int, kind: str) -> Iterator[Finding]:
        where = f"link of entry {name_of(row.entry)}"
        linked = self.links.setdefault((row.tenant, row.entry), [])
        if row.subject in linked:
            yield extra(where, "a second link to one subject")
        linked.append(row.subject)
        self._linked.setdefault((row.tenant, row.subject), set()).add(kind)
        # A statement may be linked long after it was made, to somebody who turned out to be the same person; the
        # statements that name them say since when they are known.
        if kind != _STATEMENT:
            since = self._since.get((row.tenant, row.subject), ordinal)
            self._since[row.tenant, row.subject] = min(since, ordinal)
        if kind != row.kind:
            yield altered(f"{where}, column kind", kind, row.kind)
        elif kind in _ABOUT_NOBODY:
            yield extra(where, f"a link of an entry of kind {kind}, which is about nobody")

    def _reference(self, row: ReferenceRow, epochs: frozenset[int]) -> Iterator[Finding]:
        where = f"reference of subject {name_of(row.subject)}"
        self._named[row.tenant, row.key_epoch, row.hmac] = row.subject
        self._referenced.add((row.tenant, row.subject))
        if row.key_epoch not in epochs:
            yield altered(f"{where}, column key_epoch", "the epoch of a reference key", str(row.key_epoch))
        if row.suppression not in (0, 1):
            yield altered(f"{where}, column suppression", "0 or 1", str(row.suppression))
        elif row.suppression:
            self._suppressed.add((row.tenant, row.subject))


def link_missing(where: str, expected: str, found: str) -> Finding:
    """Say that an entry lost a link, so that a decision would not meet it.

    Args:
        where: which entry, and how the link is known to have been there.
        expected: what should be there.
        found: what is.

    Returns:
        The finding.
    """
    return Finding(kind="link_missing", where=where, expected=expected, found=found, cure=RESTORE)
