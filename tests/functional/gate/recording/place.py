"""A search whose outcome cannot be written, and what is left of it."""

from pathlib import Path

import pytest

from consentgate import OutcomeNotRecorded, Speaker
from consentgate.gate.replay import Replay, Replayed
from tests.functional.gate.broken import Outage
from tests.functional.gate.conftest import World

SEARCH, STOP = "StartSpeakerSearchTask", "StopSpeakerSearchTask"


def caller_of(world: World) -> Speaker:
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def lost(world: World, outage: Outage, transaction: str = "tx-1") -> OutcomeNotRecorded:
    """Search while the database goes away in the middle."""
    outage.before_the_answer()
    with pytest.raises(OutcomeNotRecorded) as raised:
        world.search(transaction)
    outage.end()
    return raised.value


def files(world: World) -> list[Path]:
    return sorted((world.home / "spool").iterdir())


def only(replayed: Replay) -> Replayed:
    assert replayed.left == ()
    [one] = replayed.done
    return one


def operations(world: World) -> list[str | None]:
    return [each.operation for each in world.server.requests]
