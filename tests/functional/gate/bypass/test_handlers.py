"""What other handlers of the same client do to the answer, and to the outcome."""

import pytest

from consentgate import ConsentDenied
from consentgate.errors import Misconfigured
from consentgate.testing.client import client_settings
from tests.functional.gate.bypass.ground import Ground
from tests.functional.gate.bypass.ways import by_method


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
