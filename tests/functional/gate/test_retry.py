"""The gate's own retry: a throttled request is sent again under its one intent, within bounds."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from consentgate import ConsentDenied
from consentgate.errors import InvalidInput
from consentgate.gate.retry import MAX_ATTEMPTS, Retry
from consentgate.testing.chime import ChimeServer
from tests.functional.gate.conftest import World

THROTTLED = "ThrottledClientException"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def patient(world: World, attempts: int | None, **more: Any) -> World:
    """The same deployment through a client that tries again."""
    client = world.gate.protect(world.server.client(**more), retry=attempts)
    return replace(world, client=client)


def willing(world: World, transaction: str = "tx-1") -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register(transaction, caller)


def bodies(server: ChimeServer) -> set[bytes]:
    return {r.body for r in server.requests if r.path.endswith("/speaker-search-tasks")}


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
def test_throttled_search_is_sent_again_under_one_intent(
    world: World, pauses: list[float], mode: str
) -> None:
    willing(world)
    mine = patient(world, 3, retries={"mode": mode})
    world.server.script.fail(error=THROTTLED, times=2)
    answer = mine.search("tx-1")
    assert answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert world.searches == 3
    # One token, one set of bytes, one intent, one task.
    assert len(bodies(world.server)) == 1
    assert len(world.opened("intent")) == 1
    assert world.ends() == ["succeeded"]
    assert [each["status"] for each in world.exchange("outcome")["attempts"]] == [429, 429, 201]
    first, second = [each for each in pauses if each]
    assert 0.1 <= first <= 0.2
    assert 0.2 <= second <= 0.4
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2


def test_attempts_are_bounded_and_the_last_answer_is_the_callers(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, 2)
    world.server.script.fail(error=THROTTLED, times=None)
    with pytest.raises(mine.client.exceptions.ThrottledClientException):
        mine.search("tx-1")
    assert world.searches == 2
    assert world.ends() == ["rejected"]
    assert len([each for each in pauses if each]) == 1


def test_without_being_told_nothing_is_sent_again(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, None, retries={"mode": "standard"})
    world.server.script.fail(error=THROTTLED, times=None)
    with pytest.raises(mine.client.exceptions.ThrottledClientException):
        mine.search("tx-1")
    assert world.searches == 1
    assert pauses == []


def test_withdrawal_in_the_pause_ends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    willing(world)
    mine = patient(world, 3)
    world.server.script.fail(error=THROTTLED, times=None)

    def withdrawn(_: float) -> None:
        monkeypatch.undo()
        world.ivr.withdraw(world.caller(), method="ivr_dtmf")

    monkeypatch.setattr(time, "sleep", withdrawn)
    with pytest.raises(ConsentDenied) as denied:
        mine.search("tx-1")
    assert [r.code for r in denied.value.reasons] == ["CONSENT_CHANGED"]
    assert world.searches == 1
    assert world.ends() == ["rejected"]


def test_no_attempt_begins_after_the_permits_time(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, 3)
    throttled = {"x-amzn-ErrorType": THROTTLED, "Retry-After": "5"}
    world.server.script.answer(b"{}", status=429, headers=throttled, times=None)
    with pytest.raises(mine.client.exceptions.ThrottledClientException):
        mine.search("tx-1")
    assert (world.searches, pauses) == (1, [])


def test_pause_that_the_vendor_asks_for_is_kept(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, 2)
    for number, asked in enumerate(("3", "soon"), 1):
        world.register(f"tx-{number}", world.caller())
        headers = {"x-amzn-ErrorType": THROTTLED, "Retry-After": asked}
        world.server.script.answer(b"{}", status=429, headers=headers)
        mine.search(f"tx-{number}")
    asked_for, own = [each for each in pauses if each]
    assert asked_for == 3.0
    assert own <= 0.2


def test_older_mode_of_botocore_tries_again_by_itself(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, 3, retries={"mode": "legacy", "max_attempts": 1})
    world.server.script.fail(error=THROTTLED, times=None)
    with pytest.raises(mine.client.exceptions.ThrottledClientException):
        mine.search("tx-1")
    assert world.searches == 2
    assert world.ends() == ["rejected"]


@pytest.mark.parametrize("error", ["ConflictException", "BadRequestException", "SomethingNew"])
def test_other_errors_are_left_to_botocore(world: World, pauses: list[float], error: str) -> None:
    willing(world)
    mine = patient(world, 3, retries={"mode": "standard", "total_max_attempts": 1})
    world.server.script.fail(error=error, status=429 if error == "SomethingNew" else None)
    with pytest.raises(ClientError):
        mine.search("tx-1")
    assert world.searches == 1
    assert pauses == []


def test_stopping_is_not_retried_by_the_gate(world: World, pauses: list[float]) -> None:
    mine = patient(world, 3, retries={"mode": "standard", "total_max_attempts": 1})
    world.server.script.fail("StopSpeakerSearchTask", error=THROTTLED)
    with pytest.raises(ClientError):
        mine.client.stop_speaker_search_task(
            VoiceConnectorId="abcdef1ghij2klmno3pqr4", SpeakerSearchTaskId="t"
        )
    assert pauses == []


def test_lost_connection_is_left_to_botocore(world: World, pauses: list[float]) -> None:
    willing(world)
    mine = patient(world, 3, retries={"mode": "standard", "total_max_attempts": 1})
    world.server.script.drop()
    with pytest.raises(Exception, match="Connection"):
        mine.search("tx-1")
    assert pauses == []
    assert world.ends() == ["unknown"]


def test_intent_says_how_long_all_attempts_may_take(world: World) -> None:
    willing(world)
    retries = {"mode": "standard", "total_max_attempts": 2}
    for attempts, expected in ((1, 44_000), (3, 72_000)):
        world.register(f"tx-{attempts}", world.caller())
        patient(world, attempts, retries=retries).search(f"tx-{attempts}")
        # 2 s to connect and 10 s to answer for each attempt, botocore's pause of 20 s, ours of 2 s.
        assert world.exchange("intent")["lasts_ms"] == expected


def test_settings_say_how_often_where_the_client_is_not_told(world: World, pauses: list[float]) -> None:
    willing(world)
    client = world.server.client()
    assert world.gate.protect(client, retry=2) is world.gate.protect(client) is client
    with pytest.raises(InvalidInput, match="another retry"):
        world.gate.protect(client, retry=3)


@pytest.mark.parametrize("retry", [0, MAX_ATTEMPTS + 1, 1.5, True, "3"])
def test_number_of_attempts_is_a_small_one(world: World, retry: Any) -> None:
    with pytest.raises(InvalidInput, match="at most"):
        world.gate.protect(world.server.client(), retry=retry)


def test_pauses_grow_to_a_bound_and_are_jittered() -> None:
    retry = Retry(attempts=9, first=timedelta(seconds=1), longest=timedelta(seconds=3))
    shortest = [retry.pause(n, bytes) for n in range(1, 9)]
    longest = [retry.pause(n, lambda size: b"\xff" * size) for n in range(1, 9)]
    assert shortest == [0.5, 1.0, *[1.5] * 6]
    assert [round(each, 3) for each in longest] == [1.0, 2.0, *[3.0] * 6]
