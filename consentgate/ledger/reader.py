"""Step 2: reads everything for one decision, in one statement.

Invariant: the version is never newer than what was read. What cannot come with the first statement (issuers and
packs that are new here, uses of a grant) is read after it; a change in between is found when the version is compared.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from consentgate.consent.reference import Reference
from consentgate.consent.state import Received
from consentgate.errors import Malformed
from consentgate.ledger import calls, controller, statements
from consentgate.ledger.book import Book
from consentgate.ledger.calls import LEGS, CallState, LegName
from consentgate.ledger.controller import Controller
from consentgate.ledger.present import Person, asserted_of, people_of, people_on, unknown_legs
from consentgate.ledger.reading import READ_KINDS, USE_KINDS, OnLeg, Reading, Seen
from consentgate.ledger.speaker import Speaker
from consentgate.ledger.tasks import TaskRecord
from consentgate.ledger.uses import count_uses
from consentgate.ledger.vault import BODY, Subject
from consentgate.moment import from_millis
from consentgate.storage import entries, locks, versions
from consentgate.storage.glance import Glance, glance
from consentgate.storage.guarded import Guard
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A glance with its keys unwrapped and its references by hash."""

    found: Glance
    keys: Mapping[UUID, bytes]
    known: Mapping[bytes, UUID]
    side: Controller


