"""From what the vendor tells to the intent that it is about: by the task, else by the call, and never by a guess."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from consentgate import Speaker
from consentgate.aws.linking import Delivered
from consentgate.aws.pipelines import call_of_stream
from consentgate.config.verification import verify_deployment
from consentgate.ledger.progress import TaskState, state_of
from consentgate.ledger.registering import Registration
from consentgate.moment import to_millis
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.events import Event, search_event
from tests.functional.gate import profiles
from tests.functional.gate.conftest import World
from tests.functional.gate.reconciling import died, finals, later, only

MATCHES = [("vp-of-somebody", 0.94567856), ("vp-of-another", 0.77)]


@pytest.fixture
def caller(world: World) -> Speaker:
    """A caller who may be searched on call tx-1."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def searched(world: World, transaction: str = "tx-1") -> tuple[UUID, str]:
    """Search, and give the intent and the task."""
    answer = world.search(transaction)
    return world.opened("intent")[-1][0].id, answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def lost(world: World) -> UUID:
    """Search without an answer that says how it ended, and give the intent."""
    world.server.script.fail(error="ServiceFailureException", times=None)
    with pytest.raises(ClientError):
        world.search("tx-1")
    world.server.script.clear()
    return world.opened("intent")[-1][0].id


def told(world: World, event: Any) -> Delivered:
    """Hand in one event."""
    (item,) = world.gate.notify(event).items
    return item


def state(world: World, intent: UUID) -> TaskState:
    """Give what is known of what an intent started."""
    with world.gate._parts.database.read() as connection:
        return state_of(world.gate._parts.book, connection, intent)


def test_a_task_whose_outcome_is_not_known_is_linked_by_its_call(world: World, caller: Speaker) -> None:
    intent = lost(world)
    event = search_event("task-9", "IdentificationNoMatchesFound", transaction="tx-1")
    assert told(world, event).intents == (intent,)
    assert state(world, intent).task == "task-9"
    later = search_event(
        "task-9", "VoiceprintGenerationSuccess", transaction="tx-1", at=START + timedelta(seconds=9)
    )
    assert told(world, later).intents == (intent,)


def meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, event: Event) -> tuple[UUID, str, Delivered]:
    """Search; an event comes between the vendor's answer and the outcome."""
    finish, came = world.gate._door.finish, list[Delivered]()

    def comes(*given: Any) -> Any:
        came.append(told(world, event))
        return finish(*given)

    with monkeypatch.context() as patch:
        patch.setattr(world.gate._door, "finish", comes)
        intent, task = searched(world)
    return intent, task, came[0]


