"""Delivery at least once and in no order: whatever arrives however often, the state is the same.

On SQLite alone: what is proved is the fold and the ids, and both databases append by the same tests
(test_progress.py, test_notifications.py).
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consentgate.ledger.progress import TaskState, state_of
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.events import WRAPPINGS, Event
from tests.functional.gate.conftest import World

pytestmark = pytest.mark.sqlite_file

NUMBERS: Iterator[int] = iter(range(1_000_000))
STATUSES = (
    "IdentificationSuccessful",
    "IdentificationNoMatchesFound",
    "VoiceprintGenerationSuccess",
    "VoiceprintGenerationSuccessful",
    "VoiceprintGenerationFailure",
    "STOPPED",
    "FAILED",
    "a word that nobody knows",
)


def life(seed: int, transaction: str, task: str) -> list[Event]:
    """What the vendor tells of one task, in the order of its own time or not."""
    chosen = random.Random(seed)
    told = []
    for number in range(chosen.randint(1, 6)):
        at = START + timedelta(seconds=chosen.randint(0, 4))
        matches = [("vp-1", 0.9)] if chosen.random() < 0.5 else None
        event = events.search_event(
            task, chosen.choice(STATUSES), at=at, matches=matches, transaction=transaction
        )
        told.append(event | {"id": f"event-{number}"})
    if chosen.random() < 0.3:
        told.append(
            events.post_call_event(transaction, at=START + timedelta(minutes=5)) | {"id": "event-post-call"}
        )
    return told


def shown(state: TaskState) -> tuple[Any, ...]:
    """The state, without ids that are another's for another task."""
    sightings = sorted((each.status, each.at, each.results) for each in state.sightings)
    return (state.status, state.at, state.ended, state.results, sightings)


def followed(world: World, deliver: list[Any], seed: int) -> TaskState:
    """Search anew, hand in what arrives, and give the state."""
    number = next(NUMBERS)
    transaction = f"tx-shuffled-{number}"
    world.register(transaction, world.caller())
    task = world.search(transaction)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    told = life(seed, transaction, task)
    intent: UUID = world.opened("intent")[-1][0].id
    for which, wrapping in deliver:
        wrap = list(WRAPPINGS.values())[wrapping % len(WRAPPINGS)]
        (item,) = world.gate.notify(wrap(told[which % len(told)])).items
        assert item.intents == (intent,)
        assert item.bypasses == ()
    with world.gate._parts.database.read() as connection:
        found = state_of(world.gate._parts.book, connection, intent)
    world.server.finish(task)
    return found


@pytest.fixture
def consented(world: World) -> World:
    """A caller who may be searched."""
    world.ivr.grant(world.caller(), notice="voiceprint", method="ivr_dtmf")
    return world


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(seed=st.integers(0, 1 << 30), data=st.data())
def test_any_shuffle_and_duplication_gives_the_same_state(
    consented: World, seed: int, data: st.DataObject
) -> None:
    count = len(life(seed, "", ""))
    again = data.draw(st.lists(st.integers(0, count - 1), max_size=6))
    order = data.draw(st.permutations([*range(count), *again]))
    wrapped = data.draw(st.lists(st.integers(0, 6), min_size=len(order), max_size=len(order)))
    once = followed(consented, [(number, 0) for number in range(count)], seed)
    shuffled = followed(consented, list(zip(order, wrapped, strict=True)), seed)
    assert shown(once) == shown(shuffled)


def test_a_redelivered_batch_writes_nothing_new(consented: World) -> None:
    consented.register("tx-1", consented.caller())
    task = consented.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    batch = events.in_sqs(*life(7, "tx-1", task))
    first = consented.gate.notify(batch)
    second = consented.gate.notify(batch)
    assert {each.fate for each in first.items} == {"kept"}
    assert {each.fate for each in second.items} == {"known"}
    assert len(consented.opened("observation")) == len(first.items)
