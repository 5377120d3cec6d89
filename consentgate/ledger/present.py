"""Who is in question for a decision: everybody on the legs of a call, or everybody whose voice a task may hold.

Invariant: what is not known of somebody who may be in question makes the leg unknown; nobody is left out in silence.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from consentgate.ledger import controller
from consentgate.ledger.calls import CallState, LegName
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.ledger.tasks import TaskRecord
from consentgate.policy.assertions import Assertion
from consentgate.storage.subjects import LinkedEntry
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in question.

    Attributes:
        leg: where the person is or was.
        number: the speaker's number on that leg, from 1.
        speaker: who it is.
    """

    leg: LegName
    number: int
    speaker: Speaker


def people_on(state: CallState | None, legs: Sequence[LegName]) -> tuple[Person, ...]:
    """List who is on some legs.

    Args:
        state: the call, or None when nobody registered it.
        legs: the legs.

    Returns:
        The speakers.
    """
    if state is None:
        return ()
    there = [(leg, on) for leg in legs if not isinstance(on := state.legs.get(leg, ()), Nobody)]
    return tuple(Person(leg=leg, number=n, speaker=s) for leg, on in there for n, s in enumerate(on, 1))


def unknown_legs(state: CallState | None, legs: Sequence[LegName]) -> tuple[LegName, ...]:
    """List the legs in question of which nothing is known.

    Args:
        state: the call, or None when nobody registered it.
        legs: the legs.

    Returns:
        Those legs; all of them where somebody on the call was erased.
    """
    if state is None:
        return tuple(legs)
    return tuple(leg for leg in legs if state.erased or leg not in state.legs)


def people_of(
    record: TaskRecord, state: CallState | None, later: CallState | None, legs: Sequence[LegName]
) -> tuple[tuple[LegName, ...], tuple[Person, ...]]:
    """List everybody whose voice a task may hold.

    Args:
        record: the task.
        state: its call.
        later: what was told of the call after the task was asked for, or None for nothing.
        legs: the legs that the task listened to.

    Returns:
        The legs of which that is not known, and the speakers: whom the task was decided for, and who joined since.
    """
    if state is None or state.erased or record.erased or (later is not None and later.erased):
        return tuple(legs), ()
    wanted = {references[0] for references in record.speakers}
    found: list[Person] = []
    for leg in legs:
        joined = {speaker.first for speaker in _heard(later, leg)} if later is not None else set()
        there = [s for s in _heard(state, leg) if s.first in wanted or s.first in joined]
        found += [Person(leg=leg, number=n, speaker=s) for n, s in enumerate(there, 1)]
    missing = not wanted or not wanted <= {person.speaker.first for person in found}
    return (tuple(legs), ()) if missing else ((), tuple(found))


def asserted_of(
    said: Sequence[LinkedEntry], keys: Mapping[UUID, bytes], own: UUID | None
) -> tuple[Assertion, ...]:
    """Read what was asserted about a person.

    Args:
        said: what reaches the person.
        keys: data keys by subject.
        own: the subject of the person's first reference, or None.

    Returns:
        The assertions. They only ever add reasons: like a refusal, they count under any reference.
    """
    opened = (
        controller.assertion_of(linked.row, [keys[s] for s in linked.subjects if s in keys], own)
        for linked in said
        if linked.row.kind == "assertion"
    )
    return tuple(assertion for assertion in opened if assertion is not None)


def _heard(state: CallState, leg: LegName) -> tuple[Speaker, ...]:
    """Who is on a leg or was: leaving does not take a voice out of what was heard."""
    gone = [s for s in state.gone.get(leg, ()) if all(s.first != on.first for on in state.on(leg))]
    return (*state.on(leg), *{s.first: s for s in gone}.values())
