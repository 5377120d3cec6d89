"""What a serialised request is about, and what an answer says."""

import gzip
import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel

from consentgate import canonical
from consentgate.aws.operations import GATED, VOICE, Answer, Wire, carries_warning
from consentgate.aws.regions import country_of

SEARCH = GATED[VOICE, "StartSpeakerSearchTask"]
PATH = "/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks"


def wire(body: bytes, path: str = PATH) -> Wire:
    return Wire(method="POST", path=path, query="", body=body)


def test_table_holds_every_operation_that_carries_the_consent_warning() -> None:
    loader = botocore.session.Session().get_component("data_loader")
    warned = set()
    for service in loader.list_available_services("service-2"):
        # Most services do not have the word at all; only the others are worth the time to read them.
        if not mentions_biometrics(loader, service):
            continue
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        for name in model.operation_names:
            if carries_warning(model.operation_model(name).documentation or ""):
                warned.add((model.service_id.hyphenize(), name))
    assert warned == set(GATED)


def mentions_biometrics(loader: Any, service: str) -> bool:
    version = loader.determine_latest_version(service, "service-2")
    found = [Path(each) / service / version for each in loader.search_paths]
    files = [file for folder in found for file in folder.glob("service-2.json*")]
    assert files, service
    texts = (gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files)
    return any(b"biometric" in text.lower() for text in texts)


def test_request_names_call_leg_and_token() -> None:
    assert SEARCH.address is not None
    body = {
        "TransactionId": "tx-1",
        "CallLeg": "Callee",
        "ClientRequestToken": "t",
        "VoiceProfileDomainId": "d",
    }
    said = SEARCH.address(wire(json.dumps(body).encode()))
    assert (said.call, said.leg, said.token, said.trouble) == ("transaction/tx-1", "Callee", "t", None)
    assert said.context is not None
    assert said.context.voice_connector_id == "abcdef1ghij2klmno3pqr4"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"{}", b'{"TransactionId": 5}', b'{"TransactionId": ""}', b'{"TransactionId":"t","CallLeg":5}',
     b'{"TransactionId":"t","CallLeg":"caller"}', b'{"TransactionId":"t","TransactionId":"u"}', b"\xff",
     b'{"TransactionId":"' + b"t" * 257 + b'"}'],
)  # fmt: skip
def test_request_that_cannot_be_read_is_trouble(body: bytes) -> None:
    assert SEARCH.address is not None
    assert SEARCH.address(wire(body)).trouble == "REQUEST_UNREADABLE"


def test_other_path_is_trouble() -> None:
    assert SEARCH.address is not None
    assert SEARCH.address(wire(b'{"TransactionId":"t"}', "/elsewhere")).trouble == "REQUEST_UNREADABLE"


def answer(body: object) -> Answer:
    assert SEARCH.answer is not None
    return SEARCH.answer(body if isinstance(body, bytes) else json.dumps(body).encode())


def test_answer_names_its_task_and_keeps_results_apart() -> None:
    details = {
        "Results": [{"VoiceProfileId": "vp", "ConfidenceScore": 0.9}],
        "VoiceprintGenerationStatus": "S",
    }
    task = {
        "SpeakerSearchTaskId": "task-1",
        "SpeakerSearchDetails": details,
        "Odd": 0.5,
        "Big": 1 << 60,
        "é": 1,
    }
    found = answer({"SpeakerSearchTask": task})
    assert (found.task, found.results) == ("task-1", True)
    assert found.summary == {
        "SpeakerSearchTaskId": "task-1",
        "SpeakerSearchDetails": {"VoiceprintGenerationStatus": "S"},
        "Odd": "0.5",
        "Big": str(1 << 60),
    }


@pytest.mark.parametrize("body", [b"", b"x", [], {}, {"SpeakerSearchTask": 5}, {"SpeakerSearchTask": []}])
def test_answer_that_cannot_be_read_may_be_about_others(body: object) -> None:
    assert answer(body) == Answer(task=None, results=True, summary={})


def test_any_answer_can_be_stored() -> None:
    deep: object = "end"
    for _ in range(100):
        deep = [deep]
    found = answer(
        b'{"SpeakerSearchTask":{"SpeakerSearchTaskId":"t","S":"\\ud800","D":'
        + json.dumps(deep).encode()
        + b"}}"
    )
    assert found.task == "t"
    assert canonical.encode(found.summary)


def test_answer_without_results_is_about_nobody_else() -> None:
    found = answer({"SpeakerSearchTask": {"SpeakerSearchTaskId": "t", "Tags": [1.5, {"a": 2}]}})
    assert (found.task, found.results) == ("t", False)
    assert found.summary["Tags"] == ["1.5", {"a": 2}]


def test_stop_is_addressed_from_the_request() -> None:
    assert SEARCH.stop is not None
    assert SEARCH.stop(PATH, "task-1") == (
        "stop_speaker_search_task",
        {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "SpeakerSearchTaskId": "task-1"},
    )


def test_regions_have_countries() -> None:
    assert (country_of("us-east-1"), country_of("eu-central-1")) == ("US", "DE")
    assert country_of("mars-north-1") is None
    assert country_of(None) is None


def test_every_chime_region_has_a_country() -> None:
    regions = set()
    for service in ("chime-sdk-voice", "chime-sdk-media-pipelines"):
        regions |= set(botocore.session.Session().get_available_regions(service))
    assert all(country_of(region) for region in regions)