def test_the_end_of_another_task_keeps_no_stop_order_away(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = search_event("task-of-nobody", "STOPPED", transaction="tx-1")
    intent, task, early = meanwhile(world, monkeypatch, event)
    # Until the answer is there it may be the task that the request started.
    assert early.intents == (intent,)
    assert not state(world, intent).ended
    assert told(world, event).fate == "unlinked"
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert [row.re for row, _ in world.opened("stop")] == [intent]
    assert told(world, search_event(task, "STOPPED")).intents == (intent,)
    assert state(world, intent).task == task


def test_an_unknown_event_that_comes_before_the_answer_comes_again(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(world)
    event = search_event("task-9", "x", transaction="tx-1") | {"detail-type": "SpeakerSearchInvented"}
    assert told(world, event).again
    assert world.gate.notify(events.in_sqs(event)).left == ("message-0",)
    world.register("tx-2", caller)
    searched(world, "tx-2")
    other = search_event("task-9", "x", transaction="tx-2") | {"detail-type": "SpeakerSearchInvented"}
    assert not told(world, other).again


def test_a_task_that_is_told_of_after_its_request_was_given_up_is_known_from_then_on(
    world: World, caller: Speaker
) -> None:
    intent, task = died(world)
    assert only(later(world)).end == "undetermined"
    for status in ("IdentificationSuccessful", "IdentificationSuccessful", "VoiceprintGenerationSuccess"):
        assert told(world, search_event(task, status, transaction="tx-1")).intents == (intent,)
    assert finals(world) == ["undetermined"]
    assert (
        len([row for row, parts in world.opened("observation") if "reconciled" in parts["exchange.0"]]) == 1
    )
    assert world.gate.poll(task).task == task
    # By its task alone, too.
    assert told(world, search_event(task, "STOPPED")).intents == (intent,)
    world.gate.close()
    found = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    assert [each for each in found.verification.levels if each.verdict == "broken"] == []
    assert {each.kind for each in found.verification.findings} <= {"unsequenced", "uncovered"}


def test_two_requests_without_an_outcome_are_not_guessed_between(world: World, caller: Speaker) -> None:
    lost(world)
    lost(world)
    item = told(world, search_event("task-9", "IdentificationNoMatchesFound", transaction="tx-1"))
    assert (item.fate, [each.what for each in item.bypasses]) == ("unlinked", ["task"])
    assert world.gate.notify(events.in_sqs(search_event("task-9", "x", transaction="tx-1"))).left == (
        "message-0",
    )


def test_the_end_of_the_call_ends_its_tasks(world: World, caller: Speaker) -> None:
    intent, _ = searched(world)
    assert told(world, events.post_call_event("tx-1")).intents == (intent,)
    assert state(world, intent).ended
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert world.opened("stop") == []


@pytest.mark.parametrize("how", ["created", "updated"])
def test_a_profile_that_no_request_made_passed_the_gate_by(world: World, caller: Speaker, how: str) -> None:
    intent, _ = searched(world)
    changes: Any = {how: [("vp-9", START)]}
    item = told(world, events.post_call_event("tx-1", **changes))
    assert item.intents == (intent,)
    assert [(each.what, each.id, each.at) for each in item.bypasses] == [
        (how.removesuffix("d"), "vp-9", START)
    ]


def test_a_profile_changed_on_a_call_that_nobody_registered_passed_the_gate_by(world: World) -> None:
    item = told(world, events.post_call_event("tx-9", created=[("\ud800", START)]))
    assert (item.fate, [each.what for each in item.bypasses]) == ("unlinked", ["create"])


def test_an_event_about_somebody_whose_key_was_destroyed_is_handed_back(
    world: World, caller: Speaker
) -> None:
    _, task = searched(world)
    with world.raw() as raw:
        raw.execute("DELETE FROM data_key")
    assert told(world, search_event(task, "IdentificationFailure")).fate == "unlinked"


def test_verification_knows_what_was_seen(world: World, caller: Speaker) -> None:
    _, task = searched(world)
    world.gate.notify(search_event(task, "IdentificationSuccessful", matches=MATCHES))
    world.gate.notify(events.post_call_event("tx-1"))
    world.gate.close()
    found = verify_deployment(world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
    assert [each for each in found.verification.levels if each.verdict == "broken"] == []
    assert {each.kind for each in found.verification.findings} <= {"unsequenced", "uncovered"}


def test_what_was_asked_long_before_the_call_is_not_of_it(world: World, caller: Speaker) -> None:
    lost(world)
    with world.raw() as raw:
        raw.unguarded(f"UPDATE entry SET at = {to_millis(START + timedelta(minutes=6))} WHERE kind = 'call'")
    event = search_event("task-9", "IdentificationNoMatchesFound", transaction="tx-1")
    assert told(world, event).fate == "unlinked"


STREAM = {"mediaInsightsPipelineId": "pipeline-1", "streamArn": "arn:aws:kinesisvideo:x", "channelId": 0}


@pytest.mark.parametrize(
    ("change", "linked"),
    [
        ({}, True),
        ({"channelId": "0"}, True),
        ({"channelId": 1}, False),
        ({"streamArn": "arn:aws:kinesisvideo:y"}, False),
        ({"mediaInsightsPipelineId": "pipeline-2"}, False),
        ({"streamArn": None}, False),
        ({"streamArn": "\n"}, False),
    ],
)
def test_a_task_of_a_pipeline_is_linked_by_pipeline_stream_and_channel(
    world: World, change: dict[str, Any], linked: bool
) -> None:
    call = call_of_stream("pipeline-1", "arn:aws:kinesisvideo:x", 0)
    world.gate._attendance.register(Registration(call=call, legs={"Caller": [world.caller()]}))
    intent = profiles.asked(world, "StartSpeakerSearchTask", call=call, service="chime-sdk-media-pipelines")
    item = told(world, search_event("task-9", "IdentificationNoMatchesFound", **{**STREAM, **change}))
    assert item.intents == ((intent.id,) if linked else ())
