"""Clients from before, of any session, send nothing that is gated; everything else of theirs goes on.

On SQLite alone: it is about what leaves a client; denials are written on both databases by test_denials.py.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.httpsession import URLLib3Session
from botocore.signers import RequestSigner

from consentgate import ConsentDenied, ConsentGate
from consentgate.aws.operations import GATED, PIPELINES, VOICE
from consentgate.aws.tripwire import TRIPWIRE
from consentgate.errors import Misconfigured, PresignRefused
from consentgate.testing.client import client_settings
from tests.functional.gate.bypass import ways
from tests.functional.gate.conftest import World

KEY = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
ASKED: dict[tuple[str, str], dict[str, Any]] = {
    (VOICE, "StartSpeakerSearchTask"): {
        "VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "TransactionId": "t", "VoiceProfileDomainId": "d"
    },
    (VOICE, "StartVoiceToneAnalysisTask"): {
        "VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "TransactionId": "t", "LanguageCode": "en-US"
    },
    (VOICE, "CreateVoiceProfile"): {"SpeakerSearchTaskId": "t"},
    (VOICE, "UpdateVoiceProfile"): {"SpeakerSearchTaskId": "t", "VoiceProfileId": "p"},
    (VOICE, "CreateVoiceProfileDomain"): {"Name": "n", "ServerSideEncryptionConfiguration": KEY},
    (PIPELINES, "StartSpeakerSearchTask"): {
        "Identifier": "p", "VoiceProfileDomainArn": "arn:aws:chime:us-east-1:111122223333:d"
    },
    (PIPELINES, "StartVoiceToneAnalysisTask"): {"Identifier": "p", "LanguageCode": "en-US"},
}  # fmt: skip


@pytest.fixture
def before(world: World) -> Iterator[dict[str, Any]]:
    """A client of each service from before the wire was laid, of a session that no gate knows."""
    stranger = boto3.Session()
    made = {
        service: stranger.client(service, **client_settings(world.server.url))
        for service in (VOICE, PIPELINES)
    }
    world.gate.install(boto3.Session())
    yield made
    for client in made.values():
        client.close()


def method_of(client: Any, operation: str) -> str:
    names = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    found: str = names[operation]
    return found


@pytest.mark.parametrize("at", GATED, ids="-".join)
def test_every_gated_operation_of_a_client_from_before_is_refused_and_recorded(
    world: World, before: dict[str, Any], at: tuple[str, str]
) -> None:
    client = before[at[0]]
    with pytest.raises(ConsentDenied) as denied:
        getattr(client, method_of(client, at[1]))(**ASKED[at])
    assert [each.code for each in denied.value.reasons] == ["UNGATED_CLIENT"]
    assert not world.server.requests
    row, parts = world.opened("denial")[-1]
    assert denied.value.entry == str(row.id)
    told = parts["body.0"]["exchange"]
    assert (told["service"], told["operation"]) == at
    with pytest.raises(PresignRefused):
        client.generate_presigned_url(method_of(client, at[1]), Params=ASKED[at])


# The vendor takes nothing that is not signed, so what by_session makes is no request of its.
SIGNED = tuple(each for each in (*ways.DECIDED, *ways.PAST) if each is not ways.by_session)


@pytest.mark.parametrize("send", ways.named(SIGNED))
def test_no_way_of_sending_passes_the_wire(
    world: World, before: dict[str, Any], send: Callable[..., object]
) -> None:
    with pytest.raises(Exception):  # noqa: B017  # botocore makes its own of ours where it unpacks requests
        send(before[VOICE], "tx-1")
    assert not world.server.requests


def test_protected_client_with_another_http_session_meets_the_wire(
    world: World, before: dict[str, Any]
) -> None:
    world.client._endpoint.http_session = URLLib3Session()
    with pytest.raises(ConsentDenied):
        ways.under_another_name(world.client, "tx-1")
    assert not world.server.requests


def test_protected_clients_and_open_operations_go_on(world: World, before: dict[str, Any]) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    task = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    before[VOICE].stop_speaker_search_task(
        VoiceConnectorId="abcdef1ghij2klmno3pqr4", SpeakerSearchTaskId=task
    )
    assert before[VOICE].list_voice_profile_domains()["VoiceProfileDomains"] == []
    assert len(world.server.requests) == 3


def test_paths_that_look_alike_at_other_services_are_theirs(world: World, before: dict[str, Any]) -> None:
    store = boto3.Session().client("s3", **client_settings(world.server.url))
    with pytest.raises(store.exceptions.ClientError):
        store.put_object(Bucket="voice-profiles", Key=str(uuid4()), Body=b"")
    assert len(world.server.requests) == 1
    store.close()


def test_wire_refuses_also_when_no_gate_is_left_to_record(world: World, before: dict[str, Any]) -> None:
    world.gate.close()
    with pytest.raises(ConsentDenied) as closed:
        before[VOICE].create_voice_profile(SpeakerSearchTaskId="t")
    assert closed.value.entry is None
    TRIPWIRE._gates.clear()
    with pytest.raises(ConsentDenied) as alone:
        before[VOICE].create_voice_profile(SpeakerSearchTaskId="t")
    assert [each.code for each in alone.value.reasons] == ["NO_PERMIT"]
    assert not world.server.requests


def test_wire_is_laid_once_and_the_newest_gate_records(world: World, before: dict[str, Any]) -> None:
    send = URLLib3Session.send
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        other.install(boto3.Session())
        assert URLLib3Session.send is send
        world.gate.install(boto3.Session())
    with pytest.raises(ConsentDenied) as denied:
        before[VOICE].create_voice_profile(SpeakerSearchTaskId="t")
    assert denied.value.entry is not None
    TRIPWIRE.take_up()
    assert URLLib3Session.send is not send


@pytest.mark.parametrize(
    ("where", "name"), [(URLLib3Session, "send"), (RequestSigner, "generate_presigned_url")]
)
def test_botocore_that_sends_elsewhere_is_not_supported(
    world: World, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    monkeypatch.setattr(where, name, None)
    with pytest.raises(Misconfigured):
        world.gate.install(boto3.Session())
