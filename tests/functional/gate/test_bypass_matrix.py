"""Every way to send, crossed with every way to tamper, over real HTTP.

Denied consent means that nothing at all reaches the server. With consent, what reaches it is what the ledger
decided on, byte for byte, as often as the table says. Where nobody inside the process can win, the last tests
show what happens; the threat model lists the same.
"""

import copy
import os
import pickle
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse, create_request_object
from botocore.compat import HTTPHeaders
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.signers import S3PostPresigner
from botocore.stub import Stubber
from urllib3 import HTTPResponse

from consentgate import ConsentDenied, ConsentGate, canonical
from consentgate.aws.operations import GATED, SERVICES
from consentgate.aws.passage import is_gated
from consentgate.config.setup import make_home
from consentgate.errors import ConsentGateError, Misconfigured
from consentgate.ledger.book import open_parts
from consentgate.storage import entries, subjects
from consentgate.testing.chime import ChimeServer, SeenRequest
from consentgate.testing.client import _hermetic, client_settings
from consentgate.testing.clock import FrozenClock
from tests.functional.gate.conftest import CONNECTOR, ISS, NOTICE, World

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


@dataclass
class Ground:
    """One deployment for the whole matrix, and a second server that nobody may reach."""

    world: World
    elsewhere: ChimeServer
    session: Any
    sent: list[SeenRequest] = field(default_factory=list)
    calls: int = 0

    def client(self, tampering: str = "nothing") -> Any:
        """A fresh protected client, tampered with."""
        made = self.session.client("chime-sdk-voice", **client_settings(self.world.server.url))
        client = self.world.gate.protect(made)
        TAMPERINGS[tampering][0](client, self.elsewhere.url)
        return client

    def call(self, *, consent: bool) -> str:
        """A fresh call of somebody with or without consent."""
        self.calls += 1
        # The service takes so many searches at a time; those of the calls before are over.
        searches: Any = self.world.server._behaviours["chime-sdk-voice"]
        searches.searches._tasks.clear()
        transaction = f"tx-{self.calls:04}"
        self.world.register(transaction, self.world.caller("with" if consent else "without"))
        return transaction

    def watch(self, act: Callable[[], object]) -> tuple[list[SeenRequest], BaseException | None]:
        """Do something; give what reached the server, and the failure."""
        before, failure = len(self.world.server.requests), None
        try:
            act()
        except (ConsentGateError, BotoCoreError, ClientError, AttributeError, TypeError, ValueError) as error:
            failure = error
        assert not self.elsewhere.requests
        return list(self.world.server.requests[before:]), failure

    def decided_on(self, sent: list[SeenRequest], transaction: str) -> bool:
        """Tell whether each of these is, byte for byte, what the newest intent says, about this call."""
        if not sent:
            return True
        parts = self.world.gate._parts
        with parts.database.read() as connection:
            row = entries.of_kind(connection, parts.book.tenant, "intent")[-1]
            linked = subjects.subjects_of(connection, parts.book.tenant, [row.id])[row.id]
            keys = list(parts.book.vault.data_keys(connection, linked).values())
        told: Any = dict(open_parts(row, keys))["exchange.0"]
        decided = (told["method"], told["path"], told["query"], canonical.unb64(told["body"]))
        named = f'"TransactionId": "{transaction}"'.encode()
        return all((r.method, r.path, r.query, r.body) == decided and named in r.body for r in sent)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """The deployment, with one caller who consented and one who did not."""
    home: Path = tmp_path_factory.mktemp("matrix") / "home"
    clock = FrozenClock()
    made = make_home(home, controller="acme", clock=clock)
    with (
        ChimeServer(clock=clock) as server,
        ChimeServer(clock=clock) as elsewhere,
        ConsentGate(made.settings, clock=clock, background=False) as gate,
    ):
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        since = clock() - timedelta(days=30)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
        gate.add_issuer(ISS, name="Acme IVR")
        ivr = gate.issuer(ISS)
        client = gate.protect(server.client())
        world = World(gate=gate, home=home, clock=clock, server=server, client=client, ivr=ivr)
        ivr.grant(world.caller("with"), notice="voiceprint", method="ivr_dtmf")
        world.register(EVIL, world.caller("without"))
        yield Ground(world=world, elsewhere=elsewhere, session=boto3.Session(botocore_session=_hermetic()))
        client.close()


