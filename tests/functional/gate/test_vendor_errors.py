"""What the vendor answers becomes the intent's outcome, over real HTTP."""

import json

import pytest
from botocore.exceptions import EndpointConnectionError, HTTPClientError, ReadTimeoutError

from consentgate.testing.client import loopback_client
from tests.functional.gate.conftest import CONNECTOR, World

REFUSALS = {
    "BadRequestException": 400,
    "ResourceLimitExceededException": 400,
    "UnauthorizedClientException": 401,
    "ForbiddenException": 403,
    "AccessDeniedException": 403,
    "NotFoundException": 404,
    "ConflictException": 409,
    "GoneException": 410,
    "UnprocessableEntityException": 422,
    "ThrottledClientException": 429,
}
FAILURES = {"ServiceFailureException": 500, "ServiceUnavailableException": 503}


@pytest.fixture
def ready(world: World) -> World:
    """A caller who may be searched."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    return world


def test_the_model_has_these_twelve_errors(ready: World) -> None:
    model = ready.client.meta.service_model.operation_model("StartSpeakerSearchTask")
    assert {shape.name for shape in model.error_shapes} == {*REFUSALS, *FAILURES}


@pytest.mark.parametrize("error", sorted(REFUSALS))
def test_refusal_is_raised_as_the_vendor_means_it_and_recorded(ready: World, error: str) -> None:
    ready.server.script.fail(error=error, times=None)
    with pytest.raises(getattr(ready.client.exceptions, error)):
        ready.search("tx-1")
    assert ready.ends() == ["rejected"]
    told = ready.exchange("outcome")
    assert told["error"] == error
    assert told["status"] == REFUSALS[error]


@pytest.mark.parametrize("error", sorted(FAILURES))
def test_failure_leaves_the_intent_open(ready: World, error: str) -> None:
    ready.server.script.fail(error=error, times=None)
    with pytest.raises(getattr(ready.client.exceptions, error)):
        ready.search("tx-1")
    assert ready.ends() == ["unknown"]
    # botocore chooses how often: three times since 1.44, five times before.
    assert len(ready.exchange("observation")["attempts"]) == ready.searches > 1


def test_retry_that_succeeds_is_one_success_with_one_token(ready: World) -> None:
    ready.server.script.fail(error="ServiceUnavailableException", times=1)
    ready.search("tx-1")
    bodies = {r.body for r in ready.server.requests}
    assert len(ready.server.requests) == 2
    assert len(bodies) == 1
    assert ready.ends() == ["succeeded"]
    assert [a["status"] for a in ready.exchange("outcome")["attempts"]] == [503, 201]


def test_dropped_connection_is_retried_and_stays_open_when_it_drops_again(ready: World) -> None:
    ready.server.script.drop(times=None)
    with pytest.raises(HTTPClientError):
        ready.search("tx-1")
    assert ready.ends() == ["unknown"]


def test_answer_that_cannot_be_parsed_stays_open(ready: World) -> None:
    ready.server.script.answer(b"{not json", status=201)
    assert "SpeakerSearchTask" not in ready.search("tx-1")
    assert ready.ends() == ["unknown"]
    assert "matches.0" in ready.parts("observation")


def test_unreachable_service_was_not_sent(ready: World) -> None:
    ready.server.stop()
    with pytest.raises(EndpointConnectionError):
        ready.search("tx-1")
    assert ready.ends() == ["not_sent"]


def test_read_timeout_stays_open(ready: World) -> None:
    once = {"total_max_attempts": 1}
    slow = loopback_client("chime-sdk-voice", ready.server.url, retries=once, read_seconds=0.2)
    ready.gate.protect(slow)
    ready.server.script.delay(1.0)
    try:
        with pytest.raises(ReadTimeoutError):
            slow.start_speaker_search_task(
                VoiceConnectorId=CONNECTOR, TransactionId="tx-1", VoiceProfileDomainId="d", CallLeg="Caller"
            )
    finally:
        slow.close()
    assert ready.ends() == ["unknown"]


def test_all_parameters_and_all_response_members_pass(ready: World) -> None:
    ready.server.script.results(("vp-1", 0.93))
    answer = ready.search("tx-1", ClientRequestToken="my-own-token")
    task = answer["SpeakerSearchTask"]
    output = ready.client.meta.service_model.shape_for("SpeakerSearchTask")
    assert task.keys() == output.members.keys()
    assert task["CallDetails"].keys() == output.members["CallDetails"].members.keys()
    assert task["SpeakerSearchDetails"].keys() == output.members["SpeakerSearchDetails"].members.keys()
    assert task["SpeakerSearchDetails"]["Results"] == [{"VoiceProfileId": "vp-1", "ConfidenceScore": 0.93}]
    assert json.loads(ready.server.requests[-1].body)["ClientRequestToken"] == "my-own-token"
    assert ready.exchange("intent")["token"] == "my-own-token"
    assert ready.exchange("intent")["token_from"] == "caller"


def test_results_about_others_are_kept_apart(ready: World) -> None:
    ready.server.script.results(("vp-somebody-else", 0.93))
    ready.search("tx-1")
    told = ready.exchange("outcome")
    assert "response" not in told
    assert len(told["response_sha256"]) == 43
    assert "vp-somebody-else" not in json.dumps(told)
    assert "matches.0" in ready.parts("outcome")
