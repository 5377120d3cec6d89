"""Several grants of one person, and refusals under other references: the rules of the decision, end to end."""

from typing import Any

import pytest

from consentgate import Speaker
from tests.functional.gate.conftest import NOTICE, World

PHONE = ("phone", "+12175550100")


def grant(world: World, notice: str = "voiceprint", **more: Any) -> str:
    """Record a consent of the caller, and give its entry."""
    return world.ivr.grant(world.caller(), notice=notice, method=more.pop("method", "ivr_dtmf"), **more).entry


def decision(world: World, kind: str) -> dict[str, Any]:
    """The decision about the first speaker of the newest entry of a kind."""
    found: dict[str, Any] = world.parts(kind)["decision.0"]["decision"]
    return found


@pytest.fixture
def short(world: World) -> str:
    """A notice that lacks an element, for three purposes."""
    lacking = {**NOTICE, "id": "short", "elements": ["specific_purpose"], "purposes": ["authentication", "x"]}
    world.gate.add_notice(b"We compare voices.", **lacking)
    return "short"


@pytest.mark.parametrize("good_first", [True, False])
def test_one_grant_that_fits_suffices_and_is_named(world: World, short: str, good_first: bool) -> None:
    if good_first:
        good, bad = grant(world), grant(world, short)
    else:
        bad, good = grant(world, short), grant(world)
    world.register("tx-1", world.caller())
    world.search("tx-1")
    said = decision(world, "intent")
    assert said["grant"] == good
    considered = {each["entry"]: each.get("codes", []) for each in said["considered"]}
    assert considered == {good: [], bad: ["NOTICE_INCOMPLETE"]}


def test_of_two_that_fit_the_newest_is_named(world: World) -> None:
    grant(world)
    newest = grant(world)
    world.register("tx-1", world.caller())
    world.search("tx-1")
    assert decision(world, "intent")["grant"] == newest


def test_where_none_fits_the_reasons_are_those_of_the_grant_with_the_fewest(world: World, short: str) -> None:
    fewest = grant(world, short)
    worst = grant(world, short, method="verbal_unrecorded")
    world.register("tx-1", world.caller())
    assert world.denial("tx-1") == ["NOTICE_INCOMPLETE"]
    said = decision(world, "denial")
    assert "grant" not in said
    assert [each["entry"] for each in said["considered"]] == [worst, fewest]


def test_grants_for_several_purposes_fall_one_by_one(world: World, short: str) -> None:
    grant(world, short, purposes=["x"])
    good = grant(world)
    world.ivr.withdraw(world.caller(), method="ivr_dtmf", purposes=["x"])
    world.register("tx-1", world.caller())
    world.search("tx-1")
    assert decision(world, "intent")["grant"] == good


def test_refusal_of_all_removes_all_before_it_and_a_later_grant_stands(world: World) -> None:
    grant(world)
    grant(world)
    world.ivr.refuse(Speaker([PHONE]), method="ivr_dtmf")
    caller = Speaker([("customer", "1001"), PHONE], world.caller().evidence, adult=True)
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]
    later = grant(world)
    world.search("tx-1")
    assert decision(world, "intent")["grant"] == later


def test_refusal_under_a_reference_that_the_call_does_not_know_is_not_about_the_caller(world: World) -> None:
    grant(world)
    world.ivr.refuse(Speaker([PHONE]), method="ivr_dtmf")
    world.register("tx-1", world.caller())
    world.search("tx-1")