def search(transaction: str, **more: str) -> dict[str, str]:
    said = {"VoiceConnectorId": CONNECTOR, "TransactionId": transaction, "VoiceProfileDomainId": "vpd-1"}
    return {**said, "CallLeg": "Caller", **more}


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


# --- ways to send ------------------------------------------------------------------------------------------


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

# --- ways to tamper ----------------------------------------------------------------------------------------

Tamper = Callable[[Any, str], object]


def _on(event: str, handler: Callable[..., object], how: str = "register") -> Tamper:
    return lambda client, _elsewhere: getattr(client.meta.events, how)(event, handler)


def _swap(data: bytes) -> bytes:
    head, _, tail = data.partition(b'"TransactionId": "')
    return head + b'"TransactionId": "' + EVIL.encode() + tail[tail.index(b'"') :]


def _params(params: Emitted, **_: Any) -> None:
    params["TransactionId"] = EVIL


def _call_body(params: Emitted, **_: Any) -> None:
    params["body"] = _swap(params["body"])


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
    request.data = _swap(request.data)


def _body(request: Any, **_: Any) -> None:
    request.body = _swap(request.body)


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
    request.body = _Lying(_swap(request.body))


def _reply(**_: Any) -> AWSResponse:
    raw = HTTPResponse(b'{"SpeakerSearchTask":{"SpeakerSearchTaskId":"made-up"}}', preload_content=False)
    return AWSResponse("http://nowhere.invalid", 201, HTTPHeaders(), raw)


def _answer(**_: Any) -> tuple[Any, dict[str, Any]]:
    return _reply(), {"SpeakerSearchTask": {}, "ResponseMetadata": {}}


def _received(response_dict: Emitted | None, **_: Any) -> None:
    if response_dict:
        response_dict.update(status_code=400, body=b"{}")


def _other_body_next(request_dict: Emitted, attempts: int, **_: Any) -> int | None:
    request_dict["body"] = _swap(request_dict["body"])
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
            client.meta.events.unregister(event, unique_id=f"consentgate-{event}")

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


def _named(values: tuple[Callable[..., Any], ...]) -> list[Any]:
    return [pytest.param(each, id=each.__name__) for each in values]


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("send", _named((*DECIDED, *PAST, by_emitted_events)))
def test_without_consent_nothing_leaves(ground: Ground, send: Callable[..., object], name: str) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=False)
    sent, _ = ground.watch(lambda: send(client, transaction))
    assert not sent
    client.close()


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("send", _named(DECIDED))
def test_with_consent_exactly_what_was_decided_on_leaves(
    ground: Ground, send: Callable[..., object], name: str
) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=True)
    sent, failure = ground.watch(lambda: send(client, transaction))
    assert len(sent) == TAMPERINGS[name][1], failure
    assert ground.decided_on(sent, transaction)
    client.close()


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("send", _named(PAST))
def test_ways_past_the_decision_send_nothing_with_consent_either(
    ground: Ground, send: Callable[..., object], name: str
) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=True)
    sent, _ = ground.watch(lambda: send(client, transaction))
    assert not sent
    client.close()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_events_played_by_hand_get_a_permit_for_that_request_only(ground: Ground, name: str) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=True)
    sent, failure = ground.watch(lambda: by_emitted_events(client, transaction))
    assert len(sent) == (1 if name == "nothing" else min(len(sent), 3)), failure
    assert ground.decided_on(sent, transaction)
    client.close()


@pytest.mark.parametrize("name", ["nothing", "without provide-client-params", "without before-sign"])
@pytest.mark.parametrize("consent", [False, True])
@pytest.mark.parametrize("send", _named(NEVER))
def test_presigning_paging_waiting_and_deep_copies_send_nothing(
    ground: Ground, send: Callable[..., object], consent: bool, name: str
) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=consent)
    sent, failure = ground.watch(lambda: send(client, transaction))
    assert not sent
    assert failure is not None or name == "without before-sign"
    client.close()


