"""Step 2: everything that one decision reads, in one snapshot, with the versions of what was read.

Rows are only ever added, but for erasure, so counts are versions. `Seen` is compared again inside the
transaction that appends the decision: what changed in between makes it read and decide anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from consentgate.consent.reference import Reference
from consentgate.consent.state import Received
from consentgate.errors import Malformed
from consentgate.ledger import calls, controller, statements
from consentgate.ledger.book import Book
from consentgate.ledger.calls import LEGS, CallState, LegName
from consentgate.ledger.controller import Controller
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.ledger.uses import count_uses
from consentgate.ledger.vault import Subject
from consentgate.policy.assertions import Assertion
from consentgate.policy.facts import Uses
from consentgate.storage import entries, subjects
from consentgate.storage.interactions import latest_at
from consentgate.storage.subjects import LinkedEntry

_READ_KINDS: Final = frozenset({"assertion", "call", "statement"})
# Of calls only the time of the one before matters, which has a query of its own.
_SAID_KINDS: Final = frozenset({"assertion", "statement"})
# Grants that limit their uses depend on these too.
_USE_KINDS: Final = frozenset({"intent", "outcome"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The versions of what was read.

    Attributes:
        call: the call's name.
        references: the references that were looked up.
        subjects: what they and the call resolved to.
        links: number of entries per subject and kind.
        controller: number of tenant-wide entries per kind.
        uses: whether intents and outcomes count too.
    """

    call: str | None = field(repr=False)
    references: tuple[Reference, ...] = field(repr=False)
    uses: bool
    subjects: frozenset[UUID]
    links: tuple[tuple[UUID, str, int], ...]
    controller: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnLeg:
    """One speaker of the request, with what was said by and about them.

    Attributes:
        leg: where the person is.
        number: the speaker's number on that leg, from 1.
        speaker: who it is.
        subject: the speaker's subject with its key, or None where the ledger has none.
        reached: every subject that one of the speaker's references names.
        received: their statements, in commit order.
        asserted: assertions about them.
        last_interaction_at: the interaction before this call, or None.
        uses: how often grants that limit their uses were used.
    """

    leg: LegName
    number: int
    speaker: Speaker
    subject: Subject | None = field(repr=False)
    reached: frozenset[UUID]
    received: tuple[Received, ...] = field(repr=False)
    asserted: tuple[Assertion, ...]
    last_interaction_at: datetime | None
    uses: tuple[Uses, ...]

    @property
    def name(self) -> str:
        """How the speaker is called towards people: never by a reference."""
        return f"{self.leg} {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one decision reads.

    Attributes:
        call: the call, or None when nobody registered it.
        unknown_legs: legs in question of which nothing is known.
        speakers: everybody on the legs in question.
        controller: the controller's side.
        seen: the versions.
    """

    call: CallState | None
    unknown_legs: tuple[LegName, ...]
    speakers: tuple[OnLeg, ...]
    controller: Controller
    seen: Seen


class Reader:
    """Reads for decisions; keeps the controller's side while its counts stand."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._kept: tuple[tuple[tuple[str, int], ...], Controller] | None = None

    def read(self, connection: Connection, call: str | None, leg: LegName | None) -> Reading:
        """Read everything for a decision.

        Args:
            connection: an open snapshot.
            call: the call's name, or None when the request names none.
            leg: the leg in question, or None for both.

        Returns:
            What was read.

        Raises:
            Malformed: something stored cannot be read.
        """
        state = calls.read(self._book, connection, call) if call is not None else None
        legs = LEGS if leg is None else (leg,)
        known: Mapping[LegName, tuple[Speaker, ...] | Nobody] = state.legs if state else {}
        unknown = tuple(name for name in legs if name not in known or (state and state.erased))
        on = [(name, speakers) for name in legs if not isinstance(speakers := known.get(name, ()), Nobody)]
        people = [(name, i, s) for name, there in on for i, s in enumerate(there, 1)]
        references = tuple(dict.fromkeys(r for _, _, s in people for r in s.known_as))
        side = self._keep(connection)
        judged = tuple(self.on_leg(connection, state, side, *person) for person in people)
        return Reading(
            call=state,
            unknown_legs=unknown,
            speakers=judged,
            controller=side,
            seen=self.observe(connection, call, references, uses=any(one.uses for one in judged)),
        )

    def observe(
        self, connection: Connection, call: str | None, references: Sequence[Reference], *, uses: bool
    ) -> Seen:
        """Read the versions alone.

        Args:
            connection: an open transaction.
            call: the call's name, or None.
            references: every reference of every speaker.
            uses: whether intents and outcomes count too.

        Returns:
            The versions as they are now.
        """
        book = self._book
        found = set(book.vault.find(connection, references).values())
        named = book.vault.find_call(connection, call) if call is not None else None
        reached = frozenset(found | ({named} if named else set()))
        links = subjects.counts(connection, book.tenant, reached)
        kinds = _READ_KINDS | _USE_KINDS if uses else _READ_KINDS
        return Seen(
            call=call,
            references=tuple(references),
            uses=uses,
            subjects=reached,
            links=tuple(sorted((s, kind, n) for (s, kind), n in links.items() if kind in kinds)),
            controller=self._counts(connection),
        )

    def still(self, connection: Connection, seen: Seen) -> bool:
        """Compare versions with what stands now.

        Args:
            connection: an open transaction.
            seen: versions read before.

        Returns:
            Whether nothing that was read has changed.
        """
        return self.observe(connection, seen.call, seen.references, uses=seen.uses) == seen

    def controller(self, connection: Connection) -> Controller:
        """Read the controller's side.

        Args:
            connection: an open transaction.

        Returns:
            What stands.
        """
        counts = self._counts(connection)
        kept = self._kept
        return kept[1] if kept is not None and kept[0] == counts else controller.read(self._book, connection)

    def _keep(self, connection: Connection) -> Controller:
        """Read the controller's side and keep it; never from a write transaction, which may be rolled back."""
        side = self.controller(connection)
        self._kept = (self._counts(connection), side)
        return side

    def _counts(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        return tuple(sorted(entries.counts_by_kind(connection, self._book.tenant, controller.KINDS).items()))

    def on_leg(
        self,
        connection: Connection,
        state: CallState | None,
        side: Controller,
        leg: LegName,
        number: int,
        speaker: Speaker,
    ) -> OnLeg:
        """Read what was said by and about one speaker.

        Args:
            connection: an open snapshot.
            state: the call, or None where there is none.
            side: the controller's side.
            leg: where the person is.
            number: the speaker's number on that leg, from 1.
            speaker: who it is.

        Returns:
            The speaker with statements, assertions, the interaction before, and uses.

        Raises:
            Malformed: something stored cannot be read.
        """
        book = self._book
        named = book.vault.find(connection, speaker.known_as)
        found = subjects.entries_of(connection, book.tenant, frozenset(named.values()), _SAID_KINDS)
        own = named.get(speaker.first)
        wanted = {s for linked in found for s in linked.subjects} | ({own} if own else set())
        keys = book.vault.data_keys(connection, tuple(wanted))
        received = self._received(connection, found, keys, side)
        return OnLeg(
            leg=leg,
            number=number,
            speaker=speaker,
            subject=Subject(id=own, data_key=keys[own]) if own in keys else None,
            reached=frozenset(named.values()),
            received=received,
            asserted=_asserted(found, keys, own),
            last_interaction_at=speaker.last_interaction_at or self._previous_call(connection, own, state),
            uses=count_uses(book, connection, own, received) if own else (),
        )

    def _received(
        self,
        connection: Connection,
        found: Sequence[LinkedEntry],
        keys: Mapping[UUID, bytes],
        side: Controller,
    ) -> tuple[Received, ...]:
        said = [linked for linked in found if linked.row.kind == "statement"]
        received = statements.received(self._book, connection, said, keys, side.registry)
        if len(received) != len(said):
            # It may be a refusal: who cannot be read has not consented.
            raise Malformed(
                "A statement that reaches this speaker cannot be opened: run `consentgate verify`."
            )
        return received

    def _previous_call(
        self, connection: Connection, own: UUID | None, state: CallState | None
    ) -> datetime | None:
        """The call before this one: the call being searched does not revive data that should be gone."""
        if own is None:
            return None
        before = state.since if state else None
        return latest_at(connection, self._book.tenant, own, "call", before=before)


def _asserted(
    found: Sequence[LinkedEntry], keys: Mapping[UUID, bytes], own: UUID | None
) -> tuple[Assertion, ...]:
    """Assertions about a person only ever add reasons: like a refusal, they count under any reference."""
    opened = (
        controller.assertion_of(linked.row, [keys[s] for s in linked.subjects if s in keys], own)
        for linked in found
        if linked.row.kind == "assertion"
    )
    return tuple(assertion for assertion in opened if assertion is not None)
