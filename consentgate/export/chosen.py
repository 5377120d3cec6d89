"""Choosing entries: those that were asked for, and those without which they cannot be understood or verified.

::

    1  what the options name
    2  with it, what it answers and what answers it
    3  with each decision, what it read: the call's entries, statements, assertions
    4  with each call's entry, the other entries of that call
    5  who may sign, and the rules: every registry and pack set

Invariants: an entry is chosen at most once. A decision that nobody can open any more brings nothing along.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.export.asked import DECISIONS, Selection
from consentgate.export.unsealing import Held, Opener, content_of
from consentgate.ledger.vault import Vault
from consentgate.moment import parse_uuid
from consentgate.storage import entries, selecting, subjects
from consentgate.storage.entries import EntryRow
from consentgate.values import dataclass

_DECISIVE: Final = ("intent", "denial")
_CONTEXT: Final = ("registry", "packs")
_READ: Final = ("calls", "statements", "assertions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Chooses the entries of one export.

    Attributes:
        connection: of one read.
        tenant: whose entries.
        vault: finds subjects.
        opener: opens decisions.
    """

    connection: Connection
    tenant: str
    vault: Vault
    opener: Opener

    def people(self, selection: Selection) -> frozenset[UUID]:
        """Find whom an export is about.

        Args:
            selection: what was asked for.

        Returns:
            The subjects that its references name.
        """
        return frozenset(self.vault.find(self.connection, selection.subjects).values())

    def choose(self, selection: Selection) -> set[bytes]:
        """Choose.

        Args:
            selection: what was asked for.

        Returns:
            Ids of the entries, 16 bytes each.

        Raises:
            Malformed: something stored cannot be read.
        """
        # 1
        asked = self._asked(selection)
        if not asked:
            return set()
        # 2
        found = self._with_answers(asked)
        # 3
        found |= self._read_by(found)
        # 4
        found |= self._of_calls(found)
        # 5
        for kind in _CONTEXT:
            found |= self._context(kind)
        return found

    def _asked(self, selection: Selection) -> set[bytes]:
        linked = self._linked(selection)
        if linked is not None and not linked:
            return set()
        kinds = _kinds(selection)
        if kinds is not None and not kinds:
            return set()
        if linked is None:
            ends = selection.terms.get("end", frozenset())
            pages = selecting.scan(
                self.connection,
                self.tenant,
                kinds=kinds or (),
                ends=ends,
                since=selection.since,
                until=selection.until,
            )
        else:
            pages = selecting.rows(self.connection, self.tenant, linked)
        found: set[bytes] = set()
        for page in pages:
            found.update(self._fitting(selection, kinds, page))
        return found

    def _linked(self, selection: Selection) -> set[bytes] | None:
        """Entries that every option allows that names whom or what they are about; None without such an option."""
        sets: list[set[bytes]] = []
        if selection.subjects:
            sets.append(selecting.linked_to(self.connection, self.tenant, self.people(selection)))
        if selection.tasks:
            tasks = {each for task in selection.tasks for each in self.vault.task_subjects(task)}
            sets.append(self._with_answers(selecting.linked_to(self.connection, self.tenant, tasks)))
        if selection.calls:
            sets.append(set().union(*(self._about_call(call) for call in selection.calls)))
        named = {parse_uuid(each).bytes for each in selection.decisions if each not in DECISIONS}
        if named:
            sets.append(named)
        return set.intersection(*sets) if sets else None

    def _about_call(self, call: str) -> set[bytes]:
        """A call's own entries, and the decisions about people on it that name the call."""
        subject = self.vault.find_call(self.connection, call)
        if subject is None:
            return set()
        events = selecting.linked_to(self.connection, self.tenant, [subject])
        found = subjects.subjects_of(
            self.connection, self.tenant, [UUID(bytes=each) for each in sorted(events)]
        )
        people = {each for linked in found.values() for each in linked if each != subject}
        others = selecting.linked_to(self.connection, self.tenant, people)
        for page in selecting.rows(self.connection, self.tenant, others - events):
            for held, decisions in self._decisions(page):
                if any(decision.get("call") == call for decision in decisions):
                    events.add(held.row.id.bytes)
        return self._with_answers(events)

    def _fitting(
        self, selection: Selection, kinds: Collection[str] | None, page: Sequence[EntryRow]
    ) -> Iterator[bytes]:
        ends = selection.terms.get("end", frozenset())
        rows = [
            row
            for row in page
            if (kinds is None or row.kind in kinds)
            and (not ends or row.end in ends)
            and (selection.since is None or row.at >= selection.since)
            and (selection.until is None or row.at < selection.until)
        ]
        inside = _inside(selection)
        if not inside:
            yield from (row.id.bytes for row in rows)
            return
        for held, decisions in self._decisions(rows):
            if any(all(values & _told(each, name) for name, values in inside.items()) for each in decisions):
                yield held.row.id.bytes

    def _decisions(self, rows: Sequence[EntryRow]) -> Iterator[tuple[Held, list[Mapping[str, Json]]]]:
        """Open what was decided, for each intent and denial among the rows."""
        for held in self.opener.hold(self.connection, [row for row in rows if row.kind in _DECISIVE]):
            yield held, decisions_of(held)

    def _with_answers(self, found: set[bytes]) -> set[bytes]:
        found, new = set(found), set(found)
        while new:
            more = selecting.answers_to(self.connection, self.tenant, new)
            more |= selecting.answered_by(self.connection, self.tenant, new)
            new = more - found
            found |= new
        return found

    def _read_by(self, found: set[bytes]) -> set[bytes]:
        read: set[bytes] = set()
        decided = selecting.of_kinds(self.connection, self.tenant, found, _DECISIVE)
        for page in selecting.rows(self.connection, self.tenant, decided):
            for _, decisions in self._decisions(page):
                for decision in decisions:
                    for name in _READ:
                        read.update(_ids(decision.get(name)))
        return read - found

    def _of_calls(self, found: set[bytes]) -> set[bytes]:
        events = selecting.of_kinds(self.connection, self.tenant, found, ("call",))
        calls: set[UUID] = set()
        for some in selecting.batches(sorted(events)):
            linked = subjects.subjects_of(self.connection, self.tenant, [UUID(bytes=each) for each in some])
            named = {each for every in linked.values() for each in every}
            # A person has a data key; a call has none.
            calls |= named - subjects.data_keys(self.connection, self.tenant, named).keys()
        return selecting.linked_to(self.connection, self.tenant, calls) - found

    def _context(self, kind: str) -> set[bytes]:
        found: set[bytes] = set()
        after = 0
        while rows := entries.tenant_wide(self.connection, self.tenant, kind, after=after):
            found.update(row.id.bytes for row in rows)
            after = rows[-1].ordinal
        return found


