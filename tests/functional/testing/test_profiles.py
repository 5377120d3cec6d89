"""Voice profiles and domains of the loopback service."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import START, FrozenClock
from tests.functional.testing.calls import CONNECTOR, code_of, start

YEAR = timedelta(days=365)


@pytest.fixture
def searched(chime: ChimeServer, chime_client: Any) -> str:
    task_id = str(start(chime_client)["SpeakerSearchTaskId"])
    chime.finish(task_id)
    return task_id


def create(client: Any, task_id: str) -> Any:
    return client.create_voice_profile(SpeakerSearchTaskId=task_id)["VoiceProfile"]


def domain(client: Any, name: str = "callers") -> Any:
    key = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
    answer = client.create_voice_profile_domain(Name=name, ServerSideEncryptionConfiguration=key)
    return answer["VoiceProfileDomain"]


def test_profile_lives_for_three_years_from_its_last_update(
    chime: ChimeServer, chime_client: Any, frozen_clock: FrozenClock, searched: str
) -> None:
    made = create(chime_client, searched)
    assert made["ExpirationTimestamp"] == START + 3 * YEAR
    frozen_clock.advance(2 * YEAR)
    again = start(chime_client)["SpeakerSearchTaskId"]
    chime.finish(again)
    updated = chime_client.update_voice_profile(
        VoiceProfileId=made["VoiceProfileId"], SpeakerSearchTaskId=again
    )
    assert updated["VoiceProfile"]["ExpirationTimestamp"] == START + 5 * YEAR
    assert updated["VoiceProfile"]["CreatedTimestamp"] == START
    frozen_clock.advance(2 * YEAR)
    chime_client.get_voice_profile(VoiceProfileId=made["VoiceProfileId"])
    frozen_clock.advance(YEAR)
    assert (
        code_of(chime_client.get_voice_profile, VoiceProfileId=made["VoiceProfileId"]) == "NotFoundException"
    )


def test_deleted_profile_is_gone(chime_client: Any, searched: str) -> None:
    profile_id = create(chime_client, searched)["VoiceProfileId"]
    assert (
        chime_client.get_voice_profile(VoiceProfileId=profile_id)["VoiceProfile"]["VoiceProfileDomainId"]
        == "d-1"
    )
    answer = chime_client.delete_voice_profile(VoiceProfileId=profile_id)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(chime_client.delete_voice_profile, VoiceProfileId=profile_id) == "NotFoundException"


def test_voiceprint_can_be_enrolled_for_a_day(
    chime_client: Any, frozen_clock: FrozenClock, searched: str
) -> None:
    frozen_clock.advance(timedelta(hours=24))
    create(chime_client, searched)
    frozen_clock.advance(0.001)
    assert code_of(create, chime_client, searched) == "GoneException"


def test_profile_needs_a_search_that_succeeded(chime_client: Any) -> None:
    assert code_of(create, chime_client, "another") == "NotFoundException"
    assert code_of(create, chime_client, start(chime_client)["SpeakerSearchTaskId"]) == "ConflictException"


def test_domain_holds_twenty_profiles(chime_client: Any, searched: str) -> None:
    made = [create(chime_client, searched)["VoiceProfileId"] for _ in range(20)]
    assert code_of(create, chime_client, searched) == "ResourceLimitExceededException"
    listed = chime_client.list_voice_profiles(VoiceProfileDomainId="d-1")["VoiceProfiles"]
    assert [one["VoiceProfileId"] for one in listed] == made
    assert chime_client.list_voice_profiles(VoiceProfileDomainId="d-2")["VoiceProfiles"] == []


def test_domain_is_made_changed_listed_and_deleted(chime_client: Any, frozen_clock: FrozenClock) -> None:
    made = domain(chime_client)
    frozen_clock.advance(1)
    chime_client.update_voice_profile_domain(
        VoiceProfileDomainId=made["VoiceProfileDomainId"], Description="all"
    )
    found = chime_client.get_voice_profile_domain(VoiceProfileDomainId=made["VoiceProfileDomainId"])
    later = {"Description": "all", "UpdatedTimestamp": START + timedelta(seconds=1)}
    assert found["VoiceProfileDomain"] == made | later
    [listed] = chime_client.list_voice_profile_domains()["VoiceProfileDomains"]
    assert listed.keys() == found["VoiceProfileDomain"].keys() - {"ServerSideEncryptionConfiguration"}
    chime_client.delete_voice_profile_domain(VoiceProfileDomainId=made["VoiceProfileDomainId"])
    assert chime_client.list_voice_profile_domains()["VoiceProfileDomains"] == []


def test_deleted_domain_takes_its_profiles_along(
    chime: ChimeServer, chime_client: Any, searched: str
) -> None:
    domain_id = domain(chime_client)["VoiceProfileDomainId"]
    kept = create(chime_client, searched)["VoiceProfileId"]
    task_id = start(chime_client, VoiceProfileDomainId=domain_id)["SpeakerSearchTaskId"]
    chime.finish(task_id)
    lost = create(chime_client, task_id)["VoiceProfileId"]
    chime_client.delete_voice_profile_domain(VoiceProfileDomainId=domain_id)
    assert code_of(chime_client.get_voice_profile, VoiceProfileId=lost) == "NotFoundException"
    chime_client.get_voice_profile(VoiceProfileId=kept)


def test_three_domains_are_the_quota(chime_client: Any) -> None:
    for number in range(3):
        domain(chime_client, f"domain {number}")
    assert code_of(domain, chime_client) == "ResourceLimitExceededException"


def test_unknown_domain_is_not_found(chime_client: Any) -> None:
    assert code_of(chime_client.get_voice_profile_domain, VoiceProfileDomainId="d-9") == "NotFoundException"


def test_tone_analysis_is_a_task_of_its_own(chime: ChimeServer, chime_client: Any) -> None:
    start(chime_client)
    begun = chime_client.start_voice_tone_analysis_task(
        VoiceConnectorId=CONNECTOR, TransactionId="t-1", LanguageCode="en-US"
    )["VoiceToneAnalysisTask"]
    names = {"VoiceConnectorId": CONNECTOR, "VoiceToneAnalysisTaskId": begun["VoiceToneAnalysisTaskId"]}
    chime.finish(begun["VoiceToneAnalysisTaskId"], status="IN_PROGRESS")
    with pytest.raises(ValueError, match="no matches"):
        chime.finish(begun["VoiceToneAnalysisTaskId"], results=[])
    shown = chime_client.get_voice_tone_analysis_task(**names, IsCaller=True)["VoiceToneAnalysisTask"]
    assert shown["VoiceToneAnalysisTaskStatus"] == "IN_PROGRESS"
    chime_client.stop_voice_tone_analysis_task(**names)
    shown = chime_client.get_voice_tone_analysis_task(**names, IsCaller=True)["VoiceToneAnalysisTask"]
    assert shown["VoiceToneAnalysisTaskStatus"] == "STOPPED"
