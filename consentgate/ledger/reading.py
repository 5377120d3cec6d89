"""What one decision reads, as values, with the version of what was read.

Rows are only ever added, but for erasure, so counts are a version. `Seen` is compared again inside the
transaction that appends the decision: what changed in between makes it read and decide anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from consentgate.consent.reference import Reference
from consentgate.consent.state import Received
from consentgate.ledger.calls import CallState, LegName
from consentgate.ledger.controller import Controller
from consentgate.ledger.speaker import Speaker
from consentgate.ledger.tasks import TaskRecord
from consentgate.ledger.vault import Subject
from consentgate.policy.assertions import Assertion
from consentgate.policy.facts import Uses
from consentgate.storage import versions
from consentgate.values import dataclass

READ_KINDS: Final = frozenset({"assertion", "statement"})
"""Kinds of entries about people that every decision reads; of calls it reads the events of the one in question."""

USE_KINDS: Final = frozenset({"intent", "outcome"})
"""Kinds that decisions by grants with a limit of uses read too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The version of what was read.

    Attributes:
        call: the call's name.
        references: the references that were looked up.
        hmacs: keyed hashes of the references.
        calls: keyed hashes of the call's name.
        uses: whether intents and outcomes count too.
        subjects: what they and the call resolved to.
        links: number of entries per subject and kind.
        controller: number of tenant-wide entries per kind.
    """

    call: str | None = field(repr=False)
    references: tuple[Reference, ...] = field(repr=False)
    hmacs: tuple[bytes, ...] = field(repr=False)
    calls: tuple[bytes, ...] = field(repr=False)
    uses: bool
    subjects: frozenset[UUID]
    links: Mapping[tuple[UUID, str], int]
    controller: Mapping[str, int]

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of entries whose links count."""
        return READ_KINDS | USE_KINDS if self.uses else READ_KINDS

    @property
    def version(self) -> str:
        """The same as one text."""
        return versions.text(self.subjects, self.links, self.controller)

    def after(self, kind: str, about: Collection[UUID]) -> "Seen":
        """Give what stands once an entry of our own is there: it must not look like a change.

        Args:
            kind: the entry's kind.
            about: the subjects that it is linked to.

        Returns:
            The version then.
        """
        if kind not in self.kinds:
            return self
        added = {(s, kind): self.links.get((s, kind), 0) + 1 for s in about if s in self.subjects}
        return replace(self, links={**self.links, **added})


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
        seen: the version.
        task: the record that told who the speakers are, or None where the call did.
    """

    call: CallState | None
    unknown_legs: tuple[LegName, ...]
    speakers: tuple[OnLeg, ...]
    controller: Controller
    seen: Seen
    task: TaskRecord | None = None
