"""Where nobody inside the process can win: what happens is on record here, and in the threat model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session

from consentgate.testing.client import client_settings
from tests.functional.gate.bypass.ground import Ground, Kept
from tests.functional.gate.bypass.tampering import EVIL, swap
from tests.functional.gate.bypass.ways import (
    by_method,
    by_presigned_url,
    by_session,
    disguised,
    named,
    under_another_name,
)


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


@pytest.mark.parametrize("send", named((under_another_name, by_session, disguised)))
def test_gap_handlers_past_which_one_sends_and_another_http_session(
    ground: Ground, send: Callable[..., object]
) -> None:
    client = ground.client()
    client._endpoint.http_session = URLLib3Session()
    sent, _ = ground.watch(lambda: send(client, ground.call(consent=False)))
    assert len(sent) == 1
    client.close()


@pytest.mark.parametrize(
    ("name", "ends"), [("without after-call", ["succeeded"]), ("without any handler", [])]
)
def test_without_the_last_handler_the_outcome_is_recorded_all_the_same(
    ground: Ground, name: str, ends: list[str]
) -> None:
    client = ground.client(name)
    intents, before = len(ground.world.opened("intent")), len(ground.world.ends())
    sent, _ = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert len(sent) == len(ground.world.opened("intent")) - intents == len(ends)
    assert ground.world.ends()[before:] == ends
    client.close()


def test_gap_private_permit_in_hostile_hands_is_a_permit(ground: Ground) -> None:
    client, kept = ground.client(), Kept()
    transaction = ground.call(consent=True)

    def turn(**_: Any) -> None:
        passage = kept.context["consentgate"]
        changed = kept.params["body"] = swap(kept.params["body"])
        passage.permit = replace(passage.permit, request=replace(passage.permit.request, body=changed))

    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last("before-call", turn)
    sent, _ = ground.watch(lambda: by_method(client, transaction))
    assert [EVIL.encode() in r.body for r in sent] == [True]
    client.close()