class Reader:
    """Reads for decisions; keeps the controller's side while its counts stand."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kept: tuple[Mapping[str, int], Controller] | None = None
        self._body: bytes | None = None

    def read(self, connection: Connection, call: str | None, leg: LegName | None) -> Reading:
        """Read everything for a decision.

        Args:
            connection: of `Database.glance`.
            call: the call's name, or None when the request names none.
            leg: the leg in question, or None for both.

        Returns:
            What was read.

        Raises:
            Malformed: something stored cannot be read.
        """
        return self._read(connection, call, LEGS if leg is None else (leg,), ())

    def read_task(self, connection: Connection, record: TaskRecord, leg: LegName | None) -> Reading:
        """Read everything for a decision about the people whose voices a task may hold.

        Args:
            connection: of `Database.glance`.
            record: the task.
            leg: the leg that it listened to, or None for both.

        Returns:
            What was read: who was on the leg when the task was asked for, and whoever joined it since.

        Raises:
            Malformed: something stored cannot be read.
        """
        return self._read(connection, record.call, LEGS if leg is None else (leg,), (), record)

    def read_alone(self, connection: Connection, speaker: Speaker) -> Reading:
        """Read about a speaker who is on no call.

        Args:
            connection: of `Database.glance`.
            speaker: who.

        Returns:
            What was read, with the person as the first on the caller leg.

        Raises:
            Malformed: something stored cannot be read.
        """
        return self._read(connection, None, (), (Person(leg="Caller", number=1, speaker=speaker),))

    def controller(self, connection: Connection) -> Controller:
        """Read the controller's side.

        Args:
            connection: any; what is read here is not kept, since a write transaction may be rolled back.

        Returns:
            What stands.
        """
        kept = self._kept
        counts = entries.counts_by_kind(connection, self._book.tenant, versions.CONTROLLER_KINDS)
        return kept[1] if kept is not None and kept[0] == counts else controller.read(self._book, connection)

    def still(self, connection: Connection, seen: Seen) -> bool:
        """Compare a version with what stands now.

        Args:
            connection: any; on PostgreSQL one statement is run.
            seen: what was read before.

        Returns:
            Whether nothing that was read has changed.
        """
        book = self._book
        epochs = book.vault.epochs
        now = versions.read(
            connection, book.tenant, epochs=epochs, hmacs=seen.hmacs, kinds=seen.kinds, calls=seen.calls
        )
        return now == seen.version

    def guard(self, connection: Connection, seen: Seen) -> Guard:
        """Say what must stand while a decision is appended.

        Args:
            connection: the one that appends.
            seen: what the decision read.

        Returns:
            The locks and the version. Uses are counted one after the other, so they take the locks alone.
        """
        vault = self._book.vault
        people = others = frozenset[int]()
        if locks.are_needed(connection):
            people = vault.lock_numbers(seen.references)
            others = vault.lock_numbers((), call=seen.call, controller=True)
        return Guard(
            shared=others if seen.uses else others | people,
            alone=people if seen.uses else frozenset(),
            epochs=vault.epochs,
            hmacs=seen.hmacs,
            kinds=tuple(sorted(seen.kinds)),
            calls=seen.calls,
            version=seen.version,
        )

    def _read(
        self,
        connection: Connection,
        call: str | None,
        legs: Sequence[LegName],
        given: Sequence[Person],
        record: TaskRecord | None = None,
    ) -> Reading:
        hashes = {r: self._book.vault.hashes(r.kind, r.value) for p in given for r in p.speaker.known_as}
        uses = asked = False
        while True:
            read = self._glance(connection, call, [h for each in hashes.values() for h in each], uses=uses)
            state = self._state(connection, read)
            if record is None:
                unknown, there = unknown_legs(state, legs), people_on(state, legs)
            else:
                unknown, there = people_of(record, state, self._state(connection, read, record.ordinal), legs)
            people = (*given, *there)
            hashes = {r: self._book.vault.hashes(r.kind, r.value) for p in people for r in p.speaker.known_as}
            if not asked and any(read.known.keys().isdisjoint(each) for each in hashes.values()):
                # Somebody's reference is not linked to the call any more: look for it by name.
                asked = True
                continue
            speakers = tuple(self._on_leg(connection, read, person, hashes) for person in people)
            if not uses and any(one.uses for one in speakers):
                uses = True
                continue
            return Reading(
                call=state,
                unknown_legs=unknown,
                speakers=speakers,
                controller=read.side,
                seen=self._seen(read, call, hashes, uses=uses),
                task=record,
            )

    def _glance(
        self, connection: Connection, call: str | None, hmacs: Collection[bytes], *, uses: bool
    ) -> _Read:
        vault = self._book.vault
        found = glance(
            connection,
            self._book.tenant,
            epochs=vault.epochs,
            calls=vault.call_hashes(call) if call is not None else (),
            hmacs=hmacs,
            kinds=READ_KINDS | USE_KINDS if uses else READ_KINDS,
            tenant_wide=versions.CONTROLLER_KINDS,
        )
        return _Read(
            found=found,
            keys={subject: vault.unwrap(row) for subject, row in found.keys.items()},
            known=found.references,
            side=self._side(connection, found.controller),
        )

    def _side(self, connection: Connection, counts: Mapping[str, int]) -> Controller:
        kept = self._kept
        if kept is not None and kept[0] == counts:
            return kept[1]
        side = controller.read(self._book, connection)
        self._kept = (counts, side)
        return side

    def _state(self, connection: Connection, read: _Read, after: int = 0) -> CallState | None:
        if read.found.call is None:
            return None
        if self._body is None:
            self._body = self._book.vault.find_key(connection, BODY)
        events = [each for each in read.found.events if each.row.ordinal > after]
        return calls.state_of(read.found.call, events, read.keys, self._body)

    def _seen(
        self, read: _Read, call: str | None, hashes: Mapping[Reference, Sequence[bytes]], *, uses: bool
    ) -> Seen:
        hmacs = [h for each in hashes.values() for h in each]
        reached = {read.known[h] for h in hmacs if h in read.known}
        links = {key: count for key, count in read.found.links.items() if key[0] in reached}
        if read.found.call is not None:
            reached.add(read.found.call)
            links[read.found.call, "call"] = len(read.found.events)
        return Seen(
            call=call,
            references=tuple(hashes),
            hmacs=tuple(hmacs),
            calls=self._book.vault.call_hashes(call) if call is not None else (),
            uses=uses,
            subjects=frozenset(reached),
            links=links,
            controller=read.found.controller,
        )

    def _on_leg(
        self,
        connection: Connection,
        read: _Read,
        person: Person,
        hashes: Mapping[Reference, Sequence[bytes]],
    ) -> OnLeg:
        speaker = person.speaker
        named = {r: read.known[h] for r in speaker.known_as for h in hashes[r] if h in read.known}
        own = named.get(speaker.first)
        reached = frozenset(named.values())
        said = [linked for linked in read.found.said if not reached.isdisjoint(linked.subjects)]
        received = self._received(connection, said, read)
        before = read.found.before.get(own) if own else None
        return OnLeg(
            leg=person.leg,
            number=person.number,
            speaker=speaker,
            subject=Subject(id=own, data_key=read.keys[own]) if own and own in read.keys else None,
            reached=reached,
            received=received,
            asserted=asserted_of(said, read.keys, own),
            last_interaction_at=speaker.last_interaction_at or (written_at(before) if before else None),
            uses=count_uses(self._book, connection, own, received) if own else (),
        )

    def _received(
        self, connection: Connection, said: Sequence[LinkedEntry], read: _Read
    ) -> tuple[Received, ...]:
        stated = [linked for linked in said if linked.row.kind == "statement"]
        received = statements.received(self._book, connection, stated, read.keys, read.side.registry)
        if len(received) != len(stated):
            # It may be a refusal: who cannot be read has not consented.
            raise Malformed(
                "A statement that reaches this speaker cannot be opened: run `consentgate verify`."
            )
        return received


def written_at(entry: UUID) -> datetime:
    """Read the time in an entry's id (RFC 9562): when it was appended.

    Args:
        entry: the id.

    Returns:
        The time, UTC, in whole milliseconds.
    """
    return from_millis(entry.int >> 80)
