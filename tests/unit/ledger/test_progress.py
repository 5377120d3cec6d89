"""A task's state is the fold of what was seen of it: no order and no repetition changes it."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.ledger.progress import CALL_OVER, ENDED, Sighting, TaskState, fold, is_end
from consentgate.testing.clock import START

STATUSES = ["IN_QUEUE", "IN_PROGRESS", "PARTIAL_SUCCESS", "IdentificationSuccessful", "a new word"]


def sighting(number: int, status: str, minute: int | None, *, results: bool = False) -> Sighting:
    """One thing that was seen."""
    return Sighting(
        entry=UUID(int=number),
        status=status,
        at=None if minute is None else START + timedelta(minutes=minute),
        results=results,
        task="task-1",
        source="poll",
    )


sightings = st.builds(
    sighting,
    st.integers(0, 1 << 100),
    st.sampled_from([*STATUSES, *sorted(ENDED), CALL_OVER]),
    st.none() | st.integers(0, 5),
    results=st.booleans(),
)


@given(st.lists(sightings, max_size=8, unique_by=lambda each: each.entry), st.data())
def test_no_order_and_no_repetition_changes_the_state(seen: list[Sighting], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(seen), max_size=8)) if seen else []
    shuffled = data.draw(st.permutations([*seen, *again]))
    assert fold(shuffled) == fold(seen)


@given(st.lists(sightings, min_size=1, max_size=8, unique_by=lambda each: each.entry), sightings)
def test_an_end_stands_for_ever(seen: list[Sighting], later: Sighting) -> None:
    if fold(seen).ended:
        assert fold([*seen, later]).ended


def test_nothing_seen_is_no_status() -> None:
    assert fold([]) == TaskState()


def test_the_latest_by_the_vendors_time_stands() -> None:
    state = fold([sighting(1, "PARTIAL_SUCCESS", 2), sighting(2, "IN_PROGRESS", 1, results=True)])
    assert (state.status, state.at, state.ended) == ("PARTIAL_SUCCESS", START + timedelta(minutes=2), False)
    assert state.results
    assert state.task == "task-1"


def test_what_has_no_time_is_the_oldest() -> None:
    assert fold([sighting(1, "IN_QUEUE", None), sighting(2, "IN_PROGRESS", 0)]).status == "IN_PROGRESS"


def test_the_first_end_stands_against_all_that_is_seen_later() -> None:
    seen = [sighting(1, "STOPPED", 3), sighting(2, "SUCCEEDED", 2), sighting(3, "IN_PROGRESS", 9)]
    assert fold(seen).status == "SUCCEEDED"


def test_the_end_of_the_call_says_less_than_the_end_of_the_task() -> None:
    seen = [sighting(1, CALL_OVER, 1), sighting(2, "SUCCEEDED", 2)]
    assert fold(seen).status == "SUCCEEDED"
    assert fold(seen[:1]).ended


@pytest.mark.parametrize("status", ["PARTIAL_SUCCESS", "VoiceprintGenerationSuccessful", "succeeded", ""])
def test_a_word_that_is_no_documented_end_ends_nothing(status: str) -> None:
    assert not is_end(status)


def test_who_saw_it_first_makes_no_difference() -> None:
    one = sighting(1, "IN_PROGRESS", 1)
    other = Sighting(
        entry=one.entry, status=one.status, at=one.at, results=False, task=one.task, source="notification"
    )
    assert fold([one]) == fold([other])
