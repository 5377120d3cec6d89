"""What other handlers of the same client do to the answer, and to the outcome."""

from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentWithdrawn
from consentgate.errors import Misconfigured
from consentgate.testing.client import client_settings
from tests.functional.gate.bypass.ground import Ground
from tests.functional.gate.bypass.tampering import OPERATION
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


@pytest.mark.parametrize(
    "name",
    [
        "response-received raises",
        "needs-retry raises",
        "after-call raises",
        "after-call spoils the answer",
        "after-call-error raises",
    ],
)
@pytest.mark.parametrize(("status", "end"), [(201, "succeeded"), (403, "rejected"), (503, "unknown")])
def test_answer_is_recorded_although_a_handler_raises_or_spoils_it(
    ground: Ground, name: str, status: int, end: str
) -> None:
    client = ground.client(name)
    if status != 201:
        ground.world.server.script.answer(b'{"message": "no"}', status=status, times=None)
    ground.watch(lambda: by_method(client, ground.call(consent=True)))
    ground.world.server.script.clear()
    assert ground.world.ends()[-1] == end
    told = ground.world.exchange("observation" if end == "unknown" else "outcome")
    assert told["status"] == status
    assert ("task" in told) is (status == 201)
    client.close()


def test_lost_answer_is_recorded_although_a_handler_raises(ground: Ground) -> None:
    client = ground.client("after-call-error raises")
    ground.world.server.script.drop(times=None)
    _, failure = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    ground.world.server.script.clear()
    assert isinstance(failure, ValueError)
    assert ground.world.ends()[-1] == "unknown"
    client.close()


def test_task_is_stopped_although_a_handler_raises_before_the_answer_is_read(ground: Ground) -> None:
    client = ground.client()
    world = ground.world
    caller = world.caller("leaving")
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-leaving", caller)

    def leave(**_: Any) -> None:
        world.ivr.withdraw(caller, method="ivr_dtmf")
        raise ValueError("a handler of somebody else")

    client.meta.events.register(f"response-received.chime-sdk-voice.{OPERATION}", leave)
    _, failure = ground.watch(lambda: by_method(client, "tx-leaving"))
    assert isinstance(failure, ConsentWithdrawn)
    assert failure.stopped
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
