"""Who joins and leaves a call, and what stands when it was told in more than one way."""

from collections.abc import Callable
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, Evidence, Reference, Speaker
from consentgate.canonical import Json
from consentgate.config.verification import verify_deployment
from consentgate.errors import InvalidInput, RecordConflict
from consentgate.ledger import calls
from consentgate.ledger.book import Content
from consentgate.ledger.calls import CallState
from consentgate.ledger.vault import BODY
from tests.functional.gate.conftest import World
from tests.functional.log.place import sequence_once

PHONE = ("phone", "+12175550142")


@pytest.fixture
def ada(world: World) -> Speaker:
    """A caller who may be searched."""
    return consenting(world, "ada")


def consenting(world: World, number: str) -> Speaker:
    speaker = world.caller(number)
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    return speaker


def state(world: World, transaction: str = "tx-1") -> CallState:
    parts = world.gate._parts
    with parts.database.read() as connection:
        found = calls.read(parts.book, connection, f"transaction/{transaction}")
    assert found is not None
    return found


def names(world: World, leg: calls.LegName = "Caller") -> list[str]:
    return [speaker.first.value for speaker in state(world).on(leg)]


def test_registering_the_same_again_writes_nothing_and_another_set_adds(world: World, ada: Speaker) -> None:
    assert world.register("tx-1", ada) is not None
    assert world.register("tx-1", ada) is None
    assert world.gate.register_call("tx-1", caller=[ada]) is None
    assert world.register("tx-1", world.caller("bob")) is not None
    assert names(world) == ["ada", "bob"]
    assert len(world.opened("call")) == 2


def test_who_left_is_not_compared_any_more(world: World, ada: Speaker) -> None:
    bob = world.caller("bob")
    world.register("tx-1", ada, bob)
    assert world.denial("tx-1") == ["NO_CONSENT"]
    entry = world.gate.leave_call("tx-1", caller=[bob])
    world.search("tx-1")
    [(row, parts)] = [each for each in world.opened("call") if str(each[0].id) == entry]
    assert row.kind == "call"
    assert parts["call.0"] == {
        "v": 1,
        "event": "left",
        "call": "transaction/tx-1",
        "leg": "Caller",
        "legs": {"Caller": "speakers"},
        "speaker": {
            "references": [{"kind": "customer", "value": "bob"}],
            "evidence": [],
            "adult": False,
        },
    }


def test_ledger_with_people_who_left_verifies(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada, world.caller("bob"))
    world.gate.leave_call("tx-1", caller=[("customer", "bob")])
    sequence_once(world.gate._parts.database)
    found = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    assert [level.name for level in found.verification.levels if level.verdict == "broken"] == []


@pytest.mark.parametrize(
    "named",
    [
        Speaker([("customer", "bob"), ("phone", "+12175550199")]),
        Reference(kind="customer", value="bob"),
        ("customer", "bob"),
        PHONE,
    ],
)
def test_who_left_is_named_by_any_reference(world: World, ada: Speaker, named: Any) -> None:
    world.register("tx-1", ada, Speaker([("customer", "bob"), PHONE]))
    assert world.gate.leave_call("tx-1", caller=[named]) is not None
    assert names(world) == ["ada"]


def test_shared_reference_does_not_say_who_left(world: World) -> None:
    eve, bob = Speaker([("customer", "eve"), PHONE]), Speaker([("customer", "bob"), PHONE])
    world.register("tx-1", eve, bob)
    with pytest.raises(InvalidInput, match="first reference") as refused:
        world.gate.leave_call("tx-1", caller=[PHONE])
    assert PHONE[1] not in str(refused.value)
    world.gate.leave_call("tx-1", caller=[bob])
    assert names(world) == ["eve"]
    # Now the phone names one person, who is there.
    world.gate.leave_call("tx-1", caller=[PHONE])
    assert state(world).on("Caller") == ()


def test_leg_that_everybody_left_is_unknown_until_somebody_says_nobody(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada)
    world.gate.leave_call("tx-1", caller=[ada])
    assert world.denial("tx-1") == ["LEG_UNKNOWN"]
    assert world.gate.register_call("tx-1", caller=NOBODY) is not None
    assert world.denial("tx-1") == ["NO_SPEAKER"]