@pytest.mark.parametrize("send", _named((*DECIDED, by_private_request, by_endpoint, by_emitted_events)))
def test_another_http_session_leaves_the_handlers_in_place(
    ground: Ground, send: Callable[..., object]
) -> None:
    client = ground.client()
    client._endpoint.http_session = URLLib3Session()
    sent, _ = ground.watch(lambda: send(client, ground.call(consent=False)))
    assert not sent
    client.close()


@dataclass
class _Kept:
    """What botocore handed from event to event in one call."""

    model: Any = None
    params: Any = None
    context: Any = None

    def __call__(self, model: Any, params: Any, context: Any, **_: Any) -> None:
        self.model, self.params, self.context = model, params, context


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, dict])
@pytest.mark.parametrize("when", ["before", "after"])
def test_permit_in_a_copied_context_serves_no_second_request(
    ground: Ground, copied: Callable[[Any], Any], when: str
) -> None:
    client, kept, copies = ground.client(), _Kept(), list[Any]()
    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last(
        "request-created", lambda **_: copies.append(_copy(kept.context, copied))
    )
    sent, _ = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert len(sent) == 1
    context = copies[0] if when == "before" else _copy(kept.context, copied)
    again, failure = ground.watch(
        lambda: client._endpoint.make_request(kept.model, {**kept.params, "context": context})
    )
    assert not again
    assert isinstance(failure, ConsentDenied)
    client.close()


def _copy(context: Any, copied: Callable[[Any], Any]) -> Any:
    # botocore's own members of the context cannot all be copied deeply.
    mine = {"consentgate": context["consentgate"]}
    return {**context, **copied(mine)}


def test_permit_goes_into_no_pickle(ground: Ground) -> None:
    client, kept, pickled = ground.client(), _Kept(), list[str]()

    def attempt(**_: Any) -> None:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(kept.context["consentgate"])
        pickled.append("tried")

    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last("request-created", attempt)
    ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert pickled
    client.close()


def test_second_request_of_a_used_permit_is_refused_while_other_threads_send(ground: Ground) -> None:
    client = ground.client()
    calls = [(ground.call(consent=i % 2 == 0), i % 2 == 0) for i in range(12)]

    def run(transaction: str) -> BaseException | None:
        try:
            by_method(client, transaction)
        except ConsentDenied as denied:
            return denied
        return None

    before = len(ground.world.server.requests)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(run, [transaction for transaction, _ in calls]))
    sent = b"".join(r.body for r in ground.world.server.requests[before:])
    assert [result is None for result in results] == [consent for _, consent in calls]
    for transaction, consent in calls:
        assert sent.count(f'"{transaction}"'.encode()) == int(consent)
    client.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_child_has_no_use_of_the_permit(ground: Ground) -> None:
    client, children = ground.client(), list[int]()

    def fork(**_: Any) -> None:
        children.append(os.fork())

    client.meta.events.register_last("before-call", fork)
    before, parent = len(ground.world.server.requests), os.getpid()
    try:
        by_method(client, ground.call(consent=True))
    except ConsentDenied as denied:
        if os.getpid() != parent:
            os._exit(7 if [r.code for r in denied.reasons] == ["NO_PERMIT"] else 8)
    finally:
        if os.getpid() != parent:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 7
    assert len(ground.world.server.requests) == before + 1
    assert ground.world.ends()[-1] == "succeeded"
    client.close()


def test_retry_of_the_vendor_with_another_body_does_not_leave(ground: Ground) -> None:
    client = ground.client("needs-retry changes the body")
    ground.world.server.script.fail(error="ServiceUnavailableException")
    sent, failure = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert len(sent) == 1
    assert isinstance(failure, ConsentDenied)
    assert ground.world.ends()[-1] == "unknown"
    client.close()


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("response-received changes the answer", "succeeded"),
        ("before-send answers first", "not_sent"),
        ("before-send answers last", "not_sent"),
        ("before-call answers last", "not_sent"),
        ("before-send changes the body last", "not_sent"),
        ("request-created changes the body last", "not_sent"),
        ("without response-received", "unknown"),
    ],
)
def test_outcome_is_what_the_network_saw_whatever_handlers_say(ground: Ground, name: str, end: str) -> None:
    client = ground.client(name)
    ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert ground.world.ends()[-1] == end
    client.close()


