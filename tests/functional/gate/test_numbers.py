"""A registered speaker's phone number adds the laws of where it may be from; it never stands in for a place."""

from typing import Any

import pytest
from click import unstyle

from consentgate import ConsentDenied, Evidence, Speaker
from consentgate.aws.operations import call_of_transaction
from consentgate.cli.explained import shown
from consentgate.config.explain import Question, explain
from consentgate.ledger import calls
from consentgate.policy.numbers import shipped as plan
from tests.functional.gate.conftest import NOTICE, World

ILLINOIS = "+12175550142"
TEXAS = "+17135550142"
TOLL_FREE = "+18005550142"
SPOKEN: dict[str, Any] = {
    **NOTICE,
    "id": "plain",
    "in_writing": False,
    "consent_form": "opt_in",
    "separate": True,
}


def living_in(code: str, *numbers: str) -> Speaker:
    home = Evidence(code=code, kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", "1001"), *(("phone", number) for number in numbers)], [home], adult=True)


def texan(world: World, *numbers: str) -> Speaker:
    """Somebody in Texas who consented as Texas asks, and not as Illinois does."""
    since = world.clock()
    for name in ("impact_assessment_done", "public_policy_published"):
        world.gate.assert_(name, True, by="dpo@acme.example", since=since)
    world.gate.add_notice(b"We make a voiceprint of you.", **SPOKEN)
    speaker = living_in("US-TX", *numbers)
    world.ivr.grant(speaker, notice="plain", method="ivr_dtmf")
    return speaker


def hints(world: World, call: str = "tx-1") -> list[tuple[str, str, str, str]]:
    parts = world.gate._parts
    with parts.database.read() as connection:
        known = calls.read(parts.book, connection, call_of_transaction(call))
    assert known is not None
    found = [e for s in known.on("Caller") for e in s.evidence if e.kind == "phone_number"]
    return [(e.code, e.kind, e.source, e.confidence) for e in found]


def decision(world: World, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = world.parts(kind)["decision.0"]
    return found


def test_an_address_in_texas_and_a_number_of_illinois_need_both_laws(world: World) -> None:
    world.register("tx-1", texan(world, ILLINOIS))
    assert world.denial("tx-1") == ["CONSENT_FORM_INSUFFICIENT", "NOTICE_NOT_WRITTEN"]
    assert decision(world, "denial")["decision"]["candidates"] == ["US-IL", "US-TX"]
    assert world.searches == 0


@pytest.mark.parametrize("numbers", [(), (TEXAS,), (TOLL_FREE,), (TEXAS, TOLL_FREE)])
def test_a_number_of_the_same_place_or_of_none_adds_nothing(world: World, numbers: tuple[str, ...]) -> None:
    world.register("tx-1", texan(world, *numbers))
    world.search("tx-1")
    assert decision(world, "intent")["decision"]["candidates"] == ["US-TX"]


def test_a_number_alone_is_no_evidence(world: World) -> None:
    person = Speaker([("phone", ILLINOIS)], adult=True)
    world.ivr.grant(person, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", person)
    assert world.denial("tx-1") == ["UNKNOWN_JURISDICTION"]


def test_a_number_of_a_place_without_a_pack_denies_and_names_it(world: World) -> None:
    world.register("tx-1", texan(world, "+212528812345"))
    with pytest.raises(ConsentDenied, match=r"UNKNOWN_JURISDICTION.*\bEH\b"):
        world.search("tx-1")


def test_the_hint_is_stored_with_the_call_and_the_decision(world: World) -> None:
    world.register("tx-1", texan(world, ILLINOIS, TEXAS))
    source = f"numbering_plan:{plan().source}"
    found = [(code, "phone_number", source, "low") for code in ("US-IL", "US-TX")]
    assert hints(world) == found
    world.denial("tx-1")
    told = decision(world, "denial")["speaker"]["evidence"]
    assert [(e["code"], e["kind"], e["source"], e["confidence"]) for e in told[1:]] == found


def test_telling_the_same_number_again_writes_nothing(world: World) -> None:
    person = texan(world, ILLINOIS)
    assert world.register("tx-1", person) is not None
    assert world.register("tx-1", person) is None


def test_a_number_that_is_told_later_counts_from_then_on(world: World) -> None:
    world.register("tx-1", texan(world))
    world.search("tx-1")
    assert world.register("tx-1", living_in("US-TX", ILLINOIS)) is not None
    assert "NOTICE_NOT_WRITTEN" in world.denial("tx-1")


def test_when_evidence_was_observed_and_how_sure_it_is_are_stored(world: World) -> None:
    seen = world.clock()
    network = Evidence(code="US-TX", kind="network", source="sbc", confidence="medium", observed_at=seen)
    world.register("tx-1", Speaker([("customer", "1001")], [network], adult=True))
    [stored] = world.parts("call")["call.0"]["speaker"]["evidence"]
    assert (stored["confidence"], "observed_at" in stored) == ("medium", True)
    world.denial("tx-1")
    assert decision(world, "denial")["speaker"]["evidence"] == [stored]


def test_an_explanation_shows_the_hint_and_where_it_is_from(world: World) -> None:
    question = Question(at=world.clock(), speaker=texan(world, ILLINOIS), purpose="authentication")
    explained = explain(world.gate._parts, question)
    [speaker] = explained.speakers
    assert speaker.judged.decision.candidates == ("US-IL", "US-TX")
    text = shown(explained).text
    assert f"US-IL  by phone number, numbering_plan:{plan().source}" in unstyle(text)
    assert ILLINOIS[1:] not in text
    alone = Question(at=world.clock(), speaker=living_in("US-TX"), purpose="authentication")
    assert "by phone number" not in shown(explain(world.gate._parts, alone)).text
