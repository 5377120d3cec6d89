"""Every way to send, crossed with every way to tamper, over real HTTP.

Denied consent means that nothing at all reaches the server. With consent, what reaches it is what the ledger
decided on, byte for byte, as often as the table says.
"""

from collections.abc import Callable

import pytest
from botocore.httpsession import URLLib3Session

from tests.functional.gate.bypass.ground import Ground
from tests.functional.gate.bypass.tampering import TAMPERINGS
from tests.functional.gate.bypass.ways import (
    DECIDED,
    NEVER,
    PAST,
    by_emitted_events,
    by_endpoint,
    by_private_request,
    named,
)


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("send", named((*DECIDED, *PAST, by_emitted_events)))
def test_without_consent_nothing_leaves(ground: Ground, send: Callable[..., object], name: str) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=False)
    sent, _ = ground.watch(lambda: send(client, transaction))
    assert not sent
    client.close()


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("send", named(DECIDED))
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
@pytest.mark.parametrize("send", named(PAST))
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
@pytest.mark.parametrize("send", named(NEVER))
def test_presigning_paging_waiting_and_deep_copies_send_nothing(
    ground: Ground, send: Callable[..., object], consent: bool, name: str
) -> None:
    client = ground.client(name)
    transaction = ground.call(consent=consent)
    sent, failure = ground.watch(lambda: send(client, transaction))
    assert not sent
    assert failure is not None or name == "without before-sign"
    client.close()


@pytest.mark.parametrize("send", named((*DECIDED, by_private_request, by_endpoint, by_emitted_events)))
def test_another_http_session_leaves_the_handlers_in_place(
    ground: Ground, send: Callable[..., object]
) -> None:
    client = ground.client()
    client._endpoint.http_session = URLLib3Session()
    sent, _ = ground.watch(lambda: send(client, ground.call(consent=False)))
    assert not sent
    client.close()
