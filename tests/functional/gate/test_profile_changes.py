"""A voice profile that was made or updated during a call is explained by a request of its own, or by none."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate.testing import events
from consentgate.testing.clock import START
from tests.functional.gate import profiles
from tests.functional.gate.conftest import World

CREATE, UPDATE = "CreateVoiceProfile", "UpdateVoiceProfile"


@pytest.fixture
def on_call(world: World) -> World:
    """A call that somebody is on."""
    world.register("tx-1", world.caller())
    return world


def unexplained(world: World, **changes: Any) -> list[tuple[str, str]]:
    """Give what the summary after the call shows that nobody here asked for."""
    delivery = world.gate.notify(events.post_call_event("tx-1", **changes))
    return [(each.what, each.id) for each in delivery.bypasses]


def test_a_request_that_made_the_profile_explains_it(on_call: World) -> None:
    profiles.answered(on_call, profiles.asked(on_call, CREATE), "vp-1")
    assert unexplained(on_call, created=[("vp-1", START)]) == []
    assert unexplained(on_call, created=[("vp-2", START)]) == [("create", "vp-2")]
    assert unexplained(on_call, updated=[("vp-1", START)]) == [("update", "vp-1")]


def test_a_request_explains_one_change(on_call: World) -> None:
    profiles.answered(on_call, profiles.asked(on_call, UPDATE), "vp-1")
    twice = [("vp-1", START), ("vp-1", START + timedelta(seconds=3))]
    assert unexplained(on_call, updated=twice) == [("update", "vp-1")]
    profiles.answered(on_call, profiles.asked(on_call, UPDATE), "vp-1")
    assert unexplained(on_call, updated=twice) == []


@pytest.mark.parametrize(("minutes", "explained"), [(-2, False), (0, True), (1, True), (3, False)])
def test_a_request_of_another_time_explains_nothing(on_call: World, minutes: int, explained: bool) -> None:
    profiles.answered(on_call, profiles.asked(on_call, CREATE), "vp-1")
    at = START + timedelta(minutes=minutes)
    assert (unexplained(on_call, created=[("vp-1", at)]) == []) is explained


def test_a_change_without_a_readable_time_is_explained_by_its_profile(on_call: World) -> None:
    profiles.answered(on_call, profiles.asked(on_call, CREATE), "vp-1")
    event = events.post_call_event("tx-1", created=[("vp-1", START)])
    event["detail"]["speakerSearchResults"]["createVoiceProfileTransactions"][0]["requestTimestamp"] = "soon"
    assert on_call.gate.notify(event).bypasses == ()


def test_a_request_whose_end_is_not_known_may_have_made_it(on_call: World) -> None:
    profiles.asked(on_call, CREATE)
    assert unexplained(on_call, created=[("vp-1", START)]) == []
    assert unexplained(on_call, created=[("vp-1", START), ("vp-2", START)]) == [("create", "vp-2")]
    assert unexplained(on_call, updated=[("vp-1", START)]) == [("update", "vp-1")]


def test_such_a_request_of_another_call_did_not(on_call: World) -> None:
    profiles.asked(on_call, CREATE, call="transaction/tx-2")
    assert unexplained(on_call, created=[("vp-1", START)]) == [("create", "vp-1")]


def test_the_end_of_the_call_is_no_end_of_a_profile(on_call: World) -> None:
    profiles.answered(on_call, profiles.asked(on_call, CREATE), "vp-1")
    (item,) = on_call.gate.notify(events.post_call_event("tx-1", created=[("vp-1", START)])).items
    assert (item.fate, item.intents) == ("unlinked", ())
