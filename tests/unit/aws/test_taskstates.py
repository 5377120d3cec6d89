"""What the vendor shows of a task is one sighting, whoever asked and however it was spelled."""

import json
from typing import Any

import pytest

from consentgate.aws.taskstates import read_task
from consentgate.gate.progress import Progress
from consentgate.testing.clock import START


def task(**more: Any) -> dict[str, Any]:
    """A task as the vendor shows it."""
    return {
        "SpeakerSearchTaskId": "task-1",
        "SpeakerSearchTaskStatus": "SUCCEEDED",
        "SpeakerSearchDetails": {
            "Results": [{"VoiceProfileId": "vp-1", "ConfidenceScore": 0.94}],
            "VoiceprintGenerationStatus": "VoiceprintGenerationSuccess",
        },
        "CreatedTimestamp": "2026-11-22T11:59:00Z",
        "UpdatedTimestamp": "2026-11-22T12:00:00Z",
        "StatusMessage": "Done.",
        **more,
    }


def seen(**more: Any) -> Progress:
    """Read a task."""
    found = read_task(json.dumps({"SpeakerSearchTask": task(**more)}).encode(), "poll")
    assert found is not None
    return found


def test_a_search_is_read() -> None:
    found = seen()
    assert (found.source, found.status, found.task, found.at) == ("poll", "SUCCEEDED", "task-1", START)
    assert found.ends
    assert found.results


def test_results_are_no_part_of_the_summary() -> None:
    found = seen()
    assert found.summary == {
        "SpeakerSearchTaskId": "task-1",
        "SpeakerSearchTaskStatus": "SUCCEEDED",
        "StatusMessage": "Done.",
        "UpdatedTimestamp": "2026-11-22T12:00:00.000Z",
        "CreatedTimestamp": "2026-11-22T11:59:00.000Z",
        "VoiceprintGenerationStatus": "VoiceprintGenerationSuccess",
    }


def test_an_analysis_of_tone_is_read() -> None:
    body = {
        "VoiceToneAnalysisTask": {"VoiceToneAnalysisTaskId": "t", "VoiceToneAnalysisTaskStatus": "InProgress"}
    }
    found = read_task(json.dumps(body).encode(), "get")
    assert found is not None
    assert (found.task, found.status, found.at, found.results, found.ends) == (
        "t",
        "InProgress",
        None,
        False,
        False,
    )


def test_the_same_state_has_one_digest_however_it_is_spelled() -> None:
    assert seen().digest == seen(UpdatedTimestamp=1795348800.0, StatusMessage="other").digest


@pytest.mark.parametrize(
    "change",
    [
        {"SpeakerSearchTaskStatus": "FAILED"},
        {"UpdatedTimestamp": "2026-11-22T12:00:01Z"},
        {"SpeakerSearchDetails": {"Results": []}},
        {"SpeakerSearchTaskId": "task-2"},
    ],
)
def test_another_state_has_another(change: dict[str, Any]) -> None:
    assert seen(**change).digest != seen().digest


@pytest.mark.parametrize("details", [None, [], "x", {"Results": None}])
def test_odd_details_carry_no_results(details: object) -> None:
    assert not seen(SpeakerSearchDetails=details).results


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"7",
        b"{}",
        b"[" * 100_000,
        b'{"SpeakerSearchTask":7}',
        b'{"SpeakerSearchTask":{"SpeakerSearchTaskId":"t"}}',
        '{"SpeakerSearchTask":{"SpeakerSearchTaskStatus":"né"}}'.encode(),
    ],
)
def test_what_shows_no_task_is_none(body: bytes) -> None:
    assert read_task(body, "get") is None
