"""Routes, checks and answers that come from nothing but the service model."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from consentgate.errors import InvalidInput
from consentgate.testing.checks import pattern_of
from consentgate.testing.chime import ChimeServer
from consentgate.testing.model import ServiceApi, VendorError
from consentgate.testing.sample import sample
from tests.functional.testing.calls import SEARCHES, refused, start


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("CallLeg", "Both"),
        ("TransactionId", "t" * 257),
        ("TransactionId", " "),
        ("ClientRequestToken", "x"),
        ("ClientRequestToken", "no spaces"),
        ("ClientRequestToken", "x" * 65),
    ],
)
def test_input_is_checked_against_the_model(chime_client: Any, member: str, value: str) -> None:
    with pytest.raises(chime_client.exceptions.BadRequestException, match=f"{member} (must|must be)"):
        start(chime_client, **{member: value})


def test_all_problems_are_named_at_once_without_values(chime: ChimeServer) -> None:
    status, code, message = refused(chime, SEARCHES, b'{"TransactionId":7,"CallLeg":"Secret"}')
    assert (status, code) == (400, "BadRequest")
    assert message.split("; ") == [
        "VoiceProfileDomainId is required",
        "TransactionId must be a string",
        "CallLeg must be one of Caller, Callee",
    ]


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b'{"a":1,"a":2}'])
def test_body_that_is_no_object_is_refused(chime: ChimeServer, body: bytes) -> None:
    assert refused(chime, SEARCHES, body) == (400, "BadRequest", "the body is not a JSON object")


def test_unmodelled_path_is_not_found(chime: ChimeServer) -> None:
    assert refused(chime, "/nothing-here", b"{}")[:2] == (404, "UnknownOperation")
    assert chime.requests[-1].operation is None


def test_empty_label_reaches_the_check(chime: ChimeServer) -> None:
    status, _, message = refused(chime, "/voice-connectors//speaker-search-tasks", b"{}")
    assert status == 400
    assert "VoiceConnectorId must" in message


def test_nested_lists_and_maps_are_checked(chime: ChimeServer) -> None:
    body = b'{"VoiceProfileDomainId":"d","Tags":[{"Key":1},{"Key":"k","Value":"v"}]}'
    status, _, message = refused(chime, "/voice-profile-domains", body)
    assert status == 400
    assert message.split("; ")[2:] == ["Tags[0].Value is required", "Tags[0].Key must be a string"]
    status, _, message = refused(chime, "/sip-media-applications/s-1/calls", b'{"SipHeaders":{"a":1},"X":1}')
    assert status == 400
    assert "SipHeaders value 0 must be a string" in message


def test_query_is_typed_by_the_model(chime: ChimeServer) -> None:
    api = ServiceApi("chime-sdk-voice")
    path = f"{SEARCHES.replace('speaker-search', 'voice-tone-analysis')}/task-1"
    operation = api.route("GET", path, {})
    assert operation is not None
    assert operation.read(path, {"isCaller": "true"}, b"")["IsCaller"] is True
    listing = api.operations["ListVoiceProfiles"]
    query = {"voice-profile-domain-id": "d-1", "max-results": "5"}
    assert listing.read("/voice-profiles", query, b"") == {"VoiceProfileDomainId": "d-1", "MaxResults": 5}
    with pytest.raises(VendorError) as caught:
        listing.read("/voice-profiles", query | {"max-results": "many"}, b"")
    assert caught.value.message == "MaxResults must be a integer"


def test_answer_with_an_unmodelled_member_is_refused() -> None:
    operation = ServiceApi("chime-sdk-voice").operations["GetVoiceProfile"]
    with pytest.raises(InvalidInput, match="no member"):
        operation.render({"VoiceProfil": {}})


def test_service_of_another_protocol_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rest-json"):
        ServiceApi("sqs")


@pytest.mark.parametrize("service", ["chime-sdk-voice", "chime-sdk-media-pipelines"])
def test_every_operation_is_routed_to_itself(service: str) -> None:
    api = ServiceApi(service)
    for name, operation in api.operations.items():
        path = operation.path.replace("{", "").replace("}", "")
        assert api.route(operation.method, path, operation.fixed) is operation, name


def test_every_operation_of_the_model_has_an_answer(chime: ChimeServer) -> None:
    client = chime.client(retries={"total_max_attempts": 1})
    answered = set()
    for method, name in client.meta.method_to_api_mapping.items():
        request = plausible(client.meta.service_model.operation_model(name))
        try:
            answer = getattr(client, method)(**request)
        except ClientError as error:
            answer = error.response
        if "Error" not in answer:
            answered.add(name)
        else:
            # What the model cannot tell is which value fits a pattern, or which task exists.
            assert answer["Error"]["Code"] in {"BadRequestException", "NotFoundException"}, name
    client.close()
    assert len(answered) > len(client.meta.method_to_api_mapping) / 2
    assert {"ListVoiceProfiles", "CreateVoiceProfileDomain", "ListPhoneNumbers"} <= answered


def plausible(operation: OperationModel) -> dict[str, Any]:
    shape = operation.input_shape
    if shape is None:
        return {}
    made = sample(shape, {"VoiceConnectorId": "a" * 21}, datetime(2026, 11, 22, tzinfo=UTC))
    assert isinstance(made, dict)

    return made


def test_bounds_of_numbers_and_sizes_are_checked(chime: ChimeServer) -> None:
    api = ServiceApi("chime-sdk-voice")
    listing = api.operations["ListVoiceProfiles"]
    with pytest.raises(VendorError) as caught:
        listing.read("/voice-profiles", {"voice-profile-domain-id": "", "max-results": "0"}, b"")
    assert caught.value.message == (
        "length of VoiceProfileDomainId must be at least 1; VoiceProfileDomainId must match .*\\S.*; "
        "MaxResults must be at least 1"
    )


def test_pattern_that_is_none_is_not_checked() -> None:
    assert pattern_of("*") is None


def test_maps_are_written_as_objects() -> None:
    operation = ServiceApi("iot").operations["DescribeThing"]
    assert (
        operation.render({"thingName": "a", "attributes": {"b": "c"}})
        == b'{"thingName":"a","attributes":{"b":"c"}}'
    )


def test_times_are_seconds_where_the_model_names_no_form() -> None:
    operation = ServiceApi("iot").operations["DescribeThingRegistrationTask"]
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert operation.render({"creationDate": at}) == b'{"creationDate":%d.0}' % at.timestamp()
