"""Every way past the gate, for each of the seven operations.

A sample by operation: the code behind it is the same for all, and `bypass/test_matrix.py` crosses it for one with
every way to tamper. On SQLite alone: what is shown is what leaves a client.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import create_request_object
from botocore.exceptions import BotoCoreError, ClientError

from consentgate import canonical
from consentgate.aws.operations import GATED, PIPELINES, VOICE
from consentgate.errors import ConsentGateError
from tests.functional.gate.bypass.tampering import TAMPERINGS
from tests.functional.gate.operations.conftest import DOMAIN_ARN, KEY, PIPELINE, STREAM, Stage, source, tone

TAMPERED = ("nothing", "without provide-client-params", "without before-call", "without any handler")
Params = dict[str, Any]
Send = Callable[[Any, str, Params], object]


def model_of(client: Any, name: str) -> Any:
    return client.meta.service_model.operation_model(name)


def forged(client: Any, name: str, params: Params) -> dict[str, Any]:
    """What botocore would send, made by hand from its private parts."""
    context = {"client_region": "us-east-1", "client_config": client.meta.config, "auth_type": None,
               "has_streaming_input": False}  # fmt: skip
    token = {"ClientRequestToken": "cg-forged"} if GATED_TOKEN.get(name) else {}
    made: dict[str, Any] = client._convert_to_request_dict(
        api_params={**params, **token},
        operation_model=model_of(client, name),
        endpoint_url=client.meta.endpoint_url,
        context=context,
    )
    return made


GATED_TOKEN = {name: operation.token for (_, name), operation in GATED.items()}


def by_method(client: Any, name: str, params: Params) -> object:
    methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    return getattr(client, methods[name])(**params)


def by_api_call(client: Any, name: str, params: Params) -> object:
    return client._make_api_call(name, params)


def by_private_request(client: Any, name: str, params: Params) -> object:
    request = forged(client, name, params)
    return client._make_request(model_of(client, name), request, request["context"])


def by_endpoint(client: Any, name: str, params: Params) -> object:
    return client._endpoint.make_request(model_of(client, name), forged(client, name, params))


def under_another_name(client: Any, name: str, params: Params) -> object:
    harmless = (
        "ListVoiceProfileDomains" if client.meta.service_model.service_name == VOICE else "ListMediaPipelines"
    )
    return client._endpoint.make_request(model_of(client, harmless), forged(client, name, params))


def by_session(client: Any, name: str, params: Params) -> object:
    return client._endpoint.http_session.send(create_request_object(forged(client, name, params)).prepare())


def by_presigned_url(client: Any, name: str, params: Params) -> object:
    methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    return client.generate_presigned_url(methods[name], Params=params)


def by_signer(client: Any, name: str, params: Params) -> object:
    return client._request_signer.generate_presigned_url(forged(client, name, params), name)


DECIDED: tuple[Send, ...] = (by_method, by_api_call)
OTHERS: tuple[Send, ...] = (
    by_private_request,
    by_endpoint,
    under_another_name,
    by_session,
    by_presigned_url,
    by_signer,
)


def asked(stage: Stage, at: tuple[str, str], *, consent: bool) -> Params:
    """Somebody with or without consent, and what the operation is asked with about them."""
    anna = stage.world.caller()
    stage.consent(anna, *(() if consent else ("search",)))
    service, name = at
    if service == PIPELINES:
        known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
        speakers = [anna] if consent else [stage.world.caller("2002")]
        stage.world.gate.register_stream(PIPELINE, STREAM, 0, speakers, **known)
        more = {"VoiceProfileDomainArn": DOMAIN_ARN} if "Search" in name else {"LanguageCode": "en-US"}
        return {"Identifier": PIPELINE, **source(), **more}
    if name == "CreateVoiceProfileDomain":
        return {"Name": "n", "ServerSideEncryptionConfiguration": KEY}
    if name.startswith("Start"):
        stage.world.register("tx-1", anna if consent else stage.world.caller("2002"))
        return _of_call(name)
    task = stage.searched(anna)
    return {"SpeakerSearchTaskId": task, **({"VoiceProfileId": "vp-1"} if name.startswith("Update") else {})}


def _of_call(name: str) -> Params:
    known: Params = tone()
    if "Search" in name:
        return {k: v for k, v in known.items() if k != "LanguageCode"} | {
            "VoiceProfileDomainId": "d",
            "CallLeg": "Caller",
        }
    return known


def reached(stage: Stage, at: tuple[str, str]) -> list[Any]:
    return [each for each in stage.world.server.requests if (each.service, each.operation) == at]


def tried(act: Callable[[], object]) -> None:
    try:
        act()
    except (ConsentGateError, BotoCoreError, ClientError, AttributeError, TypeError, ValueError):
        return


@pytest.mark.parametrize("at", GATED, ids="-".join)
def test_nothing_leaves_without_consent_whatever_the_way(stage: Stage, at: tuple[str, str]) -> None:
    params = asked(stage, at, consent=False)
    # A domain is about nobody: the two ways that meet the decision may send it.
    allowed = {*DECIDED} if at[1] == "CreateVoiceProfileDomain" else set()
    before = len(reached(stage, at))
    for tampering in TAMPERED:
        client = stage.world.gate.protect(stage.world.server.client(at[0]))
        TAMPERINGS[tampering][0](client, "http://127.0.0.1:1")
        for send in (*DECIDED, *OTHERS):
            if send not in allowed:
                tried(lambda: send(client, at[1], params))  # noqa: B023  # called at once
                assert len(reached(stage, at)) == before, (tampering, send.__name__)
        client.close()


@pytest.mark.parametrize("at", GATED, ids="-".join)
def test_with_consent_what_was_decided_on_leaves_once(stage: Stage, at: tuple[str, str]) -> None:
    params = asked(stage, at, consent=True)
    client = stage.voice if at[0] == VOICE else stage.pipelines
    for send in OTHERS:
        tried(lambda: send(client, at[1], params))  # noqa: B023  # called at once
    before = len(stage.world.opened("intent"))
    sent = len(reached(stage, at))
    tried(lambda: by_method(client, at[1], params))
    (request,) = reached(stage, at)[sent:]
    intents = stage.world.opened("intent")[before:]
    ((_, parts),) = intents
    told = parts["body.0"]["exchange"] if "body.0" in parts else parts["exchange.0"]
    decided = (told["method"], told["path"], told["query"], canonical.unb64(told["body"]))
    assert (request.method, request.path, request.query, request.body) == decided
    assert sent == 0
