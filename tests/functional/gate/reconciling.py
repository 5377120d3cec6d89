"""Requests whose process ended before it could say how they ended, and what reconciling makes of them."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from consentgate import Speaker
from consentgate.aws.operations import GATED
from consentgate.gate.reconcile import Closed, Reconciled
from tests.functional.gate.conftest import World

LONG = timedelta(hours=1)


def caller_of(world: World, number: str = "1001", transaction: str = "tx-1") -> Speaker:
    """Somebody who may be searched on a call."""
    speaker = world.caller(number)
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register(transaction, speaker)
    return speaker


def died(world: World, transaction: str = "tx-1") -> tuple[UUID, str]:
    """Search in a process that ends before it records the outcome; give the intent and the task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gate._door, "finish", lambda *_: None)
        answer = world.search(transaction)
    return world.opened("intent")[-1][0].id, answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]


def gated(world: World) -> list[str | None]:
    """The gated requests that reached the service."""
    names = {name for _, name in GATED}
    return [each.operation for each in world.server.requests if each.operation in names]


def later(world: World, by: timedelta = LONG, *, cloudtrail: Iterable[Path] = ()) -> Reconciled:
    """Let time go by, and reconcile; nothing gated is sent."""
    world.clock.advance(by)
    before = gated(world)
    done = world.gate.reconcile(cloudtrail=list(cloudtrail))
    assert gated(world) == before
    return done


def only(done: Reconciled) -> Closed:
    """Give the one intent that was closed."""
    assert (done.waiting, done.stuck, done.late) == ((), (), ())
    (closed,) = done.closed
    return closed


def finals(world: World) -> list[str | None]:
    """How intents ended for good, in the order in which that was said."""
    return [row.end for row, _ in world.opened("outcome")]
