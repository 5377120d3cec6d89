"""Each doubt denies, for its own reason, before anything leaves; the denial is recorded."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, Evidence, Reference, Speaker
from consentgate.errors import InvalidInput
from tests.functional.gate.conftest import World


def grant(world: World, speaker: Speaker, **more: Any) -> str:
    return world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf", **more).entry


def test_unregistered_call_denies(world: World) -> None:
    assert world.denial("tx-1") == ["CALL_UNKNOWN"]
    row, parts = world.opened("denial")[0]
    assert not row.about_people
    assert parts["body.0"]["decision"]["reasons"][0]["code"] == "CALL_UNKNOWN"
    assert world.searches == 0


def test_leg_of_which_nothing_is_known_denies(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.register("tx-1", caller)
    assert world.denial("tx-1", CallLeg="Callee") == ["NO_SPEAKER"]
    world.gate.register_call("tx-2", caller=[caller], purpose="authentication")
    assert world.denial("tx-2", CallLeg="Callee") == ["LEG_UNKNOWN"]


def test_without_a_leg_both_legs_count_and_the_denial_says_so(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.gate.register_call(
        "tx-1", caller=[caller], purpose="authentication", recording_consent="all_parties"
    )
    with pytest.raises(ConsentDenied, match=r"LEG_UNKNOWN.*Callee"):
        world.client.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-1", VoiceProfileDomainId="d"
        )
    world.gate.register_call("tx-1", callee=NOBODY)
    world.client.start_speaker_search_task(
        VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-1", VoiceProfileDomainId="d"
    )
    assert world.searches == 1


@pytest.mark.parametrize("leg", ["", "caller", "Both"])
def test_leg_that_the_model_does_not_have_is_refused(world: World, leg: str) -> None:
    world.register("tx-1", world.caller())
    assert world.denial("tx-1", CallLeg=leg) == ["REQUEST_UNREADABLE"]
    assert world.searches == 0


def test_every_speaker_on_the_leg_must_consent(world: World) -> None:
    one, other = world.caller("1001"), world.caller("1002")
    grant(world, one)
    world.register("tx-1", one, other)
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [(r.speaker, r.code) for r in denied.value.reasons] == [("Caller 2", "NO_CONSENT")]
    grant(world, other)
    world.search("tx-1")
    assert sorted(world.parts("intent")) == ["decision.0", "decision.1", "exchange.0", "exchange.1"]


def test_speaker_whose_law_is_unknown_is_denied(world: World) -> None:
    nowhere = Speaker([("customer", "1001")], adult=True)
    grant(world, nowhere)
    world.register("tx-1", nowhere)
    assert world.denial("tx-1") == ["UNKNOWN_JURISDICTION"]


def test_missing_purpose_denies(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.gate.register_call("tx-1", caller=[caller], recording_consent="all_parties")
    assert "INPUT_MISSING:purpose" in world.denial("tx-1")


def test_other_purpose_denies(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.register("tx-1", caller, purpose="marketing")
    assert "PURPOSE_MISMATCH" in world.denial("tx-1")


def test_refusal_denies(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.ivr.refuse(caller, method="ivr_dtmf")
    world.register("tx-1", caller)
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]
    grant(world, caller)
    world.search("tx-1")


def test_refusal_under_a_second_reference_of_somebody_never_seen_wins(world: World) -> None:
    world.ivr.refuse(Speaker([("phone", "+12175550100")]), method="verbal_unrecorded")
    known = Speaker(
        [("customer", "1001"), ("phone", "+12175550100")],
        [Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")],
        adult=True,
    )
    world.ivr.refuse(Speaker([("email", "x@acme.example"), ("phone", "+12175550100")]), method="web_form")
    world.register("tx-1", known)
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]


def test_grant_of_another_person_on_a_shared_phone_does_not_count(world: World) -> None:
    phone = ("phone", "+12175550100")
    grant(world, Speaker([phone], adult=True))
    world.register("tx-1", Speaker([("customer", "1001"), phone], world.caller().evidence, adult=True))
    assert world.denial("tx-1") == ["NO_CONSENT"]


def test_expired_consent_denies(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    world.clock.advance(timedelta(days=366 * 2))
    world.register("tx-1", caller)
    assert "CONSENT_EXPIRED" in world.denial("tx-1")


def test_consent_for_one_call_does_not_serve_another(world: World) -> None:
    caller = world.caller()
    grant(world, caller, call="tx-1")
    world.register("tx-1", caller)
    world.search("tx-1")
    world.register("tx-2", caller)
    assert world.denial("tx-2") == ["CONSENT_FOR_OTHER_CALL"]


def test_unknown_age_denies(world: World) -> None:
    child = world.caller(adult=False)
    grant(world, child)
    world.register("tx-1", child)
    assert world.denial("tx-1") == ["AGE_UNKNOWN"]


def test_assertion_about_the_person_counts(world: World) -> None:
    caller = world.caller()
    grant(world, caller)
    since = world.clock() - timedelta(days=1)
    about = Reference(kind="customer", value="1001")
    at = "2026-11-20T00:00:00.000Z"
    world.gate.assert_("purpose_satisfied", at, by="dpo@acme.example", since=since, about=about)
    world.register("tx-1", caller)
    assert "PURPOSE_SATISFIED" in world.denial("tx-1")


def test_assertion_outside_the_list_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="public_policy_published"):
        world.gate.assert_("everything_is_fine", True, by="me", since=world.clock())


def test_call_before_this_one_starts_the_clock_of_inactivity(world: World) -> None:
    caller = world.caller(code="US-IL")
    grant(world, caller)
    world.register("tx-1", caller)
    world.search("tx-1")
    world.clock.advance(timedelta(days=365 * 3 + 2))
    world.gate.add_notice(
        b"again", id="again", version="1", language="en", in_writing=True, consent_form="written_release",
        elements=["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
        purposes=["authentication"], operations=["search"],
    )  # fmt: skip
    world.ivr.grant(caller, notice="again", method="ivr_dtmf")
    world.register("tx-2", caller)
    assert world.denial("tx-2") == ["RETENTION_EXCEEDED"]


def test_registering_the_same_again_writes_nothing(world: World) -> None:
    caller = world.caller()
    assert world.register("tx-1", caller) is not None
    assert world.register("tx-1", caller) is None
    assert world.register("tx-1", caller, world.caller("1002")) is not None
    assert len(world.opened("call")) == 2


@pytest.mark.parametrize("legs", [{}, {"caller": []}, {"caller": ["C-1"]}, {"caller": [None]}])
def test_registration_that_says_nothing_is_refused(world: World, legs: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        world.gate.register_call("tx-1", **legs)


def test_denial_tells_speaker_law_and_cure(world: World) -> None:
    spoken = world.caller()
    world.ivr.grant(spoken, notice="voiceprint", method="voice_recording")
    world.register("tx-1", spoken)
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    text = str(denied.value)
    assert "Caller 1: CONSENT_FORM_INSUFFICIENT" in text
    assert "740 ILCS 14" in text
    assert "cure: Ask again" in text
    assert str(denied.value.entry) in text
    assert "1001" not in text


def test_single_use_consent_serves_once(world: World) -> None:
    caller = world.caller()
    grant(world, caller, max_uses=1)
    world.register("tx-1", caller)
    world.server.script.fail(error="BadRequestException")
    with pytest.raises(world.client.exceptions.BadRequestException):
        world.search("tx-1")
    world.search("tx-1")
    assert world.denial("tx-1") == ["CONSENT_USED_UP"]


def test_override_cannot_say_more_than_the_notice(world: World) -> None:
    with pytest.raises(InvalidInput, match="does not ask"):
        grant(world, world.caller(), purposes=["marketing"])
    with pytest.raises(InvalidInput, match="max_uses"):
        grant(world, world.caller(), everything=True)


def test_registering_again_never_drops_what_denies(world: World) -> None:
    phone = ("phone", "+12175550100")
    home = world.caller().evidence
    grant(world, world.caller("1"))
    world.ivr.refuse(Speaker([phone]), method="verbal_unrecorded")
    world.register("tx-1", Speaker([("customer", "1"), phone], home, adult=True))
    world.register("tx-1", Speaker([("customer", "1")], home, adult=True))
    assert world.denial("tx-1") == ["CONSENT_REFUSED"]
    spoken = world.caller("2")
    world.ivr.grant(spoken, notice="voiceprint", method="voice_recording")
    world.register("tx-2", spoken)
    world.register("tx-2", world.caller("2", code="US"))
    assert world.denial("tx-2") == ["CONSENT_FORM_INSUFFICIENT"]


def test_erased_speaker_leaves_a_leg_that_nobody_knows(world: World) -> None:
    one, other = world.caller("1001"), world.caller("1002")
    grant(world, other)
    world.register("tx-1", one, other)
    with world.raw() as raw:
        parts = world.gate._parts
        with parts.database.read() as connection:
            subject = parts.book.vault.find(connection, [one.first])[one.first]
        for table in ("data_key", "subject_ref", "entry_subject"):
            raw.execute(f"DELETE FROM {table} WHERE subject = ?", (subject.bytes,))
    assert world.denial("tx-1") == ["LEG_UNKNOWN"]


def test_speakers_are_numbered_as_registered(world: World) -> None:
    people = [world.caller(str(n)) for n in range(12)]
    for person in people[:11]:
        grant(world, person)
    world.register("tx-1", *people)
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [(r.speaker, r.code) for r in denied.value.reasons] == [("Caller 12", "NO_CONSENT")]


def test_assertion_under_any_reference_of_the_person_counts(world: World) -> None:
    phone = Reference(kind="phone", value="+12175550100")
    person = Speaker([("customer", "1"), phone], world.caller().evidence, adult=True)
    grant(world, person)
    since = world.clock() - timedelta(days=1)
    at = "2026-11-20T00:00:00.000Z"
    world.gate.assert_("purpose_satisfied", at, by="dpo@acme.example", since=since, about=phone)
    world.register("tx-1", person)
    assert "PURPOSE_SATISFIED" in world.denial("tx-1")


@pytest.mark.parametrize("code", ["US-il", "US-Illinois", "US-IL ", "US-", "us", "", "U", "US_IL"])
def test_evidence_of_another_form_is_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="code"):
        Evidence(code=code, kind="address", source="crm")


@pytest.mark.parametrize("wrong", [{"by": 5}, {"by": ""}, {"value": "yes"}])
def test_ill_typed_assertion_poisons_nothing(world: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        world.gate.assert_(**{"name": "has_dpo", "value": True, "by": "x", "since": world.clock(), **wrong})
    with pytest.raises(InvalidInput):
        world.register("tx-1", world.caller(), purpose=5)
    assert not world.opened("call")
    caller = world.caller()
    grant(world, caller)
    world.register("tx-2", caller)
    world.search("tx-2")
