"""A resolver's thread: none to be had, or left behind in the parent of a fork."""

import os
import threading
from collections.abc import Mapping
from typing import Any, Final

import pytest

from consentgate import ConsentDenied, Speaker
from consentgate.gate import resolve
from tests.functional.gate.conftest import World

# The resolver was heard, and the law was asked: nobody told it the purpose, nor about the recording.
DECIDED: Final = ["INPUT_MISSING:purpose", "RECORDING_CONSENT_MISSING"]


@pytest.fixture
def ada(world: World) -> Speaker:
    """A caller who may be searched, on no call."""
    speaker = world.caller("ada")
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    return speaker


def codes(client: Any) -> list[str]:
    """Search, and give the codes of the denial; none where it was allowed."""
    arguments = {"VoiceConnectorId": "c", "TransactionId": "tx-1", "VoiceProfileDomainId": "vpd-1"}
    try:
        client.start_speaker_search_task(**arguments, CallLeg="Caller")
    except ConsentDenied as denied:
        return sorted(reason.code for reason in denied.reasons)
    return []


def test_no_thread_denies_and_takes_no_place_of_later_resolvers(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_AT_ONCE", 1)
    client = world.gate.protect(world.server.client(), who=lambda _operation, _request: [ada])

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("consentgate.gate.resolve.threading.Thread.start", refuse)
        assert codes(client) == codes(client) == ["WHO_FAILED"]
    assert codes(client) == DECIDED
    client.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_resolver_that_hangs_in_the_parent_takes_no_place_of_the_childs(
    world: World, ada: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "_AT_ONCE", 1)
    goes_on, parent = threading.Event(), os.getpid()

    def who(_operation: str, _request: Mapping[str, Any]) -> list[Speaker]:
        if os.getpid() == parent:
            goes_on.wait(30)
        return [ada]

    client = world.gate.protect(world.server.client(), who=who, who_timeout=0.5)
    assert codes(client) == codes(client) == ["WHO_TIMED_OUT"]
    child = os.fork()
    if child == 0:
        try:
            os._exit(7 if codes(client) == DECIDED else 8)
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    goes_on.set()
    client.close()
