"""What the vendor tells later of every operation: enrolments, tones, pipelines.

On SQLite alone: what reads the ledger is asked on both databases by test_linking.py and test_profile_changes.py.
"""

from datetime import timedelta
from typing import Any

from consentgate.config.tasks import task_list, task_shown
from consentgate.ledger.lifetimes import Lifetime
from consentgate.testing import events
from tests.functional.gate.operations.conftest import DOMAIN_ARN, PIPELINE, STREAM, Stage, source, tone


def shown(stage: Stage, name: str) -> Lifetime:
    """Show a task or profile."""
    return task_shown(stage.world.gate._parts, name)


def listed(stage: Stage) -> list[str]:
    """List what the vendor holds something of."""
    page = task_list(stage.world.gate._parts, after=None, limit=100, everything=False)
    return [each.operation for each in page.items]


def enrolled(stage: Stage) -> tuple[str, str]:
    """Search and enrol, and give the task and the profile."""
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)
    return task, stage.create(task)["VoiceProfileId"]


def toned(stage: Stage) -> str:
    """Begin a tone analysis, and give the task."""
    anna = stage.world.caller()
    stage.consent(anna)
    stage.world.register("tx-1", anna)
    begun = stage.voice.start_voice_tone_analysis_task(**tone())["VoiceToneAnalysisTask"]
    task: str = begun["VoiceToneAnalysisTaskId"]
    return task


def piped(stage: Stage) -> str:
    """Search in a pipeline, and give the task."""
    anna = stage.world.caller()
    stage.consent(anna)
    known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
    stage.world.gate.register_stream(PIPELINE, STREAM, 0, [anna], **known)
    begun = stage.pipelines.start_speaker_search_task(
        Identifier=PIPELINE, VoiceProfileDomainArn=DOMAIN_ARN, **source()
    )["SpeakerSearchTask"]
    task: str = begun["SpeakerSearchTaskId"]
    return task


def test_enrolments_and_updates_of_ours_are_explained_in_the_summary_after_the_call(stage: Stage) -> None:
    task, profile = enrolled(stage)
    at = stage.world.clock()
    stage.world.clock.advance(2)
    stage.voice.update_voice_profile(VoiceProfileId=profile, SpeakerSearchTaskId=task)
    event = events.post_call_event(
        "tx-1", best=profile, created=[(profile, at)], updated=[(profile, stage.world.clock())]
    )
    (item,) = stage.world.gate.notify(event).items
    assert (item.fate, item.bypasses) == ("kept", ())
    again = events.post_call_event("tx-1", created=[(profile, at), (profile, at)])
    assert [each.what for each in stage.world.gate.notify(again).bypasses] == ["create"]


def test_a_profile_has_the_vendors_own_date_and_an_update_a_later_one(stage: Stage) -> None:
    task, profile = enrolled(stage)
    (first,) = shown(stage, profile).held
    assert (first.what, first.told) == ("profile", True)
    assert first.until > stage.world.clock() + timedelta(days=3 * 365 - 1)
    stage.world.clock.advance(timedelta(hours=3))
    stage.voice.update_voice_profile(VoiceProfileId=profile, SpeakerSearchTaskId=task)
    (second,) = shown(stage, profile).held
    assert second.until == first.until + timedelta(hours=3)


def test_a_profile_that_the_backend_or_a_withdrawal_deleted_is_held_no_more(stage: Stage) -> None:
    _, profile = enrolled(stage)
    assert listed(stage) == ["StartSpeakerSearchTask", "CreateVoiceProfile"]
    stage.voice.delete_voice_profile(VoiceProfileId=profile)
    assert shown(stage, profile).held == ()
    assert listed(stage) == ["StartSpeakerSearchTask"]


def test_a_withdrawal_deletes_a_profile_and_it_is_held_no_more(stage: Stage) -> None:
    _, profile = enrolled(stage)
    stage.world.ivr.withdraw(stage.world.caller(), method="ivr_dtmf")
    found = shown(stage, profile)
    assert (found.held, found.deleted_at) == ((), stage.world.clock())


def test_an_analysis_of_tone_is_followed_to_its_last_event(stage: Stage) -> None:
    task = toned(stage)
    assert stage.world.gate.poll(task).status == "IN_QUEUE"
    stage.world.clock.advance(1)
    stage.world.gate.notify(events.tone_event(task, "VoiceToneAnalysisSuccessful", at=stage.world.clock()))
    assert not shown(stage, task).state.ended
    stage.world.clock.advance(1)
    stage.world.gate.notify(events.tone_event(task, "VoiceToneAnalysisCompleted", at=stage.world.clock()))
    found = shown(stage, task)
    assert (found.state.status, found.state.ended) == ("VoiceToneAnalysisCompleted", True)
    assert [each.what for each in found.held] == ["results"]


def test_a_task_of_a_pipeline_is_followed_in_its_own_words(stage: Stage) -> None:
    task = piped(stage)
    named: dict[str, Any] = {"mediaInsightsPipelineId": PIPELINE, "streamArn": STREAM, "channelId": 0}
    event = events.search_event(task, "IdentificationNoMatchesFound", at=stage.world.clock(), **named)
    assert [each.fate for each in stage.world.gate.notify(event).items] == ["kept"]
    stage.world.clock.advance(1)
    stage.pipelines.stop_speaker_search_task(Identifier=PIPELINE, SpeakerSearchTaskId=task)
    state = stage.world.gate.poll(task)
    assert (state.status, state.ended) == ("Stopped", True)
    assert [each.source for each in state.sightings] == ["notification", "poll"]
