"""Ways to tamper with a client: what other code in the process may do to its events and parts."""

from collections.abc import Callable
from typing import Any

from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber
from urllib3 import HTTPResponse

from tests.functional.gate.conftest import CONNECTOR

Emitted = dict[str, Any]
OPERATION = "StartSpeakerSearchTask"
OURS = (
    "provide-client-params",
    "before-call",
    "request-created",
    "before-sign",
    "before-send",
    "response-received",
    "after-call",
    "after-call-error",
)
# The other call: its caller never consented.
EVIL = "tx-of-somebody-else"


def search(transaction: str, **more: str) -> dict[str, str]:
    said = {"VoiceConnectorId": CONNECTOR, "TransactionId": transaction, "VoiceProfileDomainId": "vpd-1"}
    return {**said, "CallLeg": "Caller", **more}


Tamper = Callable[[Any, str], object]


def _on(event: str, handler: Callable[..., object], how: str = "register") -> Tamper:
    return lambda client, _elsewhere: getattr(client.meta.events, how)(event, handler)


def swap(data: bytes) -> bytes:
    head, _, tail = data.partition(b'"TransactionId": "')
    return head + b'"TransactionId": "' + EVIL.encode() + tail[tail.index(b'"') :]


def _params(params: Emitted, **_: Any) -> None:
    params["TransactionId"] = EVIL


def _call_body(params: Emitted, **_: Any) -> None:
    params["body"] = swap(params["body"])


def _call_text(params: Emitted, **_: Any) -> None:
    params["body"] = params["body"].decode()


def _call_method(params: Emitted, **_: Any) -> None:
    params["method"] = "PUT"


def _call_query(params: Emitted, **_: Any) -> None:
    params["url"] += "?operation=start"


def _call_path(params: Emitted, **_: Any) -> None:
    params["url"] = params["url"].replace("/voice-connectors/", "/x/../voice-connectors/")


def _call_unused(params: Emitted, **_: Any) -> None:
    params["url_path"], params["query_string"] = "/elsewhere", {"operation": "start"}


def _call_header(params: Emitted, **_: Any) -> None:
    params["headers"]["X-Trace"] = "1"


def _call_length(params: Emitted, **_: Any) -> None:
    params["headers"]["Content-Length"] = "2"


def _call_context(context: Emitted, **_: Any) -> None:
    context.clear()


def _data(request: Any, **_: Any) -> None:
    request.data = swap(request.data)


def _body(request: Any, **_: Any) -> None:
    request.body = swap(request.body)


def _framed(request: Any, **_: Any) -> None:
    request.headers["Transfer-Encoding "] = "chunked"


def _query(request: Any, **_: Any) -> None:
    request.params = {"operation": "start"}


def _method(request: Any, **_: Any) -> None:
    request.method = "PUT"


def _url(request: Any, **_: Any) -> None:
    request.url = request.url.replace(CONNECTOR, "zzzzzz1ghij2klmno3pqr4")


class _Lying(bytes):
    """Equal to what was decided on; sends something else."""

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False

    __hash__ = bytes.__hash__


def _lie(request: Any, **_: Any) -> None:
    request.body = _Lying(swap(request.body))


def _reply(**_: Any) -> AWSResponse:
    raw = HTTPResponse(b'{"SpeakerSearchTask":{"SpeakerSearchTaskId":"made-up"}}', preload_content=False)
    return AWSResponse("http://nowhere.invalid", 201, HTTPHeaders(), raw)


def _answer(**_: Any) -> tuple[Any, dict[str, Any]]:
    return _reply(), {"SpeakerSearchTask": {}, "ResponseMetadata": {}}


def _received(response_dict: Emitted | None, **_: Any) -> None:
    if response_dict:
        response_dict.update(status_code=400, body=b"{}")


def _raise(**_: Any) -> None:
    raise ValueError("a handler of somebody else")


def _spoil(parsed: Emitted, **_: Any) -> None:
    parsed.clear()
    parsed.update({"ResponseMetadata": "spoilt", "Error": ["spoilt"]})


def _other_body_next(request_dict: Emitted, attempts: int, **_: Any) -> int | None:
    request_dict["body"] = swap(request_dict["body"])
    return 0 if attempts == 1 else None


def _again(attempts: int, **_: Any) -> int | None:
    return 0 if attempts < 3 else None


def _elsewhere_in_call(how: str) -> Tamper:
    def tamper(client: Any, elsewhere: str) -> None:
        def turn(params: Emitted, **_: Any) -> None:
            params["url"] = params["url"].replace(client.meta.endpoint_url, elsewhere)

        getattr(client.meta.events, how)("before-call", turn)

    return tamper


def _elsewhere_in(event: str) -> Tamper:
    def tamper(client: Any, elsewhere: str) -> None:
        def turn(request: Any, **_: Any) -> None:
            request.url = request.url.replace(client.meta.endpoint_url, elsewhere)

        client.meta.events.register_last(event, turn)

    return tamper


def _elsewhere_resolved(client: Any, elsewhere: str) -> None:
    def turn(builtins: Emitted, **_: Any) -> None:
        builtins["SDK::Endpoint"] = elsewhere

    client.meta.events.register("before-endpoint-resolution", turn)


