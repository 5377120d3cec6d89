"""What is never gated leaves a trace, and nothing of ours stands in its way."""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from consentgate.ledger.progress import state_of
from tests.functional.gate.conftest import CONNECTOR
from tests.functional.gate.operations.conftest import KEY, PIPELINE, STREAM, Stage, source


@pytest.fixture
def task(stage: Stage) -> str:
    """A search that runs."""
    anna = stage.world.caller()
    stage.consent(anna)
    stage.world.register("tx-1", anna)
    started: str = stage.world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return started


def named(task: str) -> dict[str, str]:
    return {"VoiceConnectorId": CONNECTOR, "SpeakerSearchTaskId": task}


def traces(stage: Stage) -> list[dict[str, Any]]:
    """What the observations of the test's intents hold, the oldest first."""
    return [next(iter(parts.values())) for _, parts in stage.world.opened("observation")]


def test_state_that_a_client_was_shown_is_recorded_once(stage: Stage, task: str) -> None:
    for _ in range(2):
        stage.voice.get_speaker_search_task(**named(task))
    stage.world.server.finish(task)
    for _ in range(2):
        stage.voice.get_speaker_search_task(**named(task))
    found = traces(stage)
    assert [(each["source"], each["status"]) for each in found] == [("get", "IN_QUEUE"), ("get", "SUCCEEDED")]
    parts = stage.world.gate._parts
    (intent, _) = stage.world.opened("intent")[-1]
    with parts.database.read() as connection:
        state = state_of(parts.book, connection, intent.id)
    assert (state.status, state.ended) == ("SUCCEEDED", True)


def test_state_of_a_task_on_a_pipeline_is_recorded(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
    stage.world.gate.register_stream(PIPELINE, STREAM, 0, [anna], **known)
    task = stage.pipelines.start_voice_tone_analysis_task(
        Identifier=PIPELINE, LanguageCode="en-US", **source()
    )["VoiceToneAnalysisTask"]["VoiceToneAnalysisTaskId"]
    asked = {"Identifier": PIPELINE, "VoiceToneAnalysisTaskId": task}
    stage.pipelines.get_voice_tone_analysis_task(**asked)
    stage.pipelines.stop_voice_tone_analysis_task(**asked)
    stage.pipelines.get_voice_tone_analysis_task(**asked)
    assert [each.get("status") for each in traces(stage)] == ["NotStarted", 204, "Stopped"]


def test_what_is_stopped_or_deleted_is_recorded_under_its_intent(stage: Stage, task: str) -> None:
    search, _ = stage.world.opened("intent")[-1]
    stage.voice.stop_speaker_search_task(**named(task))
    other = stage.searched(stage.world.caller(), transaction="tx-2")
    profile = stage.create(other)["VoiceProfileId"]
    enrolment, _ = stage.world.opened("intent")[-1]
    stage.voice.delete_voice_profile(VoiceProfileId=profile)
    with pytest.raises(ClientError):
        stage.voice.delete_voice_profile(VoiceProfileId=profile)
    rows = stage.world.opened("observation")
    assert [row.re for row, _ in rows] == [search.id, enrolment.id, enrolment.id]
    assert [row.end for row, _ in rows] == ["succeeded", "succeeded", "unknown"]
    stopped, deleted, again = traces(stage)
    assert (stopped["operation"], stopped["task"], stopped["status"]) == ("StopSpeakerSearchTask", task, 204)
    assert (deleted["operation"], deleted["task"]) == ("DeleteVoiceProfile", profile)
    assert (again["status"], again["error"]) == (404, "NotFoundException")


def test_domain_that_is_deleted_is_recorded_about_nobody(stage: Stage) -> None:
    made = stage.voice.create_voice_profile_domain(Name="n", ServerSideEncryptionConfiguration=KEY)
    domain = made["VoiceProfileDomain"]["VoiceProfileDomainId"]
    stage.voice.delete_voice_profile_domain(VoiceProfileDomainId=domain)
    row, parts = stage.world.opened("observation")[-1]
    assert not row.about_people
    assert parts["body.0"]["exchange"]["operation"] == "DeleteVoiceProfileDomain"


def test_what_this_ledger_does_not_know_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="consentgate"), pytest.raises(ClientError):
        stage.voice.delete_voice_profile(VoiceProfileId="vp-of-somebody")
    assert caplog.messages == ["DeleteVoiceProfile of something that this ledger does not know: 404."]
    assert traces(stage) == []


def test_ledger_out_of_reach_holds_nothing_up(
    stage: Stage, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage.world.gate.close()
    with caplog.at_level(logging.WARNING, logger="consentgate"):
        shown = stage.voice.get_speaker_search_task(**named(task))
        stage.voice.stop_speaker_search_task(**named(task))
    assert shown["SpeakerSearchTask"]["SpeakerSearchTaskId"] == task
    assert stage.sent("StopSpeakerSearchTask") == 1
    told = [each for each in caplog.messages if "could not be recorded" in each]
    assert len(told) == 2
    assert task not in "".join(told)


def test_vendor_out_of_reach_is_recorded_too(stage: Stage, task: str) -> None:
    stage.world.server.stop()
    with pytest.raises(EndpointConnectionError):
        stage.voice.stop_speaker_search_task(**named(task))
    (found,) = traces(stage)
    assert (found["error"], "status" in found) == ("EndpointConnectionError", False)


def test_answer_that_shows_no_task_leaves_no_trace(stage: Stage, task: str) -> None:
    stage.world.server.script.answer(b"{}", "GetSpeakerSearchTask")
    assert "SpeakerSearchTask" not in stage.voice.get_speaker_search_task(**named(task))
    assert traces(stage) == []


def test_gates_own_requests_are_recorded_where_they_are_made(stage: Stage, task: str) -> None:
    stage.world.gate.poll(task)
    stage.world.ivr.withdraw(stage.world.caller(), method="ivr_dtmf")
    assert stage.sent("StopSpeakerSearchTask") == 1
    assert [each.get("source") or each.get("stopped") for each in traces(stage)] == ["poll", True]
