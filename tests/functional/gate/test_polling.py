"""Whoever gets no notifications asks: what the vendor says is kept, and only where it is new.

On SQLite alone: it is about the vendor's answers; test_progress.py keeps them on both databases.
"""

import json
import threading
from typing import Any
from uuid import UUID

import pytest

from consentgate.aws.looking import look
from consentgate.canonical import unb64
from consentgate.errors import InvalidInput, Unavailable
from consentgate.gate.request import Started
from consentgate.testing import events
from consentgate.testing.tasks import FAILED, RUNNING
from tests.functional.gate.conftest import CONNECTOR, World

GET = "GetSpeakerSearchTask"


@pytest.fixture
def task(world: World) -> str:
    """A task that runs."""
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    id_: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return id_


def intent(world: World) -> UUID:
    """Give the newest intent."""
    return world.opened("intent")[-1][0].id


def test_changes_are_put_on_record_and_nothing_else(world: World, task: str) -> None:
    assert world.gate.poll(task).status == "IN_QUEUE"
    assert world.gate.poll(task).status == "IN_QUEUE"
    world.clock.advance(1)
    world.server.finish(task, status=RUNNING)
    assert world.gate.poll(task).status == "IN_PROGRESS"
    world.clock.advance(1)
    world.server.finish(task, results=[("vp-of-somebody", 0.9)])
    state = world.gate.poll(task)
    assert (state.status, state.ended, state.results, state.at) == ("SUCCEEDED", True, True, world.clock())
    assert [each.status for each in state.sightings] == ["IN_QUEUE", "IN_PROGRESS", "SUCCEEDED"]
    assert len(world.opened("observation")) == 3


def test_the_exact_answer_is_kept_and_its_results_apart(world: World, task: str) -> None:
    world.server.finish(task, results=[("vp-of-somebody", 0.9)])
    world.gate.poll(task)
    parts = world.parts("observation")
    answer = json.loads(unb64(parts["matches.0"]["response"]))
    assert (
        answer["SpeakerSearchTask"]["SpeakerSearchDetails"]["Results"][0]["VoiceProfileId"]
        == "vp-of-somebody"
    )
    assert "vp-of-somebody" not in json.dumps(parts["exchange.0"])
    assert parts["exchange.0"]["summary"]["SpeakerSearchTaskStatus"] == "SUCCEEDED"


def test_an_end_that_was_asked_for_leaves_nothing_to_stop(world: World, task: str) -> None:
    world.server.finish(task, status=FAILED)
    world.gate.poll(task)
    world.ivr.withdraw(world.caller(), method="ivr_dtmf")
    assert world.opened("stop") == []


def test_what_was_asked_and_what_was_told_make_one_state(world: World, task: str) -> None:
    world.gate.notify(events.search_event(task, "IdentificationNoMatchesFound", at=world.clock()))
    world.clock.advance(1)
    world.server.finish(task)
    state = world.gate.poll(task)
    assert [each.status for each in state.sightings] == ["IdentificationNoMatchesFound", "SUCCEEDED"]
    assert state.ended


def test_no_request_that_needs_a_permit_is_sent(world: World, task: str) -> None:
    before = len(world.server.requests)
    world.gate.poll(task)
    assert [each.operation for each in world.server.requests[before:]] == [GET]


@pytest.mark.parametrize("given", ["task-of-nobody", "\ud800"])
def test_a_task_of_nobody_is_not_asked_for(world: World, task: str, given: str) -> None:
    with pytest.raises(InvalidInput, match="No request of this ledger"):
        world.gate.poll(given)


@pytest.mark.parametrize("given", ["", None, 7])
def test_a_task_is_named_by_its_id(world: World, given: Any) -> None:
    with pytest.raises(InvalidInput, match="id of a task"):
        world.gate.poll(given)


def test_without_a_client_of_the_region_nobody_can_be_asked(world: World, task: str) -> None:
    world.gate._stopping._vendors.clear()
    with pytest.raises(InvalidInput, match="chime-sdk-voice in us-east-1: protect one"):
        world.gate.poll(task)


@pytest.mark.parametrize("error", ["NotFoundException", "ForbiddenException"])
def test_what_the_vendor_refuses_is_told(world: World, task: str, error: str) -> None:
    world.server.script.fail(GET, error=error)
    with pytest.raises(Unavailable, match=error):
        world.gate.poll(task)
    assert world.opened("observation") == []


def test_a_failure_on_the_way_is_told(world: World, task: str) -> None:
    world.client.meta.events.register_first("before-call", refuse)
    with pytest.raises(Unavailable, match="OSError"):
        world.gate.poll(task)


def test_an_answer_that_does_not_come_is_not_waited_for(world: World, task: str) -> None:
    world.server.script.delay(20, GET)
    with pytest.raises(Unavailable, match=r"within 0.1 seconds"):
        look(world.client, _of(task, "StartSpeakerSearchTask"), within=0.1)


def test_an_answer_about_another_task_is_not_kept(world: World, task: str) -> None:
    answer = {"SpeakerSearchTask": {"SpeakerSearchTaskId": "another", "SpeakerSearchTaskStatus": "SUCCEEDED"}}
    world.server.script.answer(json.dumps(answer).encode(), GET)
    with pytest.raises(Unavailable, match="another task"):
        world.gate.poll(task)
    assert world.opened("observation") == []


def test_an_answer_that_shows_no_task_is_told(world: World, task: str) -> None:
    world.server.script.answer(b"{}", GET)
    with pytest.raises(Unavailable, match="shows no task"):
        world.gate.poll(task)


def test_without_a_thread_nobody_is_asked(world: World, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(Unavailable, match="no thread"):
            look(world.client, _of(task, "StartSpeakerSearchTask"), within=5)


@pytest.mark.parametrize("operation", ["CreateVoiceProfile", "CreateVoiceProfileDomain", "Invented"])
def test_what_cannot_be_asked_for_is_not(world: World, task: str, operation: str) -> None:
    with pytest.raises(Unavailable, match="nothing to ask for"):
        look(world.client, _of(task, operation), within=5)


def _of(task: str, operation: str) -> Started:
    path = f"/voice-connectors/{CONNECTOR}/speaker-search-tasks"
    return Started(service="chime-sdk-voice", operation=operation, region="us-east-1", path=path, task=task)


def refuse(**_: Any) -> None:
    """The network is out of reach."""
    raise OSError("out of reach")
