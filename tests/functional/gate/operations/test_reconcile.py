"""Profiles, domains and pipelines in CloudTrail: what carries no token is known by all that was asked.

On SQLite alone: it is about what the records say.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate.gate.reconcile import Reconciled
from consentgate.testing.cloudtrail import Record, record_of, trail_file, trail_record
from tests.functional.gate.operations.conftest import (
    DOMAIN_ARN,
    KEY,
    PIPELINE,
    STREAM,
    Stage,
    source,
    stage,
    tone,
)

__all__ = ["stage"]


@contextmanager
def dying(stage: Stage) -> Iterator[None]:
    """Requests in here are of a process that ends before it records their outcomes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage.world.gate._door, "finish", lambda *_: None)
        yield


@pytest.fixture
def compared(stage: Stage, tmp_path: Path) -> Callable[..., Reconciled]:
    """Compare records with the ledger, an hour later."""

    def compare(*records: Record) -> Reconciled:
        stage.world.clock.advance(timedelta(hours=1))
        (tmp_path / "trail.json").write_bytes(trail_file(*records))
        return stage.world.gate.reconcile(cloudtrail=[tmp_path / "trail.json"])

    return compare


def last(stage: Stage, **members: Any) -> Record:
    return record_of(stage.world.server.requests[-1], **members)


def ends(done: Reconciled) -> list[tuple[str, str]]:
    assert done.ungated == ()
    return [(each.operation, each.end) for each in done.closed]


def test_a_profile_is_found_by_its_task_and_deleted_with_its_consent(
    stage: Stage, compared: Callable[..., Reconciled]
) -> None:
    speaker = stage.world.caller()
    stage.consent(speaker)
    task = stage.searched(speaker)
    with dying(stage):
        profile = stage.create(task)["VoiceProfileId"]
    record = last(stage, made=profile)
    assert "clientRequestToken" not in record["requestParameters"]
    assert ends(compared(record)) == [("CreateVoiceProfile", "succeeded")]
    stage.world.ivr.withdraw(speaker, method="ivr_dtmf")
    assert stage.world.gate.open_stops() == ()
    assert stage.sent("DeleteVoiceProfile") == 1


def test_an_update_is_of_the_profile_in_its_path(stage: Stage, compared: Callable[..., Reconciled]) -> None:
    speaker = stage.world.caller()
    stage.consent(speaker)
    profile = stage.create(stage.searched(speaker))["VoiceProfileId"]
    task = stage.searched(speaker, transaction="tx-2")
    with dying(stage):
        stage.voice.update_voice_profile(VoiceProfileId=profile, SpeakerSearchTaskId=task)
    record = last(stage)
    assert ends(compared(record)) == [("UpdateVoiceProfile", "succeeded")]
    assert stage.world.exchange("outcome")["task"] == profile


def test_a_second_profile_of_the_same_task_passed_by(
    stage: Stage, compared: Callable[..., Reconciled]
) -> None:
    speaker = stage.world.caller()
    stage.consent(speaker)
    task = stage.searched(speaker)
    mine = stage.create(task)["VoiceProfileId"]
    asked = {"SpeakerSearchTaskId": task}
    records = [
        trail_record("CreateVoiceProfile", asked, made=each, at=stage.world.clock())
        for each in (mine, "vp-of-nobody")
    ]
    done = compared(*records)
    assert [each.event for each in done.ungated] == [records[1]["eventID"]]


def test_a_domain_and_an_analysis_of_tone_are_found_by_their_tokens(
    stage: Stage, compared: Callable[..., Reconciled]
) -> None:
    speaker = stage.world.caller()
    stage.consent(speaker)
    stage.world.register("tx-1", speaker)
    with dying(stage):
        stage.voice.create_voice_profile_domain(Name="all", ServerSideEncryptionConfiguration=KEY)
        domain = last(stage, made="vpd-1")
        stage.voice.start_voice_tone_analysis_task(**tone())
        analysis = last(stage, made="tone-1")
    assert ends(compared(domain, analysis)) == [
        ("CreateVoiceProfileDomain", "succeeded"),
        ("StartVoiceToneAnalysisTask", "succeeded"),
    ]


@pytest.mark.parametrize("channel", [0, 1])
def test_a_search_of_a_pipeline_is_found_by_its_stream(
    stage: Stage, compared: Callable[..., Reconciled], channel: int
) -> None:
    speaker = stage.world.caller()
    stage.consent(speaker)
    known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
    stage.world.gate.register_stream(PIPELINE, STREAM, 0, [speaker], **known)
    with dying(stage):
        stage.pipelines.start_speaker_search_task(
            Identifier=PIPELINE, VoiceProfileDomainArn=DOMAIN_ARN, **source()
        )
    record = last(stage, made="task-p")
    asked = record["requestParameters"]
    asked["clientRequestToken"] = "***"
    asked["kinesisVideoStreamSourceTaskConfiguration"]["channelId"] = channel
    done = compared(record)
    assert [each.end for each in done.closed] == ["succeeded" if channel == 0 else "undetermined"]
    assert len(done.ungated) == channel