def test_leg_of_nobody_is_unknown_once_somebody_came_and_left(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada)
    world.gate.register_call("tx-1", callee=[world.caller("agent")])
    world.gate.leave_call("tx-1", callee=[("customer", "agent")])
    assert "Callee" not in state(world).legs
    with pytest.raises(ConsentDenied) as denied:
        world.client.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-1", VoiceProfileDomainId="vpd-1"
        )
    assert [r.code for r in denied.value.reasons] == ["LEG_UNKNOWN"]


def test_who_comes_back_is_on_the_leg_again(world: World, ada: Speaker) -> None:
    bob = world.caller("bob")
    world.register("tx-1", ada, bob)
    world.gate.leave_call("tx-1", caller=[bob])
    assert world.register("tx-1", ada, bob) is not None
    assert names(world) == ["ada", "bob"]
    assert world.denial("tx-1") == ["NO_CONSENT"]
    assert world.gate.leave_call("tx-1", caller=[bob]) is not None


def test_leaving_again_writes_nothing(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada, world.caller("bob"))
    world.gate.leave_call("tx-1", caller=[("customer", "bob")])
    assert world.gate.leave_call("tx-1", caller=[("customer", "bob")]) is None
    assert world.gate.leave_call("tx-1", caller=[("customer", "bob"), ada]) is not None
    assert state(world).legs.keys() == {"Callee"}


@pytest.mark.parametrize(
    ("transaction", "who", "told"),
    [
        ("tx-2", {"caller": [("customer", "ada")]}, "Nobody registered this call"),
        ("tx-1", {"caller": [("customer", "bob")]}, "Nobody with this reference"),
        ("tx-1", {"callee": [("customer", "ada")]}, "Nobody with this reference"),
        ("tx-1", {}, "Say who left"),
        ("tx-1", {"caller": "ada"}, "Say who left"),
        ("tx-1", {"caller": ["ada"]}, "reference"),
        ("", {"caller": [("customer", "ada")]}, "transaction_id"),
        (7, {"caller": [("customer", "ada")]}, "transaction_id"),
    ],
)
def test_leaving_of_somebody_unknown_is_refused(
    world: World, ada: Speaker, transaction: Any, who: dict[str, Any], told: str
) -> None:
    world.register("tx-1", ada)
    with pytest.raises(InvalidInput, match=told):
        world.gate.leave_call(transaction, **who)
    assert len(world.opened("call")) == 1


def test_people_stand_against_nobody(world: World, ada: Speaker) -> None:
    bob = world.caller("bob")
    world.register("tx-1", ada)
    world.gate.register_call("tx-1", callee=[bob])
    assert names(world, "Callee") == ["bob"]
    # The notice that said so first, arriving again.
    assert world.register("tx-1", ada) is None
    assert names(world, "Callee") == ["bob"]
    with pytest.raises(RecordConflict, match="leave_call"):
        world.gate.register_call("tx-1", caller=NOBODY, recording_consent="one_party")
    assert names(world) == ["ada"]
    assert state(world).recording_consent == "all_parties"


def test_call_has_one_purpose(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada, purpose=None)
    assert world.gate.register_call("tx-1", caller=[ada], purpose="authentication") is not None
    with pytest.raises(RecordConflict, match="another purpose"):
        world.gate.register_call("tx-1", caller=[world.caller("bob")], purpose="marketing")
    assert (state(world).purpose, names(world)) == ("authentication", ["ada"])


def test_weakest_recording_consent_stands(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada)
    assert world.gate.register_call("tx-1", caller=[ada], recording_consent="none") is not None
    assert world.denial("tx-1") == ["RECORDING_CONSENT_MISSING"]
    # The first notice again takes nothing back; a new one that would is refused.
    assert world.register("tx-1", ada) is None
    with pytest.raises(RecordConflict, match="recording_consent"):
        world.gate.register_call("tx-1", caller=[ada], recording_consent="one_party")
    assert world.denial("tx-1") == ["RECORDING_CONSENT_MISSING"]


def test_recording_consent_that_becomes_known_later_counts(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada, recording_consent=None)
    assert world.denial("tx-1") == ["RECORDING_CONSENT_MISSING"]
    world.gate.register_call("tx-1", caller=[ada], recording_consent="all_parties")
    world.search("tx-1")


