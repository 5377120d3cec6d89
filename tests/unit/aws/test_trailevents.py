"""What a record of CloudTrail says of a gated call: as little as is needed, and nothing that is secret."""

from typing import Any

import pytest

from consentgate.aws.operations import GATED, PIPELINES, VOICE
from consentgate.aws.trailevents import REFUSED, Event, asks_the_same, event_of
from consentgate.errors import InvalidInput
from consentgate.testing.clock import START
from consentgate.testing.cloudtrail import ACCESS_KEY, trail_record, ungated_search

ASKED = {"VoiceConnectorId": "vc", "TransactionId": "tx-1", "ClientRequestToken": "cg-1"}


def event(*given: Any, **members: Any) -> Event:
    found = event_of(trail_record(*given, **members), "trail.json")
    assert found is not None
    return found


@pytest.mark.parametrize("operation", sorted({name for _, name in GATED}))
def test_every_gated_operation_is_read_with_what_it_made(operation: str) -> None:
    found = event(operation, ASKED, made="x-1")
    assert (found.operation, found.made, found.error) == (operation, "x-1", None)
    assert (found.at, found.region, found.principal, found.token) == (
        START,
        "us-east-1",
        "AssumedRole",
        "cg-1",
    )
    assert found.parameters == {"voiceconnectorid": "vc", "transactionid": "tx-1"}


def test_nothing_that_is_secret_is_taken_over() -> None:
    found = event("StartSpeakerSearchTask", ASKED, made="task-1")
    assert "task-1" not in repr(found)
    assert "tx-1" not in repr(found)
    told = [getattr(found, name) for name in type(found).__slots__]
    assert ACCESS_KEY not in str(told)
    assert "192.0.2" not in str(told)
    assert "arn:aws:sts" not in str(told)


@pytest.mark.parametrize(
    "members",
    [
        {"eventSource": "s3.amazonaws.com"},
        {"eventSource": None},
        {"eventName": "StopSpeakerSearchTask"},
        {"eventName": {"x": 1}},
    ],
    ids=str,
)
def test_other_calls_are_passed_over(members: Any) -> None:
    assert event_of(ungated_search() | members, "trail.json") is None


@pytest.mark.parametrize(
    "members", [{"eventID": 1}, {"eventTime": "soon"}, {"awsRegion": ""}, {"eventID": "ä"}], ids=str
)
def test_a_gated_call_without_its_place_and_time_is_refused(members: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^trail\.json has a record of StartSpeakerSearchTask without"):
        event_of(ungated_search() | members, "trail.json")


@pytest.mark.parametrize(
    ("operation", "asked", "service"),
    [
        ("CreateVoiceProfile", {}, VOICE),
        ("StartSpeakerSearchTask", {"VoiceConnectorId": "vc"}, VOICE),
        ("StartSpeakerSearchTask", {"Identifier": "pipe"}, PIPELINES),
        ("StartVoiceToneAnalysisTask", {"Identifier": "pipe", "VoiceConnectorId": "vc"}, None),
        ("StartVoiceToneAnalysisTask", None, None),
    ],
)
def test_the_service_is_told_by_what_was_asked(operation: str, asked: Any, service: str | None) -> None:
    assert event(operation, asked).service == service


@pytest.mark.parametrize(
    "identity", [None, "x", {}, {"type": "An ARN:x"}, {"type": "x" * 65}, {"type": 5}], ids=str
)
def test_an_odd_principal_is_unknown(identity: Any) -> None:
    assert event("CreateVoiceProfile", {}, userIdentity=identity).principal == "unknown"


def test_what_is_blacked_out_is_not_known() -> None:
    hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
    asked = {**ASKED, "ClientRequestToken": hidden}
    found = event("StartSpeakerSearchTask", asked, made="***")
    assert (found.token, found.made) == (None, None)


def test_an_update_is_of_the_profile_that_it_names() -> None:
    assert event("UpdateVoiceProfile", {"VoiceProfileId": "vp-1"}).made == "vp-1"
    assert event("UpdateVoiceProfile", {"VoiceProfileId": "vp-1"}, error="GoneException").made is None
    assert event("CreateVoiceProfile", {"VoiceProfileId": "vp-1"}).made is None


def test_only_definite_refusals_are_refusals() -> None:
    assert all(event("CreateVoiceProfile", {}, error=code).is_refusal for code in REFUSED)
    for code in ("ThrottledClientException", "ConflictException", "ServiceFailureException", None):
        assert not event("CreateVoiceProfile", {}, error=code).is_refusal


STREAM = {"KinesisVideoStreamSourceTaskConfiguration": {"StreamArn": "arn:s", "ChannelId": 0}}


@pytest.mark.parametrize(
    ("shown", "ours", "same"),
    [
        (ASKED, ASKED, True),
        (ASKED, {**ASKED, "ClientRequestToken": "cg-2"}, True),
        (ASKED, {**ASKED, "CallLeg": "Caller"}, False),
        ({**ASKED, "CallLeg": "Caller"}, ASKED, False),
        ({**ASKED, "TransactionId": "***"}, ASKED, True),
        ({"TransactionId": "***"}, {"TransactionId": "tx-1"}, False),
        (None, ASKED, False),
        ({}, {}, False),
        (STREAM, STREAM, True),
        ({"KinesisVideoStreamSourceTaskConfiguration": "***"}, STREAM, False),
        ({**ASKED, "KinesisVideoStreamSourceTaskConfiguration": {"StreamArn": "***"}},
         {**ASKED, "KinesisVideoStreamSourceTaskConfiguration": {"StreamArn": "x"}}, True),
        ({"a": {"StreamArn": "x"}}, {"a": {"StreamArn": "y"}}, False),
        ({"ChannelId": "0"}, {"ChannelId": 0}, True),
        ({"Tags": [{"Key": "a"}]}, {"Tags": ({"Key": "a"},)}, True),
    ],
)  # fmt: skip
def test_requests_are_the_same_where_all_that_is_shown_is(shown: Any, ours: Any, same: bool) -> None:
    assert asks_the_same(event("StartSpeakerSearchTask", shown), ours) is same


def test_what_is_too_deep_or_no_json_is_left_out() -> None:
    deep: Any = "x"
    for _ in range(20):
        deep = {"a": deep}
    found = event("CreateVoiceProfile", {"deep": deep, "odd": b"bytes"})
    assert found.parameters["odd"] is None
