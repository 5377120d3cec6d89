"""Scripted trouble, seen by a real boto3 client."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from consentgate.errors import InvalidInput
from consentgate.testing.chime import ChimeServer
from tests.functional.testing.calls import CONNECTOR, code_of, start

SEARCH_ERRORS = [
    "AccessDeniedException",
    "BadRequestException",
    "ConflictException",
    "ForbiddenException",
    "GoneException",
    "NotFoundException",
    "ResourceLimitExceededException",
    "ServiceFailureException",
    "ServiceUnavailableException",
    "ThrottledClientException",
    "UnauthorizedClientException",
    "UnprocessableEntityException",
]


def test_model_has_exactly_the_twelve_errors(chime_client: Any) -> None:
    model = chime_client.meta.service_model.operation_model("StartSpeakerSearchTask")
    assert sorted(shape.name for shape in model.error_shapes) == SEARCH_ERRORS


@pytest.mark.parametrize("error", SEARCH_ERRORS)
def test_every_modelled_error_arrives_as_its_exception(
    chime: ChimeServer, chime_client: Any, error: str
) -> None:
    chime.script.fail(error=error, message="scripted here")
    with pytest.raises(getattr(chime_client.exceptions, error)) as caught:
        start(chime_client)
    shape = chime_client.meta.service_model.shape_for(error)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == shape.metadata["error"]["httpStatusCode"]
    assert response["Error"] == {"Code": error, "Message": "scripted here"}
    assert start(chime_client)["SpeakerSearchTaskStatus"] == "IN_QUEUE"


def test_unmodelled_error_is_a_plain_client_error(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.fail(error="InternalFailure")
    with pytest.raises(ClientError) as caught:
        start(chime_client)
    assert type(caught.value) is ClientError
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    chime.script.fail(error="TeapotException", status=418)
    assert code_of(start, chime_client) == "TeapotException"


def test_script_is_played_in_order_and_used_up(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.fail("StartSpeakerSearchTask", error="ThrottledClientException", times=2)
    chime.script.fail(error="GoneException")
    codes = [code_of(start, chime_client) for _ in range(3)]
    assert codes == ["ThrottledClientException", "ThrottledClientException", "GoneException"]
    start(chime_client)


def test_script_without_end_counts_until_cleared(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.fail(error="GoneException", times=None)
    assert {code_of(start, chime_client) for _ in range(3)} == {"GoneException"}
    chime.script.clear()
    start(chime_client)


def test_script_refuses_what_could_never_be_played(chime: ChimeServer) -> None:
    with pytest.raises(InvalidInput, match="no service here has an operation StartSearch"):
        chime.script.drop("StartSearch")
    with pytest.raises(InvalidInput, match="times"):
        chime.script.drop(times=0)


def test_dropped_request_did_nothing(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.drop()
    with pytest.raises(ConnectionClosedError):
        start(chime_client, ClientRequestToken="first")
    start(chime_client, ClientRequestToken="second")


def test_request_dropped_after_accepting_did_its_work(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.drop_after_accepting()
    with pytest.raises(ConnectionClosedError):
        start(chime_client, ClientRequestToken="first")
    assert code_of(start, chime_client, ClientRequestToken="second") == "ConflictException"
    start(chime_client, ClientRequestToken="first")


def test_error_after_accepting_did_its_work(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.fail(error="ServiceUnavailableException", after_accepting=True)
    assert code_of(start, chime_client) == "ServiceUnavailableException"
    assert code_of(start, chime_client) == "ConflictException"


def test_garbage_reaches_the_client(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.answer(b"<html>not JSON", status=201)
    request = {"VoiceConnectorId": CONNECTOR, "TransactionId": "t-1", "VoiceProfileDomainId": "d-1"}
    # botocore takes what is no JSON for an answer without members.
    assert chime_client.start_speaker_search_task(**request).keys() == {"ResponseMetadata"}


def test_delay_adds_to_the_next_step(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.delay(0.1).delay(0.1).fail(error="GoneException")
    before = time.monotonic()
    assert code_of(start, chime_client) == "GoneException"
    assert time.monotonic() - before >= 0.2
