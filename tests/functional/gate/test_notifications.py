"""What the vendor tells later is linked to its intent, however it comes; what is about nothing of ours comes back.

On SQLite alone: what reads the ledger stands in test_linking.py, which runs on both databases.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from consentgate import Speaker
from consentgate.aws.linking import Delivered
from consentgate.canonical import unb64
from consentgate.ledger.progress import TaskState, state_of
from consentgate.testing import events
from consentgate.testing.clock import START
from consentgate.testing.events import WRAPPINGS, Event, search_event
from tests.functional.gate.conftest import World

pytestmark = pytest.mark.sqlite_file

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


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
def test_an_event_is_linked_by_its_task_and_kept_once(
    world: World, caller: Speaker, wrap: Callable[..., Any]
) -> None:
    intent, task = searched(world)
    event = search_event(task, "IdentificationNoMatchesFound")
    first = told(world, wrap(event))
    assert (first.fate, first.intents, first.bypasses) == ("kept", (intent,), ())
    assert told(world, wrap(event)).fate == "known"
    assert told(world, event).fate == "known"
    assert len(world.opened("observation")) == 1
    assert state(world, intent).status == "IdentificationNoMatchesFound"


def test_the_exact_bytes_are_kept(world: World, caller: Speaker) -> None:
    _, task = searched(world)
    event = search_event(task, "VoiceprintGenerationSuccess")
    world.gate.notify(events.in_sqs(event))
    assert json.loads(unb64(world.exchange("observation")["response"])) == event


def test_scores_and_profiles_of_others_lie_with_the_results_alone(world: World, caller: Speaker) -> None:
    intent, task = searched(world)
    world.gate.notify(search_event(task, "IdentificationSuccessful", matches=MATCHES))
    world.gate.notify(
        events.post_call_event("tx-1", best="vp-of-a-third", updated=[("vp-of-a-fourth", START)])
    )
    for _, parts in world.opened("observation"):
        own = json.dumps(parts["exchange.0"])
        assert "vp-of" not in own
        assert "0.94" not in own
    results = [unb64(parts["matches.0"]["response"]).decode() for _, parts in world.opened("observation")]
    assert "vp-of-somebody" in results[0]
    assert "vp-of-a-third" in results[1]
    assert state(world, intent).results


def test_what_is_heard_in_voices_lies_with_the_results(world: World, caller: Speaker) -> None:
    _, task = searched(world)
    world.gate.notify(events.tone_event(task, "VoiceToneAnalysisSuccessful", label="negative"))
    parts = world.parts("observation")
    assert "negative" not in json.dumps(parts["exchange.0"])
    assert "negative" in unb64(parts["matches.0"]["response"]).decode()


def test_no_match_shows_in_what_is_handed_back(world: World, caller: Speaker) -> None:
    _, task = searched(world)
    item = told(world, search_event(task, "IdentificationSuccessful", matches=MATCHES))
    assert "vp-of" not in repr(item)
    assert [(each.profile, each.score) for each in item.notification.matches] == MATCHES


def test_another_task_of_the_call_is_not_taken_for_the_same(world: World, caller: Speaker) -> None:
    lost(world)
    world.gate.notify(search_event("task-9", "IdentificationNoMatchesFound", transaction="tx-1"))
    item = told(world, search_event("task-10", "IdentificationNoMatchesFound", transaction="tx-1"))
    assert item.fate == "unlinked"


def test_a_request_that_did_nothing_explains_no_task(world: World, caller: Speaker) -> None:
    world.server.script.fail(error="ForbiddenException")
    with pytest.raises(ClientError):
        world.search("tx-1")
    item = told(world, search_event("task-9", "IdentificationNoMatchesFound", transaction="tx-1"))
    assert item.fate == "unlinked"


def test_an_analysis_of_tone_is_not_linked_to_a_search(world: World, caller: Speaker) -> None:
    lost(world)
    event = events.tone_event("task-9", "VoiceToneAnalysisSuccessful")
    event["detail"]["transactionId"] = "tx-1"
    assert told(world, event).fate == "unlinked"


def test_a_task_that_no_request_started_passed_the_gate_by(world: World, caller: Speaker) -> None:
    searched(world)
    delivery = world.gate.notify(search_event("task-of-nobody", "IdentificationSuccessful", matches=MATCHES))
    (bypass,) = delivery.bypasses
    assert (bypass.what, bypass.id, bypass.at) == ("task", "task-of-nobody", START)
    assert "task-of-nobody" not in repr(delivery)
    assert world.opened("observation") == []


def test_an_event_that_names_neither_task_nor_call_is_handed_back(world: World, caller: Speaker) -> None:
    searched(world)
    event = search_event("x", "IdentificationFailure")
    del event["detail"]["taskId"]
    item = told(world, event)
    assert (item.fate, item.bypasses) == ("unlinked", ())


def test_the_end_of_another_call_ends_nothing(world: World, caller: Speaker) -> None:
    intent, _ = searched(world)
    world.register("tx-2", caller)
    for transaction in ("tx-2", "tx-never-heard-of"):
        delivery = world.gate.notify(events.in_sqs(events.post_call_event(transaction)))
        assert [each.fate for each in delivery.items] == ["unlinked"]
        assert delivery.left == ()
    assert not state(world, intent).ended


def test_a_call_that_can_be_analysed_is_told_and_not_kept(world: World) -> None:
    item = told(world, events.ready_event("tx-1"))
    assert (item.fate, item.notification.transaction) == ("ready", "tx-1")
    assert world.opened("observation") == []


def test_what_is_unknown_or_malformed_is_kept_where_it_is_about_a_task_of_ours(
    world: World, caller: Speaker
) -> None:
    intent, task = searched(world)
    unknown: Event = search_event(task, "IdentificationSuccessful") | {"detail-type": "SpeakerSearchInvented"}
    malformed = search_event(task, "")
    for event, sort in ((unknown, "unknown"), (malformed, "malformed")):
        item = told(world, event)
        assert (item.fate, item.notification.sort, item.intents) == ("kept", sort, (intent,))
    assert [each.status for each in state(world, intent).sightings] == [
        "unreadable",
        "IdentificationSuccessful",
    ]
    assert not state(world, intent).ended


def test_what_is_unknown_or_malformed_and_about_nothing_of_ours_is_handed_back(world: World) -> None:
    foreign = search_event("task-9", "x") | {"source": "aws.s3"}
    batch = events.in_sqs(foreign, search_event("task-9", ""))
    delivery = world.gate.notify(batch)
    assert [each.fate for each in delivery.items] == ["unknown", "malformed"]
    assert delivery.left == ("message-1",)
    assert delivery.bypasses == ()


def test_one_bad_record_keeps_no_other_out(world: World, caller: Speaker) -> None:
    _, task = searched(world)
    batch = events.in_sqs(search_event(task, "IdentificationFailure"), search_event(task, "x"))
    batch["Records"][0]["body"] = "{"
    delivery = world.gate.notify(batch)
    assert [each.fate for each in delivery.items] == ["malformed", "kept"]
    assert delivery.left == ("message-0",)
