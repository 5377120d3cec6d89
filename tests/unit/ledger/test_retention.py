"""What the vendor holds, and when it is due to go: 24 hours, 7 days, 3 years."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from consentgate.ledger.progress import TaskState
from consentgate.ledger.retention import of_profile, of_task, still
from consentgate.testing.clock import START

SEARCH = "StartSpeakerSearchTask"
ENDED_AT = START + timedelta(minutes=2)
ENDED = TaskState(status="SUCCEEDED", at=ENDED_AT, ended=True)


def test_an_embedding_goes_a_day_after_its_search_and_results_a_week_after() -> None:
    embedding, results = of_task(SEARCH, START, ENDED)
    assert (embedding.what, embedding.since, embedding.until) == (
        "embedding",
        ENDED_AT,
        ENDED_AT + timedelta(days=1),
    )
    assert (results.what, results.since, results.until) == ("results", ENDED_AT, ENDED_AT + timedelta(days=7))
    assert embedding.told
    assert results.told


@pytest.mark.parametrize(
    "state",
    [
        TaskState(),
        TaskState(status="IN_PROGRESS", at=ENDED_AT),
        TaskState(status="SUCCEEDED", at=None, ended=True),
    ],
)
def test_where_the_end_is_not_known_it_counts_from_the_longest_call(state: TaskState) -> None:
    embedding, results = of_task(SEARCH, START, state)
    assert embedding.until == START + timedelta(days=2)
    assert results.until == START + timedelta(days=8)
    assert not embedding.told


def test_an_analysis_of_tone_leaves_results_and_no_embedding() -> None:
    assert [each.what for each in of_task("StartVoiceToneAnalysisTask", START, ENDED)] == ["results"]


def test_a_profile_is_held_until_the_vendor_says() -> None:
    answer = json.dumps({"VoiceProfile": {"ExpirationTimestamp": "2029-11-20T00:00:00Z"}}).encode()
    (held,) = of_profile("CreateVoiceProfile", START, answer)
    assert (held.what, held.until, held.told) == ("profile", datetime(2029, 11, 20, tzinfo=UTC), True)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"7",
        b"[" * 100_000,
        b'{"VoiceProfile":7}',
        b'{"VoiceProfile":{"ExpirationTimestamp":7}}',
        b'{"VoiceProfile":{"ExpirationTimestamp":"soon"}}',
        b'{"VoiceProfile":{"ExpirationTimestamp":"2029-11-20T00:00:00"}}',
    ],
)
@pytest.mark.parametrize("operation", ["CreateVoiceProfile", "UpdateVoiceProfile"])
def test_where_it_does_not_say_three_years_are_reckoned(operation: str, answer: bytes | None) -> None:
    (held,) = of_profile(operation, START, answer)
    assert (held.until, held.told) == (START.replace(year=2029), False)


def test_a_profile_of_a_leap_day_is_held_to_the_end_of_the_third_february() -> None:
    (held,) = of_profile("CreateVoiceProfile", datetime(2028, 2, 29, 12, tzinfo=UTC), None)
    assert held.until == datetime(2031, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("operation", ["CreateVoiceProfileDomain", "Invented"])
def test_what_starts_no_task_and_makes_no_profile_holds_nothing(operation: str) -> None:
    assert of_task(operation, START, ENDED) == ()
    assert of_profile(operation, START, None) == ()


def test_what_is_over_is_left_out_and_the_first_to_go_stands_first() -> None:
    held = of_task(SEARCH, START, ENDED)
    assert [each.what for each in still(reversed(held), START)] == ["embedding", "results"]
    assert [each.what for each in still(held, START + timedelta(days=2))] == ["results"]
    assert still(held, ENDED_AT + timedelta(days=7)) == ()
