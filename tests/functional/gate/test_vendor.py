"""Stopping at the vendor: confirmed, already over, or left open."""

import threading
from dataclasses import replace
from typing import Any, cast

import boto3
import pytest
from botocore.config import Config

from consentgate.aws.operations import GATED
from consentgate.aws.vendor import ChimeVendor
from consentgate.gate.request import Started
from consentgate.testing.client import REGION, client_settings
from tests.functional.gate.conftest import World


def search(task: str, operation: str = "StartSpeakerSearchTask", region: str | None = REGION) -> Started:
    return Started(
        service="chime-sdk-voice",
        operation=operation,
        region=region,
        path="/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks",
        task=task,
    )


@pytest.fixture
def task(world: World) -> str:
    """A running task."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    started: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return started


def test_running_task_is_stopped(world: World, task: str) -> None:
    assert ChimeVendor(world.client, within=5).stop(search(task))


def test_task_that_is_gone_needs_no_stop(world: World) -> None:
    assert ChimeVendor(world.client, within=5).stop(search("00000000-0000-4000-8000-000000000000"))


def test_vendor_that_refuses_leaves_the_task_running(world: World, task: str) -> None:
    world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException")
    assert not ChimeVendor(world.client, within=5).stop(search(task))


def test_vendor_out_of_reach_leaves_the_task_running(world: World, task: str) -> None:
    world.server.stop()
    assert not ChimeVendor(world.client, within=5).stop(search(task))


def test_operation_that_starts_nothing_has_nothing_to_stop(
    world: World, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = ("chime-sdk-voice", "StartSpeakerSearchTask")
    monkeypatch.setitem(cast("dict[Any, Any]", GATED), at, replace(GATED[at], stop=None))
    assert not ChimeVendor(world.client, within=5).stop(search(task))


@pytest.mark.parametrize(
    ("started", "serves"),
    [
        (search("t"), True),
        (search("t", region="eu-central-1"), False),
        (search("t", region=None), False),
    ],
)
def test_client_serves_what_was_started_in_its_region(world: World, started: Started, serves: bool) -> None:
    assert ChimeVendor(world.client, within=5).serves(started) is serves


def test_vendor_that_hangs_is_not_waited_for(world: World, task: str) -> None:
    world.server.script.delay(60, "StopSpeakerSearchTask")
    assert not ChimeVendor(world.client, within=0.05).stop(search(task))


def test_handler_that_breaks_the_stop_leaves_the_order_open(world: World, task: str) -> None:
    def broken(**_: Any) -> None:
        raise ZeroDivisionError

    world.client.meta.events.register("before-call.chime-sdk-voice.StopSpeakerSearchTask", broken)
    assert not ChimeVendor(world.client, within=5).stop(search(task))


def test_task_is_stopped_where_the_system_gives_no_thread(
    world: World, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("consentgate.aws.vendor.threading.Thread.start", refuse)
    assert ChimeVendor(world.client, within=5).stop(search(task))


@pytest.mark.parametrize(
    ("config", "lasts"),
    [
        ({"retries": {"max_attempts": 1}}, 2 * (2 + 3) * 1000 + 20_000),
        ({"retries": {"total_max_attempts": 1}}, (2 + 3) * 1000),
        ({"retries": {"total_max_attempts": 1}, "read_timeout": None}, 86_400_000),
    ],
)
def test_intent_holds_how_long_its_client_may_take(world: World, config: dict[str, Any], lasts: int) -> None:
    settings = client_settings(world.server.url)
    settings["config"] = Config(**{"connect_timeout": 2, "read_timeout": 3, "proxies": {}, **config})
    client = world.gate.protect(boto3.client("chime-sdk-voice", **settings))
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    replace(world, client=client).search("tx-1")
    assert world.exchange("intent")["lasts_ms"] == lasts
    client.close()
