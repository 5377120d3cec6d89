"""Tone analyses hear both legs; pipelines are bound to pipeline, stream and channel."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate import NOBODY
from consentgate.errors import InvalidInput, PresignRefused
from tests.functional.gate.operations.conftest import (
    DOMAIN_ARN,
    PIPELINE,
    STREAM,
    Stage,
    reasons,
    source,
    tone,
)

ARN = f"arn:aws:chime:us-east-1:111122223333:media-pipeline/{PIPELINE}"


def search(stage: Stage, channel: int = 0, pipeline: str = PIPELINE, **more: Any) -> Any:
    return stage.pipelines.start_speaker_search_task(
        Identifier=pipeline, VoiceProfileDomainArn=DOMAIN_ARN, **source(channel, **more)
    )["SpeakerSearchTask"]


def register(
    stage: Stage, *speakers: Any, pipeline: str = PIPELINE, channel: int = 0, **more: Any
) -> str | None:
    known = {"purpose": "authentication", "recording_consent": "all_parties"}
    return stage.world.gate.register_stream(pipeline, STREAM, channel, list(speakers), **{**known, **more})


def test_tone_analysis_needs_everybody_on_both_legs(stage: Stage) -> None:
    anna, agent = stage.world.caller("1001"), stage.world.caller("2002")
    stage.consent(anna)
    stage.world.register("tx-1", anna, callee=[agent])
    assert reasons(lambda: stage.voice.start_voice_tone_analysis_task(**tone())) == ["NO_CONSENT"]
    stage.consent(agent)
    stage.voice.start_voice_tone_analysis_task(**tone())
    parts = stage.world.parts("intent")
    assert [parts[f"decision.{i}"]["leg"] for i in (0, 1)] == ["Caller", "Callee"]
    assert parts["decision.0"]["action"] == "tone_analysis"


def test_tone_analysis_needs_a_consent_of_its_own(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna, "search")
    stage.world.register("tx-1", anna)
    assert reasons(lambda: stage.voice.start_voice_tone_analysis_task(**tone())) == [
        "OPERATION_NOT_CONSENTED"
    ]


@pytest.mark.parametrize(("setting", "allowed"), [(None, False), ("workplace", False), ("customer", True)])
def test_tone_of_somebody_at_work_is_forbidden_where_the_law_says_so(
    stage: Stage, setting: Any, allowed: bool
) -> None:
    someone = stage.world.caller(code="DE", setting=setting)
    stage.consent(someone)
    stage.world.register("tx-1", someone)
    found = reasons(lambda: stage.voice.start_voice_tone_analysis_task(**tone()))
    assert ("PROHIBITED_BY_LAW" not in found) == allowed
    denied = stage.world.parts("denial")["decision.0"]["speaker"]
    assert denied.get("setting") == setting


def test_what_was_told_of_a_setting_never_loses_the_stricter_one(stage: Stage) -> None:
    someone = {"code": "DE", "number": "1001"}
    for setting in ("customer", "workplace", "customer"):
        stage.world.register("tx-1", stage.world.caller(**someone, setting=setting))
    found = reasons(lambda: stage.voice.start_voice_tone_analysis_task(**tone()))
    assert "PROHIBITED_BY_LAW" in found
    with pytest.raises(InvalidInput, match="setting is one of"):
        stage.world.caller(setting="home")


def test_stop_order_against_a_tone_analysis_stops_it(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    stage.world.register("tx-1", anna)
    stage.voice.start_voice_tone_analysis_task(**tone())
    stage.world.ivr.withdraw(anna, method="ivr_dtmf")
    assert stage.sent("StopVoiceToneAnalysisTask") == 1
    assert stage.world.gate.open_stops() == ()


def test_speakers_are_bound_to_pipeline_stream_and_channel(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna)
    assert search(stage)["SpeakerSearchTaskStatus"] == "NotStarted"
    assert reasons(lambda: search(stage, channel=1)) == ["CALL_UNKNOWN"]
    assert reasons(lambda: search(stage, pipeline="another")) == ["CALL_UNKNOWN"]
    assert stage.sent("StartSpeakerSearchTask") == 1
    parts = stage.world.parts("intent")
    assert parts["exchange.0"]["service"] == "chime-sdk-media-pipelines"
    assert parts["decision.0"]["call"] == f"stream/{PIPELINE}/0/{STREAM}"


def test_pipeline_goes_by_its_id_and_its_arn(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    assert register(stage, anna, pipeline=ARN) is not None
    assert register(stage, anna) is None
    search(stage, pipeline=ARN)
    stage.world.ivr.withdraw(anna, method="ivr_dtmf")
    assert stage.sent("StopSpeakerSearchTask") == 1


def test_request_that_names_no_stream_is_refused(stage: Stage) -> None:
    found = reasons(
        lambda: stage.pipelines.start_speaker_search_task(
            Identifier=PIPELINE, VoiceProfileDomainArn=DOMAIN_ARN
        )
    )
    assert found == ["STREAM_UNNAMED"]


def test_nobody_on_a_channel_is_nobody_to_compare(stage: Stage) -> None:
    stage.world.gate.register_stream(PIPELINE, STREAM, 0, NOBODY)
    assert reasons(lambda: search(stage)) == ["NO_SPEAKER"]


def test_who_left_a_channel_leaves_it_unknown(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna)
    assert stage.world.gate.leave_stream(PIPELINE, STREAM, 0, [anna]) is not None
    assert stage.world.gate.leave_stream(PIPELINE, STREAM, 0, [anna]) is None
    assert reasons(lambda: search(stage)) == ["LEG_UNKNOWN"]


@pytest.mark.parametrize("channel", [2, -1, True, "0", None])
def test_channel_is_0_or_1(stage: Stage, channel: Any) -> None:
    with pytest.raises(InvalidInput, match="channel is 0 or 1"):
        register(stage, stage.world.caller(), channel=channel)


def test_recorded_audio_needs_a_consent_from_before_it(stage: Stage) -> None:
    anna, now = stage.world.caller(), stage.world.clock()
    stage.consent(anna)
    register(stage, anna)
    assert reasons(lambda: search(stage, FragmentNumber="91343852333181432392682062")) == [
        "INPUT_MISSING:audio_captured_at"
    ]
    register(stage, anna, captured_at=now - timedelta(minutes=1))
    found = reasons(lambda: search(stage, FragmentNumber="91343852333181432392682062"))
    assert "COLLECTION_BEFORE_CONSENT" in found
    assert register(stage, anna, captured_at=now) is None
    assert search(stage)


def test_recording_that_began_after_the_consent_may_be_searched(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    stage.world.clock.advance(timedelta(minutes=1))
    register(stage, anna, captured_at=stage.world.clock())
    assert search(stage, FragmentNumber="91343852333181432392682062")


def test_tone_analysis_of_a_channel(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna, channel=1)
    stage.pipelines.start_voice_tone_analysis_task(Identifier=PIPELINE, LanguageCode="en-US", **source(1))
    stage.world.ivr.withdraw(anna, method="ivr_dtmf")
    assert stage.sent("StopVoiceToneAnalysisTask") == 1


def test_profile_is_made_of_a_search_on_a_stream(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna)
    task = search(stage)["SpeakerSearchTaskId"]
    # The service for tests keeps the tasks of its clients apart: what it answers is told it.
    answer = b'{"VoiceProfile":{"VoiceProfileId":"vp-1"}}'
    stage.world.server.script.answer(answer, "CreateVoiceProfile", status=201)
    stage.create(task)
    assert stage.world.parts("intent")["decision.0"]["enrols"] is True


def test_who_joins_a_channel_stops_what_runs_there(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna)
    search(stage)
    register(stage, stage.world.caller("2002"))
    assert stage.sent("StopSpeakerSearchTask") == 1


def test_pipelines_make_their_own_request_tokens_part_of_what_is_decided_on(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    register(stage, anna)
    search(stage)
    told = stage.world.parts("intent")["exchange.0"]
    assert (told["token_from"], told["token"][:3]) == ("gate", "cg-")


ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "start_speaker_search_task": ("pipelines", {"Identifier": PIPELINE, "VoiceProfileDomainArn": DOMAIN_ARN}),
    "start_voice_tone_analysis_task": ("pipelines", {"Identifier": PIPELINE, "LanguageCode": "en-US"}),
    "create_voice_profile": ("voice", {"SpeakerSearchTaskId": "t"}),
    "update_voice_profile": ("voice", {"SpeakerSearchTaskId": "t", "VoiceProfileId": "p"}),
    "create_voice_profile_domain": (
        "voice",
        {"Name": "n", "ServerSideEncryptionConfiguration": {"KmsKeyArn": "arn:aws:kms:k"}},
    ),
}


@pytest.mark.parametrize("method", ASKED)
def test_no_presigned_url_of_any_gated_operation(stage: Stage, method: str) -> None:
    which, params = ASKED[method]
    client = getattr(stage, which)
    with pytest.raises(PresignRefused):
        client.generate_presigned_url(method, Params=params)
    with pytest.raises(PresignRefused):
        stage.voice.generate_presigned_url("start_voice_tone_analysis_task", Params=tone())


def test_operation_with_the_warning_that_the_table_lacks_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = stage.voice.meta.service_model.operation_model("ListVoiceProfileDomains")
    text = "<p>You must obtain <b>consents</b> under biometrics laws.</p>"
    monkeypatch.setattr(type(model), "documentation", property(lambda _self: text))
    assert reasons(stage.voice.list_voice_profile_domains) == ["OPERATION_NOT_SUPPORTED"]
    assert not stage.world.server.requests