def decisions_of(held: Held) -> list[Mapping[str, Json]]:
    """Open what was decided in an intent or a denial.

    Args:
        held: the entry.

    Returns:
        What each part about a decision says that can be opened.

    Raises:
        Malformed: a part cannot be read.
    """
    found: list[Mapping[str, Json]] = []
    for part in held.parts:
        what = part.ref.p.partition(".")[0]
        if part.key is None or what not in ("decision", "body"):
            continue
        content = content_of(part.open())
        decision = content.get("decision") if what == "body" else content
        if isinstance(decision, Mapping):
            found.append(decision)
    return found


def _kinds(selection: Selection) -> frozenset[str] | None:
    """The kinds that can fit; None means all."""
    asked = selection.terms.get("kind")
    words = {"allowed": "intent", "denied": "denial"}
    decided = frozenset(words[each] for each in selection.decisions if each in words)
    if not decided and (_inside(selection) or selection.decisions):
        decided = frozenset(_DECISIVE)
    if not decided:
        return asked
    return decided if asked is None else asked & decided


def _inside(selection: Selection) -> dict[str, frozenset[str]]:
    """What only an opened decision tells."""
    inside = {name: values for name, values in selection.terms.items() if name not in ("kind", "end")}
    if selection.jurisdictions:
        inside["jurisdiction"] = frozenset(selection.jurisdictions)
    return inside


def _told(decision: Mapping[str, Json], name: str) -> frozenset[str]:
    inner = decision.get("decision")
    own = inner if isinstance(inner, Mapping) else decision
    if name == "jurisdiction":
        codes = own.get("candidates")
        return (
            frozenset(each for each in codes if isinstance(each, str))
            if isinstance(codes, list)
            else frozenset()
        )
    if name == "reason":
        reasons = own.get("reasons")
        listed = reasons if isinstance(reasons, list) else []
        return frozenset(str(each.get("code")) for each in listed if isinstance(each, Mapping))
    value = decision.get(name)
    return frozenset([value]) if isinstance(value, str) else frozenset()


def _ids(listed: Json) -> Iterator[bytes]:
    for each in listed if isinstance(listed, list) else []:
        try:
            yield parse_uuid(str(each)).bytes
        except Malformed:
            # What is no id names no entry; whether that is right, verification says.
            continue
