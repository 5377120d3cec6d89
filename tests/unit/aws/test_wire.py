"""Each gated operation on the wire, from botocore's own serialiser to what the gate reads: golden."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.serialize import create_serializer

from consentgate.aws.operations import GATED, PIPELINES, VOICE, Wire

GOLDEN = Path(__file__).parents[2] / "golden" / "wire.json"
CONNECTOR = "abcdef1ghij2klmno3pqr4"
STREAM = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/leg-1/1767225600000"
SOURCE = {"StreamArn": STREAM, "ChannelId": 1, "FragmentNumber": "91343852333181432392682062"}
PIPELINE = "arn:aws:chime:us-east-1:111122223333:media-pipeline/5d3a1bd0-2c2e-4b1d-9d4c-6a1f0d5b7c11"
DOMAIN = "arn:aws:chime:us-east-1:111122223333:voice-profile-domain/d-1"
CALL = {"VoiceConnectorId": CONNECTOR, "TransactionId": "tx-1", "ClientRequestToken": "cg-token"}
ON_STREAM = {
    "Identifier": PIPELINE,
    "KinesisVideoStreamSourceTaskConfiguration": SOURCE,
    "ClientRequestToken": "cg-token",
}
ASKED: dict[tuple[str, str], dict[str, Any]] = {
    (VOICE, "StartSpeakerSearchTask"): {**CALL, "VoiceProfileDomainId": "d-1", "CallLeg": "Callee"},
    (VOICE, "StartVoiceToneAnalysisTask"): {**CALL, "LanguageCode": "en-US"},
    (VOICE, "CreateVoiceProfile"): {"SpeakerSearchTaskId": "task-1"},
    (VOICE, "UpdateVoiceProfile"): {"VoiceProfileId": "vp-1", "SpeakerSearchTaskId": "task-1"},
    (VOICE, "CreateVoiceProfileDomain"): {
        "Name": "callers",
        "ServerSideEncryptionConfiguration": {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k"},
        "ClientRequestToken": "cg-token",
    },
    (PIPELINES, "StartSpeakerSearchTask"): {**ON_STREAM, "VoiceProfileDomainArn": DOMAIN},
    (PIPELINES, "StartVoiceToneAnalysisTask"): {**ON_STREAM, "LanguageCode": "en-US"},
}


def on_the_wire(service: str, name: str) -> dict[str, Any]:
    """What the gate reads of an operation's request and answer, and how it would be undone."""
    model = botocore.session.Session().get_service_model(service)
    serializer = create_serializer(model.metadata["protocol"])
    asked = ASKED[service, name]
    made = serializer.serialize_to_request(dict(asked), model.operation_model(name))
    path, _, query = made["url_path"].partition("?")
    operation = GATED[service, name]
    said = operation.address(Wire(method=made["method"], path=path, query=query, body=made["body"]))
    noun = name.removeprefix("Start").removeprefix("Create").removeprefix("Update")
    answer = operation.answer(json.dumps({noun: {f"{noun}Id": "made-1", "Odd": 0.5}}).encode())
    assert operation.stop is not None
    assert said.parameters == asked
    return {
        "service": service,
        "operation": name,
        "action": operation.action,
        "request": {"method": made["method"], "path": path, "query": query, "body": made["body"].decode()},
        "read": {
            "about": said.about,
            "call": said.call,
            "leg": said.leg,
            "task": said.task,
            "made": said.made,
            "dated": said.dated,
            "token": said.token,
            "trouble": said.trouble,
        },
        "answered": {"task": answer.task, "results": answer.results, "summary": answer.summary},
        "undone_by": list(operation.stop(path, "made-1")),
    }


def rendered() -> str:
    """The golden file as it would be now."""
    return json.dumps([on_the_wire(*at) for at in ASKED], indent=1) + "\n"


def test_every_gated_operation_is_in_the_golden_file() -> None:
    assert ASKED.keys() == GATED.keys()
    assert rendered() == GOLDEN.read_text("utf-8")


@pytest.mark.parametrize("at", GATED, ids="-".join)
def test_other_methods_paths_and_queries_are_no_request_of_the_operation(at: tuple[str, str]) -> None:
    told = on_the_wire(*at)["request"]
    good = {"method": told["method"], "path": told["path"], "query": told["query"]}
    others = [
        {"method": "PATCH"},
        {"path": told["path"] + "/"},
        {"path": "/elsewhere"},
        {"query": "operation=stop"},
        {"body": b"[]"},
        {"body": b"{"},
        {"body": b'{"a":1,"a":2}'},
    ]
    for other in others:
        wire = {**good, "body": told["body"].encode(), **other}
        assert GATED[at].address(Wire(**wire)).trouble == "REQUEST_UNREADABLE"


@pytest.mark.parametrize(
    ("at", "changed"),
    [
        ((VOICE, "StartVoiceToneAnalysisTask"), {"CallLeg": "Caller"}),
        ((VOICE, "StartVoiceToneAnalysisTask"), {"TransactionId": 5}),
        ((VOICE, "StartVoiceToneAnalysisTask"), {"TransactionId": "t" * 257}),
        ((VOICE, "CreateVoiceProfile"), {"SpeakerSearchTaskId": ""}),
        ((VOICE, "UpdateVoiceProfile"), {"SpeakerSearchTaskId": None}),
        ((PIPELINES, "StartSpeakerSearchTask"), {"KinesisVideoStreamSourceTaskConfiguration": "all"}),
        ((PIPELINES, "StartSpeakerSearchTask"), {"KinesisVideoStreamSourceTaskConfiguration": {}}),
        ((PIPELINES, "StartSpeakerSearchTask"),
         {"KinesisVideoStreamSourceTaskConfiguration": {**SOURCE, "ChannelId": True}}),
        ((PIPELINES, "StartSpeakerSearchTask"),
         {"KinesisVideoStreamSourceTaskConfiguration": {**SOURCE, "StreamArn": 7}}),
    ],
)  # fmt: skip
def test_request_that_says_what_cannot_be_gated_is_trouble(
    at: tuple[str, str], changed: dict[str, Any]
) -> None:
    told = on_the_wire(*at)["request"]
    body = json.dumps({**json.loads(told["body"]), **changed}).encode()
    said = GATED[at].address(Wire(method=told["method"], path=told["path"], query=told["query"], body=body))
    assert said.trouble == "REQUEST_UNREADABLE"


@pytest.mark.parametrize("at", GATED, ids="-".join)
def test_stored_path_of_another_operation_stops_nothing_in_particular(at: tuple[str, str]) -> None:
    stop = GATED[at].stop
    assert stop is not None
    method, parameters = stop("/elsewhere", "made-1")
    assert method.startswith(("stop_", "delete_"))
    assert set(parameters.values()) <= {"", "made-1"}