def test_person_on_both_legs_is_decided_on_for_each(world: World) -> None:
    eve = world.caller("eve")
    world.gate.register_call(
        "tx-1", caller=[eve], callee=[eve], purpose="authentication", recording_consent="all_parties"
    )
    with pytest.raises(ConsentDenied) as denied:
        world.client.start_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4", TransactionId="tx-1", VoiceProfileDomainId="vpd-1"
        )
    assert [(r.speaker, r.code) for r in denied.value.reasons] == [
        ("Caller 1", "NO_CONSENT"),
        ("Callee 1", "NO_CONSENT"),
    ]
    world.gate.leave_call("tx-1", caller=[eve])
    assert names(world, "Callee") == ["eve"]


def test_what_is_told_later_about_a_person_is_added(world: World, ada: Speaker) -> None:
    world.register("tx-1", ada)
    world.ivr.refuse(Speaker([PHONE]), method="verbal_unrecorded")
    world.search("tx-1")
    texan = Evidence(code="US-TX", kind="phone_number", source="carrier")
    assert world.register("tx-1", Speaker([("customer", "ada"), PHONE], [texan], age=15)) is not None
    [known] = state(world).on("Caller")
    # The last is what the numbering plan says of the number.
    assert [e.code for e in known.evidence] == ["US-IL", "US-TX", "US-IL"]
    assert (known.age, known.adult) == (15, False)
    assert "CONSENT_REFUSED" in world.denial("tx-1")


def test_thirteen_people_are_too_many_however_they_came(world: World) -> None:
    people = [world.caller(str(n)) for n in range(13)]
    with pytest.raises(InvalidInput, match="at most 12"):
        world.register("tx-1", *people)
    world.register("tx-1", *people[:12])
    assert world.register("tx-1", people[12]) is not None
    assert world.denial("tx-1") == ["TOO_MANY_SPEAKERS"]
    world.gate.leave_call("tx-1", caller=[people[0]])
    assert set(world.denial("tx-1")) == {"NO_CONSENT"}


def test_two_full_legs_are_registered_and_left_at_once(world: World) -> None:
    callers = [world.caller(f"a{n}") for n in range(12)]
    callees = [world.caller(f"b{n}") for n in range(12)]
    assert world.gate.register_call("tx-1", caller=callers, callee=callees) is not None
    assert (len(names(world)), len(names(world, "Callee"))) == (12, 12)
    assert len(world.opened("call")) == 2
    assert world.gate.leave_call("tx-1", caller=callers, callee=callees) is not None
    assert state(world).legs == {}
    assert len(world.opened("call")) == 4


@pytest.mark.parametrize("caller", [[], "ada", 5, [("customer", "ada")], {"customer": "ada"}])
def test_leg_of_another_form_is_refused(world: World, caller: Any) -> None:
    with pytest.raises(InvalidInput):
        world.gate.register_call("tx-1", caller=caller)
    with pytest.raises(InvalidInput, match="at least one leg"):
        world.gate.register_call("tx-1")


def event(**members: Json) -> dict[str, Json]:
    return {"event": "joined", "call": "transaction/tx-1", "legs": {"Caller": "speakers"}, **members}


@pytest.mark.parametrize(
    "content",
    [
        event(event="vanished"),
        event(legs="all"),
        event(leg="Caller", speaker={"references": []}),
        event(event="left", speaker={"references": [{"kind": "customer", "value": "a"}], "adult": True}),
        event(event="left", leg="Caller", speaker=None),
    ],
)
def test_event_that_cannot_be_read_denies(world: World, ada: Speaker, content: dict[str, Json]) -> None:
    world.register("tx-1", ada)
    parts = world.gate._parts

    def write(part: Callable[[bytes], Content]) -> None:
        def work(connection: Any) -> None:
            call = parts.book.vault.find_call(connection, "transaction/tx-1")
            key = parts.book.vault.ensure_key(connection, BODY)
            assert call is not None
            parts.book.write(connection, "call", parts.book.now(), [part(key.data_key)], [call])

        parts.database.write(work)

    write(lambda key: Content(name="body.0", data_key=key, members=content))
    assert world.denial("tx-1") == ["LEDGER_UNREADABLE"]
    assert world.searches == 0
