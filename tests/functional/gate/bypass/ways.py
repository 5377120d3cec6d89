"""Ways to send a gated request, and what each rests on."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import create_request_object
from botocore.signers import S3PostPresigner

from tests.functional.gate.bypass.tampering import OPERATION, Emitted, search


def model_of(client: Any, operation: str = OPERATION) -> Any:
    return client.meta.service_model.operation_model(operation)


def forged(client: Any, transaction: str) -> Emitted:
    """What botocore would send, made by hand from its private parts."""
    context = {
        "client_region": "us-east-1",
        "client_config": client.meta.config,
        "has_streaming_input": False,
        "auth_type": None,
    }
    made: dict[str, Any] = client._convert_to_request_dict(
        api_params=search(transaction, ClientRequestToken="cg-forged-by-hand"),
        operation_model=model_of(client),
        endpoint_url=client.meta.endpoint_url,
        context=context,
    )
    return made


def by_method(client: Any, transaction: str) -> object:
    return client.start_speaker_search_task(**search(transaction))


def by_api_call(client: Any, transaction: str) -> object:
    return client._make_api_call(OPERATION, search(transaction))


def by_copied_client(client: Any, transaction: str) -> object:
    # Clients do not survive copy.copy: this is what it would do.
    twin = object.__new__(type(client))
    twin.__dict__.update(client.__dict__)
    return twin.start_speaker_search_task(**search(transaction))


def by_deep_copied_client(client: Any, transaction: str) -> object:
    twin = object.__new__(type(client))
    twin.__dict__.update(copy.deepcopy(client.__dict__))
    return twin.start_speaker_search_task(**search(transaction))


def by_private_request(client: Any, transaction: str) -> object:
    request = forged(client, transaction)
    return client._make_request(model_of(client), request, request["context"])


def by_endpoint(client: Any, transaction: str) -> object:
    return client._endpoint.make_request(model_of(client), forged(client, transaction))


def under_another_name(client: Any, transaction: str) -> object:
    return client._endpoint.make_request(
        model_of(client, "ListVoiceProfileDomains"), forged(client, transaction)
    )


def by_session(client: Any, transaction: str) -> object:
    request = create_request_object(forged(client, transaction))
    return client._endpoint.http_session.send(request.prepare())


def by_emitted_events(client: Any, transaction: str) -> object:
    """Play botocore: ask for a permit by emitting, then send by hand."""
    request, model = forged(client, transaction), model_of(client)
    at = f"chime-sdk-voice.{OPERATION}"
    emit = client.meta.events.emit
    emit(f"provide-client-params.{at}", params={}, model=model, context=request["context"])
    emit(f"before-call.{at}", model=model, params=request, request_signer=None, context=request["context"])
    return client._endpoint.make_request(model, request)


def disguised(client: Any, transaction: str) -> object:
    """Call an operation that is not gated, and turn it into one that is."""
    request = forged(client, transaction)

    def turn(params: dict[str, Any], **_: Any) -> None:
        params.update({name: request[name] for name in ("url", "method", "body", "url_path", "headers")})

    client.meta.events.register_last("before-call", turn)
    return client.list_voice_profile_domains()


def by_presigned_url(client: Any, transaction: str) -> object:
    return client.generate_presigned_url("start_speaker_search_task", Params=search(transaction))


def by_signer(client: Any, transaction: str) -> object:
    return client._request_signer.generate_presigned_url(forged(client, transaction), OPERATION)


def by_signer_under_another_name(client: Any, transaction: str) -> object:
    return client._request_signer.generate_presigned_url(forged(client, transaction), "GetVoiceProfile")


def by_presigned_post(client: Any, transaction: str) -> object:
    return client.generate_presigned_post(Bucket="b", Key=transaction)


def by_presigned_form(client: Any, transaction: str) -> object:
    return S3PostPresigner(client._request_signer).generate_presigned_post(forged(client, transaction))


def by_paginator(client: Any, transaction: str) -> object:
    return list(client.get_paginator("start_speaker_search_task").paginate(**search(transaction)))


def by_waiter(client: Any, transaction: str) -> object:
    return client.get_waiter("start_speaker_search_task").wait(**search(transaction))


# Ways that meet the decision; ways past it; ways that never send.
DECIDED = (by_method, by_api_call, by_copied_client)
PAST = (by_private_request, by_endpoint, under_another_name, by_session, disguised)
NEVER = (
    by_deep_copied_client,
    by_presigned_url,
    by_signer,
    by_signer_under_another_name,
    by_presigned_post,
    by_presigned_form,
    by_paginator,
    by_waiter,
)


def named(values: tuple[Callable[..., Any], ...]) -> list[Any]:
    return [pytest.param(each, id=each.__name__) for each in values]
