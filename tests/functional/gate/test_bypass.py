"""Ways around the gate: none sends a request that was not decided on."""

from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate, PresignRefused
from consentgate.errors import InvalidInput
from consentgate.testing.client import loopback_client
from tests.functional.gate.conftest import CONNECTOR, World

SEARCH = {
    "VoiceConnectorId": CONNECTOR,
    "TransactionId": "tx-1",
    "VoiceProfileDomainId": "vpd-1",
    "CallLeg": "Caller",
}


@pytest.fixture
def denied(world: World) -> World:
    """A registered caller without consent."""
    world.register("tx-1", world.caller())
    return world


@pytest.fixture
def allowed(world: World) -> World:
    """A registered caller with consent."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    return world


def test_raw_api_call_is_denied(denied: World) -> None:
    with pytest.raises(ConsentDenied):
        denied.client._make_api_call("StartSpeakerSearchTask", dict(SEARCH))
    assert denied.searches == 0


def test_presigned_url_is_refused_even_for_a_consenting_caller(allowed: World) -> None:
    with pytest.raises(PresignRefused):
        allowed.client.generate_presigned_url("start_speaker_search_task", Params=SEARCH)
    assert allowed.searches == 0


def test_private_endpoint_path_needs_a_permit(allowed: World) -> None:
    client = allowed.client
    model = client.meta.service_model.operation_model("StartSpeakerSearchTask")
    context: dict[str, Any] = {
        "client_region": "us-east-1",
        "client_config": client.meta.config,
        "has_streaming_input": False,
        "auth_type": None,
    }
    request = client._convert_to_request_dict(
        api_params=SEARCH, operation_model=model, endpoint_url=client.meta.endpoint_url, context=context
    )
    with pytest.raises(ConsentDenied) as refused:
        client._make_request(model, request, context)
    assert [r.code for r in refused.value.reasons] == ["NO_PERMIT"]
    assert allowed.searches == 0


def test_parameters_changed_by_another_handler_are_what_is_decided_on(allowed: World) -> None:
    def other(params: dict[str, Any], **_: Any) -> None:
        params["TransactionId"] = "tx-nobody-registered"

    allowed.client.meta.events.register("before-parameter-build", other)
    with pytest.raises(ConsentDenied) as refused:
        allowed.search("tx-1")
    assert [r.code for r in refused.value.reasons] == ["CALL_UNKNOWN"]
    assert allowed.searches == 0


def test_parameters_replaced_by_another_handler_without_our_token_are_refused(allowed: World) -> None:
    allowed.client.meta.events.register("provide-client-params", lambda **_: dict(SEARCH))
    with pytest.raises(ConsentDenied) as refused:
        allowed.search("tx-1")
    assert [r.code for r in refused.value.reasons] == ["REQUEST_ALTERED"]
    assert allowed.searches == 0


@pytest.mark.parametrize("event", ["request-created", "before-sign"])
def test_body_changed_after_the_decision_does_not_leave(allowed: World, event: str) -> None:
    def other(request: Any, **_: Any) -> None:
        request.data = request.data.replace(b"tx-1", b"tx-2")

    allowed.client.meta.events.register_first(event, other)
    with pytest.raises(ConsentDenied) as refused:
        allowed.search("tx-1")
    assert [r.code for r in refused.value.reasons] == ["REQUEST_ALTERED"]
    assert allowed.searches == 0
    assert allowed.ends() == ["not_sent"]


def test_another_handler_that_answers_first_sends_and_records_nothing(allowed: World) -> None:
    class Canned:
        status_code = 201
        content = b"{}"

    allowed.client.meta.events.register("before-call", lambda **_: (Canned(), {"ResponseMetadata": {}}))
    allowed.search("tx-1")
    assert allowed.searches == 0
    assert not allowed.opened("intent", "outcome", "observation")


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("create_voice_profile", {"SpeakerSearchTaskId": "task-1"}, "TASK_UNKNOWN"),
        ("update_voice_profile", {"VoiceProfileId": "vp-1", "SpeakerSearchTaskId": "task-1"}, "TASK_UNKNOWN"),
        (
            "start_voice_tone_analysis_task",
            {"VoiceConnectorId": CONNECTOR, "TransactionId": "tx-1", "LanguageCode": "en-US"},
            "OPERATION_NOT_CONSENTED",
        ),
    ],
)
def test_consent_to_a_search_lets_no_other_operation_through(
    allowed: World, method: str, arguments: dict[str, str], code: str
) -> None:
    with pytest.raises(ConsentDenied) as refused:
        getattr(allowed.client, method)(**arguments)
    assert [r.code for r in refused.value.reasons] == [code]
    assert refused.value.entry is not None
    assert not allowed.server.requests


def test_stopping_is_never_gated(denied: World) -> None:
    with pytest.raises(denied.client.exceptions.NotFoundException):
        denied.client.stop_speaker_search_task(VoiceConnectorId=CONNECTOR, SpeakerSearchTaskId="task-1")
    assert len(denied.server.requests) == 1


def test_protecting_twice_decides_once(allowed: World) -> None:
    allowed.gate.protect(allowed.client)
    allowed.search("tx-1")
    assert len(allowed.opened("intent")) == 1


def test_client_of_another_service_is_refused(world: World) -> None:
    client = loopback_client("sts", world.server.url)
    try:
        with pytest.raises(InvalidInput, match="chime-sdk-voice"):
            ConsentGate.protect(world.gate, client)
    finally:
        client.close()


def test_permit_serves_one_request(allowed: World) -> None:
    kept: list[tuple[Any, dict[str, Any], dict[str, Any]]] = []
    client = allowed.client
    client.meta.events.register_last(
        "before-call", lambda model, params, context, **_: kept.append((model, params, context))
    )
    allowed.search("tx-1")
    with pytest.raises(ConsentDenied) as refused:
        client._make_request(*kept[0])
    assert [r.code for r in refused.value.reasons] == ["NO_PERMIT"]
    assert allowed.searches == 1


def test_token_that_another_handler_sets_is_not_called_ours(allowed: World) -> None:
    def other(params: dict[str, Any], **_: Any) -> None:
        params["ClientRequestToken"] = "someone-elses"

    allowed.client.meta.events.register("before-parameter-build", other)
    allowed.search("tx-1")
    told = allowed.exchange("intent")
    assert (told["token"], told["token_from"]) == ("someone-elses", "caller")


def test_client_has_one_gate(allowed: World) -> None:
    with (
        ConsentGate(allowed.gate._parts.settings, clock=allowed.clock, background=False) as second,
        pytest.raises(InvalidInput, match="Another gate"),
    ):
        second.protect(allowed.client)
