"""Stopping at the vendor: confirmed, already over, or left open."""

from typing import Any

import pytest

from consentgate.aws.operations import GATED
from consentgate.aws.vendor import ChimeVendor
from consentgate.gate.request import GatedRequest
from tests.functional.gate.conftest import World


def request_of(world: World, operation: str = "StartSpeakerSearchTask", **more: Any) -> GatedRequest:
    told: dict[str, Any] = {
        "intent": world.gate._door.new_intent(),
        "service": "chime-sdk-voice",
        "operation": operation,
        "action": "search",
        "region": None,
        "country": None,
        "method": "POST",
        "path": "/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks",
        "query": "",
        "body": b"",
        "call": None,
        "context": None,
        "leg": None,
        "token": None,
        "token_from": "gate",
        "lasts_ms": 1,
    }
    return GatedRequest(**{**told, **more})


@pytest.fixture
def task(world: World) -> str:
    """A running task."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    started: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return started


def test_running_task_is_stopped(world: World, task: str) -> None:
    assert ChimeVendor(world.client).stop(request_of(world), task)


def test_task_that_is_gone_needs_no_stop(world: World) -> None:
    assert ChimeVendor(world.client).stop(request_of(world), "00000000-0000-4000-8000-000000000000")


def test_vendor_that_refuses_leaves_the_task_running(world: World, task: str) -> None:
    world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException")
    assert not ChimeVendor(world.client).stop(request_of(world), task)


def test_vendor_out_of_reach_leaves_the_task_running(world: World, task: str) -> None:
    world.server.stop()
    assert not ChimeVendor(world.client).stop(request_of(world), task)


def test_operation_that_starts_nothing_has_nothing_to_stop(world: World, task: str) -> None:
    assert GATED["chime-sdk-voice", "CreateVoiceProfile"].stop is None
    assert not ChimeVendor(world.client).stop(request_of(world, "CreateVoiceProfile"), task)
