"""Enrolment rests on our own record of the search: on whom it heard, how it ended, and how long ago."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate.config.replaying import Replayer
from consentgate.errors import ConsentWithdrawn
from consentgate.ledger.tasks import find_task
from tests.functional.gate.conftest import World
from tests.functional.gate.operations.conftest import Stage, reasons


def test_profile_is_made_of_a_search_with_its_own_consent(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)
    made = stage.create(task)
    told = stage.world.exchange("outcome")
    assert (told["task"], told["end"]) == (made["VoiceProfileId"], "succeeded")
    decision = stage.world.parts("intent")["decision.0"]
    assert (decision["action"], decision["task"], decision["enrols"]) == ("enrol", task, True)
    assert decision["call"] == "transaction/tx-1"
    parts = stage.world.gate._parts
    with parts.database.read() as connection:
        record = find_task(connection, parts.book, None, made["VoiceProfileId"])
    assert record is not None
    assert record.enrolled == record.owners[0].id


def test_consent_to_the_search_alone_enrols_nobody(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna, "search")
    task = stage.searched(anna)
    assert reasons(lambda: stage.create(task)) == ["OPERATION_NOT_CONSENTED"]
    stage.consent(anna, "search", "enrol")
    made = stage.create(task)
    update = {"VoiceProfileId": made["VoiceProfileId"], "SpeakerSearchTaskId": task}
    assert reasons(lambda: stage.voice.update_voice_profile(**update)) == ["OPERATION_NOT_CONSENTED"]
    assert (stage.sent("CreateVoiceProfile"), stage.sent("UpdateVoiceProfile")) == (1, 0)


def test_task_that_this_ledger_does_not_know_enrols_nobody(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    assert reasons(lambda: stage.create("another-task")) == ["TASK_UNKNOWN"]
    stage.world.register("tx-2", anna)
    tone = stage.voice.start_voice_tone_analysis_task(
        VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-2", LanguageCode="en-US"
    )
    task = tone["VoiceToneAnalysisTask"]["VoiceToneAnalysisTaskId"]
    assert reasons(lambda: stage.create(task)) == ["TASK_UNKNOWN"]


def test_search_that_did_not_succeed_enrols_nobody(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    stage.world.register("tx-1", anna)
    stage.world.server.script.drop_after_accepting(times=None)
    with pytest.raises(Exception, match="closed"):
        stage.world.search("tx-1")
    stage.world.server.script.clear()
    (task,) = stage.world.server._behaviours["chime-sdk-voice"].searches._tasks  # type: ignore[attr-defined]  # what the service made
    assert reasons(lambda: stage.create(task)) == ["TASK_UNKNOWN"]


def test_enrolment_is_possible_for_24_hours(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)
    stage.world.clock.advance(timedelta(hours=24))
    profile = stage.create(task)["VoiceProfileId"]
    stage.world.clock.advance(timedelta(milliseconds=1))
    assert reasons(lambda: stage.create(task)) == ["TASK_TOO_OLD"]
    update = {"VoiceProfileId": profile, "SpeakerSearchTaskId": task}
    assert reasons(lambda: stage.voice.update_voice_profile(**update)) == ["TASK_TOO_OLD"]


def test_leg_with_several_speakers_enrols_nobody(stage: Stage) -> None:
    anna, bert = stage.world.caller("1001"), stage.world.caller("2002")
    for speaker in (anna, bert):
        stage.consent(speaker)
    task = stage.searched(anna, bert)
    assert reasons(lambda: stage.create(task)) == ["SPEAKER_AMBIGUOUS"]
    assert stage.sent("CreateVoiceProfile") == 0


def test_who_joined_the_leg_during_the_search_makes_it_ambiguous(stage: Stage) -> None:
    anna, bert = stage.world.caller("1001"), stage.world.caller("2002")
    for speaker in (anna, bert):
        stage.consent(speaker)
    task = stage.searched(anna)
    stage.world.register("tx-1", bert)
    assert reasons(lambda: stage.create(task)) == ["SPEAKER_AMBIGUOUS"]
    stage.world.gate.leave_call("tx-1", caller=[bert])
    assert reasons(lambda: stage.create(task)) == ["SPEAKER_AMBIGUOUS"]


def test_who_joined_the_other_leg_or_left_before_is_not_heard(stage: Stage) -> None:
    anna, bert, agent = (stage.world.caller(n) for n in ("1001", "2002", "3003"))
    for speaker in (anna, bert):
        stage.consent(speaker)
    stage.world.register("tx-1", bert, callee=[agent])
    stage.world.gate.leave_call("tx-1", caller=[bert])
    stage.world.gate.register_call("tx-1", caller=[anna])
    task = stage.world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    stage.world.server.finish(task)
    stage.world.gate.register_call("tx-1", callee=[stage.world.caller("4004")])
    assert stage.create(task)


def test_search_of_both_legs_heard_everybody(stage: Stage) -> None:
    anna, agent = stage.world.caller("1001"), stage.world.caller("3003")
    for speaker in (anna, agent):
        stage.consent(speaker)
    stage.world.register("tx-1", anna, callee=[agent])
    task = stage.world.client.start_speaker_search_task(
        VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-1", VoiceProfileDomainId="vpd-1"
    )["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    stage.world.server.finish(task)
    assert reasons(lambda: stage.create(task)) == ["SPEAKER_AMBIGUOUS"]


@pytest.fixture
def names(stage: Stage) -> list[Any]:
    """What the backend answers when it is asked who it is; a second client asks it."""
    return []


def naming(stage: Stage, names: list[Any]) -> Any:
    client = stage.world.server.client()
    return stage.world.gate.protect(client, who=lambda _operation, _parameters: names[-1])


def test_backend_names_the_one_of_several_who_all_consented(stage: Stage, names: list[Any]) -> None:
    anna, bert = stage.world.caller("1001"), stage.world.caller("2002")
    for speaker in (anna, bert):
        stage.consent(speaker)
    task, client = stage.searched(anna, bert), naming(stage, names)
    for unusable in (None, [anna, bert], "anna", [stage.world.caller("9")]):
        names.append(unusable)
        found = reasons(lambda: client.create_voice_profile(SpeakerSearchTaskId=task))
        assert found == (["WHO_UNUSABLE"] if unusable in ([anna, bert], "anna") else ["SPEAKER_AMBIGUOUS"])
    names.append([bert])
    client.create_voice_profile(SpeakerSearchTaskId=task)
    parts = stage.world.parts("intent")
    assert [parts[f"decision.{i}"].get("enrols") for i in (0, 1)] == [None, True]
    client.close()


def test_named_speaker_is_not_enrolled_past_somebody_who_did_not_consent(
    stage: Stage, names: list[Any]
) -> None:
    anna, bert = stage.world.caller("1001"), stage.world.caller("2002")
    stage.consent(anna)
    stage.consent(bert, "search")
    task, client = stage.searched(anna, bert), naming(stage, names)
    names.append([anna])
    assert reasons(lambda: client.create_voice_profile(SpeakerSearchTaskId=task)) == [
        "OPERATION_NOT_CONSENTED"
    ]
    assert stage.sent("CreateVoiceProfile") == 0
    client.close()


def test_profile_of_one_person_does_not_take_anothers_voice(stage: Stage) -> None:
    anna, bert = stage.world.caller("1001"), stage.world.caller("2002")
    for speaker in (anna, bert):
        stage.consent(speaker)
    first = stage.searched(anna)
    profile = stage.create(first)["VoiceProfileId"]
    other = stage.searched(bert, transaction="tx-2")
    update = {"VoiceProfileId": profile, "SpeakerSearchTaskId": other}
    assert reasons(lambda: stage.voice.update_voice_profile(**update)) == ["PROFILE_OF_ANOTHER"]
    again = stage.searched(anna, transaction="tx-3")
    stage.voice.update_voice_profile(VoiceProfileId=profile, SpeakerSearchTaskId=again)
    assert stage.world.parts("intent")["decision.0"]["action"] == "update"


def test_profile_from_before_the_gate_is_updated_on_the_speakers_own_consent(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)
    bare = stage.world.server.client()
    profile = bare.create_voice_profile(SpeakerSearchTaskId=task)["VoiceProfile"]["VoiceProfileId"]
    bare.close()
    stage.voice.update_voice_profile(VoiceProfileId=profile, SpeakerSearchTaskId=task)
    assert stage.world.exchange("outcome")["end"] == "succeeded"


def test_search_that_was_ordered_to_stop_enrols_nobody(stage: Stage) -> None:
    anna, carl = stage.world.caller("1001"), stage.world.caller("2002")
    stage.consent(anna)
    task = stage.searched(anna)
    # Carl consented to nothing, so the running search gets a stop order; Anna's consent stands.
    stage.world.register("tx-1", carl)
    assert reasons(lambda: stage.create(task)) == ["TASK_STOPPED"]


def test_who_was_erased_cannot_be_enrolled(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)
    with stage.world.raw() as raw:
        raw.execute(
            "DELETE FROM data_key WHERE subject IN (SELECT subject FROM entry_subject WHERE kind = 'intent')"
        )
    assert reasons(lambda: stage.create(task)) == ["TASK_UNKNOWN"]


def test_withdrawal_while_a_profile_is_made_deletes_it(stage: Stage) -> None:
    anna = stage.world.caller()
    stage.consent(anna)
    task = stage.searched(anna)

    def withdraw(**_: Any) -> None:
        stage.world.ivr.withdraw(anna, method="ivr_dtmf")

    stage.voice.meta.events.register_first("response-received.chime-sdk-voice.CreateVoiceProfile", withdraw)
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        stage.create(task)
    assert withdrawn.value.stopped
    assert stage.sent("DeleteVoiceProfile") == 1


def test_domain_is_made_where_somebody_could_be_asked(stage: Stage) -> None:
    key = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
    made = stage.voice.create_voice_profile_domain(Name="callers", ServerSideEncryptionConfiguration=key)
    domain = made["VoiceProfileDomain"]["VoiceProfileDomainId"]
    intent, outcome = stage.world.opened("intent")[-1], stage.world.opened("outcome")[-1]
    assert not intent[0].about_people
    assert set(intent[1]) == set(outcome[1]) == {"body.0"}
    assert intent[1]["body.0"]["exchange"]["operation"] == "CreateVoiceProfileDomain"
    assert outcome[1]["body.0"]["exchange"]["task"] == domain
    replayed = Replayer(stage.world.gate._parts, registry_now=False).since(None)
    assert [each.verdict for each in replayed] == ["no law"]


def test_domain_is_refused_where_nobody_could_be_asked(world: World) -> None:
    key = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
    found = reasons(
        lambda: world.client.create_voice_profile_domain(Name="c", ServerSideEncryptionConfiguration=key)
    )
    assert found == ["ENROLMENT_NOT_PREPARED"]
    assert not world.server.requests