def test_foreign_answer_before_the_decision_records_nothing(ground: Ground) -> None:
    client = ground.client("before-call answers first")
    before, sent = len(ground.world.opened("intent", "denial")), len(ground.world.server.requests)
    for transaction in (ground.call(consent=True), ground.call(consent=False)):
        by_method(client, transaction)
    assert not ground.world.server.requests[sent:]
    assert len(ground.world.opened("intent", "denial")) == before
    client.close()


def test_client_whose_session_lies_elsewhere_is_refused(ground: Ground) -> None:
    client = ground.session.client("chime-sdk-voice", **client_settings(ground.world.server.url))
    session, client._endpoint.http_session = client._endpoint.http_session, None
    with pytest.raises(Misconfigured, match="botocore"):
        ground.world.gate.protect(client)
    session.close()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_last_look_knows_where_the_gated_operations_listen_and_no_other(service: str) -> None:
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        url = "https://voice.example/x" + re.sub(r"\{[^}]+\}", "arn%3Aaws%2Fid", http["requestUri"])
        assert is_gated(http["method"], url) is ((service, name) in GATED), name


@pytest.mark.parametrize(
    "path",
    [
        "/voice-connectors/c/speaker-search-tasks/",
        "//voice-connectors/c/speaker-search-tasks//",
        "/voice-connectors//speaker-search-tasks",
        "/VOICE-connectors/c/speaker%2Dsearch-tasks?x=1#y",
        "/voice-connectors/c/speaker-search-tasks;x",
        "/voice-connectors/c/../c/./speaker-search-tasks/t/..",
        "/%76oice-connectors/c%2Fspeaker-search-tasks",
    ],
)
@pytest.mark.parametrize("method", ["POST", "post", "PUT", "POST ", "BREW", None])
def test_another_spelling_of_the_place_is_the_same_place(path: str, method: str | None) -> None:
    assert is_gated(method, f"https://voice.example{path}")


# --- where nobody inside the process can win: what happens is on record here and in the threat model --------


def test_gap_presigning_with_our_handlers_removed_makes_a_url(ground: Ground) -> None:
    client = ground.client("without any handler")
    transaction = ground.call(consent=False)
    made: list[Any] = []
    sent, _ = ground.watch(lambda: made.append(by_presigned_url(client, transaction)))
    assert not sent
    assert "X-Amz-Signature" in made[0]
    client.close()


def test_gap_own_client_is_not_gated(ground: Ground) -> None:
    client = ground.session.client("chime-sdk-voice", **client_settings(ground.world.server.url))
    sent, _ = ground.watch(lambda: by_method(client, ground.call(consent=False)))
    assert len(sent) == 1
    client.close()


@pytest.mark.parametrize("send", _named((under_another_name, by_session, disguised)))
def test_gap_handlers_past_which_one_sends_and_another_http_session(
    ground: Ground, send: Callable[..., object]
) -> None:
    client = ground.client()
    client._endpoint.http_session = URLLib3Session()
    sent, _ = ground.watch(lambda: send(client, ground.call(consent=False)))
    assert len(sent) == 1
    client.close()


@pytest.mark.parametrize("name", ["without after-call", "without any handler"])
def test_gap_without_the_last_handler_the_intent_stays_open(ground: Ground, name: str) -> None:
    client = ground.client(name)
    intents, ends = len(ground.world.opened("intent")), ground.world.ends()
    sent, _ = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    opened = len(ground.world.opened("intent")) - intents
    assert (len(sent), opened) == ((1, 1) if name == "without after-call" else (0, 0))
    assert ground.world.ends() == ends
    client.close()


def test_gap_private_permit_in_hostile_hands_is_a_permit(ground: Ground) -> None:
    client, kept = ground.client(), _Kept()
    transaction = ground.call(consent=True)

    def turn(**_: Any) -> None:
        passage = kept.context["consentgate"]
        changed = kept.params["body"] = _swap(kept.params["body"])
        passage.permit = replace(passage.permit, request=replace(passage.permit.request, body=changed))

    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last("before-call", turn)
    sent, _ = ground.watch(lambda: by_method(client, transaction))
    assert [EVIL.encode() in r.body for r in sent] == [True]
    client.close()