def _meta(client: Any, elsewhere: str) -> None:
    client.meta._endpoint_url = elsewhere


def _host(client: Any, elsewhere: str) -> None:
    client._endpoint.host = elsewhere


def _stubbed(client: Any, _elsewhere: str) -> None:
    stub = Stubber(client)
    stub.add_response("start_speaker_search_task", {})
    stub.activate()


def _without(*events: str) -> Tamper:
    def tamper(client: Any, _elsewhere: str) -> None:
        for event in events:
            own = f"consentgate-{event}"
            client.meta.events.unregister(event, unique_id=own)
            full = f"{event}.chime-sdk-voice.{OPERATION}"
            client.meta.events.unregister(full, unique_id=f"{own}-{OPERATION}")

    return tamper


# What is done, and how many requests reach the server through the client's own method when there is consent.
TAMPERINGS: dict[str, tuple[Tamper, int]] = {
    "nothing": (lambda _client, _elsewhere: None, 1),
    "provide-client-params changes": (_on("provide-client-params", _params, "register_first"), 0),
    "provide-client-params changes last": (_on("provide-client-params", _params, "register_last"), 0),
    "provide-client-params replaces": (_on("provide-client-params", lambda **_: search(EVIL)), 0),
    "before-parameter-build changes": (_on("before-parameter-build", _params), 0),
    "before-parameter-build replaces": (_on("before-parameter-build", lambda **_: search(EVIL)), 1),
    "before-call changes the body": (_on("before-call", _call_body), 0),
    "before-call changes the body last": (_on("before-call", _call_body, "register_last"), 0),
    "before-call makes the body text": (_on("before-call", _call_text), 0),
    "before-call changes the method": (_on("before-call", _call_method), 0),
    "before-call changes the method last": (_on("before-call", _call_method, "register_last"), 0),
    "before-call adds a query": (_on("before-call", _call_query), 0),
    "before-call adds a query last": (_on("before-call", _call_query, "register_last"), 0),
    "before-call changes the path": (_on("before-call", _call_path), 0),
    "before-call changes what is not sent": (_on("before-call", _call_unused), 1),
    "before-call adds a header": (_on("before-call", _call_header), 1),
    "before-call lies about the length": (_on("before-call", _call_length), 0),
    "before-call empties the context": (_on("before-call", _call_context), 0),
    "before-call goes elsewhere": (_elsewhere_in_call("register"), 0),
    "before-call goes elsewhere last": (_elsewhere_in_call("register_last"), 0),
    "before-call answers first": (_on("before-call", _answer), 0),
    "before-call answers last": (_on("before-call", _answer, "register_last"), 0),
    "request-created changes the body": (_on("request-created", _data, "register_first"), 0),
    "request-created changes the body last": (_on("request-created", _data, "register_last"), 0),
    "request-created changes the method": (_on("request-created", _method, "register_last"), 0),
    "request-created adds a query": (_on("request-created", _query, "register_last"), 0),
    "request-created goes elsewhere": (_elsewhere_in("request-created"), 0),
    "request-created returns something": (_on("request-created", lambda **_: b""), 1),
    "before-sign changes the body": (_on("before-sign", _data), 0),
    "before-sign changes the body last": (_on("before-sign", _data, "register_last"), 0),
    "before-sign goes elsewhere": (_elsewhere_in("before-sign"), 0),
    "choose-signer signs not": (_on("choose-signer", lambda **_: UNSIGNED), 1),
    "before-send changes the body": (_on("before-send", _body, "register_first"), 0),
    "before-send changes the body last": (_on("before-send", _body, "register_last"), 0),
    "before-send lies about the body": (_on("before-send", _lie, "register_last"), 0),
    "before-send changes the URL last": (_on("before-send", _url, "register_last"), 0),
    "before-send goes elsewhere": (_elsewhere_in("before-send"), 0),
    "before-send changes the framing": (_on("before-send", _framed, "register_last"), 0),
    "before-send answers first": (_on("before-send", _reply, "register_first"), 0),
    "before-send answers last": (_on("before-send", _reply, "register_last"), 0),
    "response-received changes the answer": (_on("response-received", _received, "register_first"), 1),
    "response-received raises": (_on("response-received", _raise, "register_first"), 1),
    "needs-retry raises": (_on("needs-retry", _raise, "register_first"), 1),
    "after-call raises": (_on("after-call", _raise, "register_first"), 1),
    "after-call spoils the answer": (_on("after-call", _spoil, "register_first"), 1),
    "after-call-error raises": (_on("after-call-error", _raise, "register_first"), 1),
    "needs-retry sends again": (_on("needs-retry", _again, "register_first"), 3),
    "needs-retry changes the body": (_on("needs-retry", _other_body_next, "register_first"), 1),
    "the resolver goes elsewhere": (_elsewhere_resolved, 0),
    "the endpoint's URL changed": (_meta, 1),
    "the endpoint's host changed": (_host, 1),
    "stubbed": (_stubbed, 0),
    **{f"without {event}": (_without(event), 0) for event in OURS[:3] + OURS[4:5]},
    **{f"without {event}": (_without(event), 1) for event in OURS[3:4] + OURS[5:]},
    "without any handler": (_without(*OURS), 0),
}
