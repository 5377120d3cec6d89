"""Tasks of the loopback service: states, tokens, quotas, lives."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from consentgate.errors import InvalidInput
from consentgate.testing.chime import ChimeServer
from consentgate.testing.clock import START, FrozenClock
from consentgate.testing.tasks import TaskBook
from tests.functional.testing.calls import CONNECTOR, ONCE, code_of, get, start, stop


def test_started_search_shows_every_modelled_field(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.results(("vp-1", 0.93), ("vp-2", 0.25))
    task = start(chime_client, CallLeg="Callee", ClientRequestToken="token-1")
    shape = chime_client.meta.service_model.shape_for("SpeakerSearchTask")
    assert task.keys() == shape.members.keys()
    assert task["CallDetails"] == {"VoiceConnectorId": CONNECTOR, "TransactionId": "t-1", "IsCaller": False}
    assert task["SpeakerSearchDetails"] == {
        "Results": [
            {"VoiceProfileId": "vp-1", "ConfidenceScore": 0.93},
            {"VoiceProfileId": "vp-2", "ConfidenceScore": 0.25},
        ],
        "VoiceprintGenerationStatus": "VoiceprintGenerationSuccess",
    }
    assert task["CreatedTimestamp"] == task["UpdatedTimestamp"] == task["StartedTimestamp"] == START
    assert task["SpeakerSearchTaskStatus"] == "IN_PROGRESS"


def test_search_without_leg_does_not_say_whose_voice(chime_client: Any) -> None:
    assert start(chime_client)["CallDetails"].keys() == {"VoiceConnectorId", "TransactionId"}


def test_task_goes_from_queue_to_success(
    chime: ChimeServer, chime_client: Any, frozen_clock: FrozenClock
) -> None:
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    assert get(chime_client, task_id)["SpeakerSearchTaskStatus"] == "IN_QUEUE"
    frozen_clock.advance(10)
    chime.finish(task_id, status="PARTIAL_SUCCESS", results=[("vp-1", 0.5)])
    assert "VoiceprintGenerationStatus" not in get(chime_client, task_id)["SpeakerSearchDetails"]
    frozen_clock.advance(10)
    chime.finish(task_id)
    task = get(chime_client, task_id)
    assert task["SpeakerSearchTaskStatus"] == "SUCCEEDED"
    assert task["SpeakerSearchDetails"]["Results"] == [{"VoiceProfileId": "vp-1", "ConfidenceScore": 0.5}]
    assert task["StartedTimestamp"] == START + timedelta(seconds=10)
    assert task["UpdatedTimestamp"] == START + timedelta(seconds=20)


def test_failed_task_has_no_voiceprint(chime: ChimeServer, chime_client: Any) -> None:
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    chime.finish(task_id, status="FAILED")
    details = get(chime_client, task_id)["SpeakerSearchDetails"]
    assert details["VoiceprintGenerationStatus"] == "VoiceprintGenerationFailure"


def test_ended_task_cannot_be_finished_again(chime: ChimeServer, chime_client: Any) -> None:
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    chime.finish(task_id)
    with pytest.raises(InvalidInput, match="cannot go from SUCCEEDED to FAILED"):
        chime.finish(task_id, status="FAILED")
    with pytest.raises(InvalidInput, match="no such task"):
        chime.finish("another")
    with pytest.raises(InvalidInput, match="no such task"):
        TaskBook(FrozenClock(), str).move("another", "FAILED")


def test_transaction_has_one_active_task(chime: ChimeServer, chime_client: Any) -> None:
    first = start(chime_client, ClientRequestToken="first")["SpeakerSearchTaskId"]
    assert code_of(start, chime_client, ClientRequestToken="second") == "ConflictException"
    start(chime_client, TransactionId="t-2")
    chime.finish(first)
    assert start(chime_client, ClientRequestToken="second")["SpeakerSearchTaskId"] != first


def test_repeated_token_gets_the_same_task(chime_client: Any) -> None:
    first = start(chime_client, ClientRequestToken="token-1")
    second = start(chime_client, ClientRequestToken="token-1")
    assert second["SpeakerSearchTaskId"] == first["SpeakerSearchTaskId"]


def test_repeated_token_with_another_request_conflicts(chime_client: Any) -> None:
    start(chime_client, ClientRequestToken="token-1")
    assert (
        code_of(start, chime_client, ClientRequestToken="token-1", TransactionId="t-2") == "ConflictException"
    )


def test_twenty_five_tasks_are_the_quota(chime_client: Any) -> None:
    for number in range(25):
        start(chime_client, TransactionId=f"t-{number}")
    assert code_of(start, chime_client, TransactionId="t-25") == "ResourceLimitExceededException"


def test_stop_ends_a_task_and_may_be_repeated(chime: ChimeServer, chime_client: Any) -> None:
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    assert stop(chime_client, task_id)["ResponseMetadata"]["HTTPStatusCode"] == 204
    stop(chime_client, task_id)
    assert get(chime_client, task_id)["SpeakerSearchTaskStatus"] == "STOPPED"
    ended = start(chime_client)["SpeakerSearchTaskId"]
    chime.finish(ended)
    assert code_of(stop, chime_client, ended) == "ConflictException"
    assert code_of(stop, chime_client, "another") == "NotFoundException"


def test_task_of_another_connector_is_not_found(chime_client: Any) -> None:
    task_id = start(chime_client, VoiceConnectorId="b" * 21)["SpeakerSearchTaskId"]
    assert code_of(get, chime_client, task_id) == "NotFoundException"


def test_task_is_kept_for_seven_days(chime_client: Any, frozen_clock: FrozenClock) -> None:
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    frozen_clock.advance(timedelta(days=7))
    get(chime_client, task_id)
    frozen_clock.advance(0.001)
    assert code_of(get, chime_client, task_id) == "NotFoundException"


def test_many_threads_start_one_task_of_a_transaction(chime: ChimeServer) -> None:
    codes: list[str] = []

    def ask() -> None:
        client = chime.client(retries=ONCE)
        try:
            codes.append(start(client)["SpeakerSearchTaskStatus"])
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
        finally:
            client.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(codes) == ["ConflictException"] * 3 + ["IN_QUEUE"]
