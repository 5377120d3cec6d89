"""Workers that search through a gate until they are killed.

They are forked from a process that has imported everything and opened nothing: no connection is inherited.
"""

import json
import os
import select
import signal
import time
import traceback
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import pytest
from botocore.exceptions import ClientError

from consentgate import ConsentDenied, ConsentGate, ConsentWithdrawn, OutcomeNotRecorded
from consentgate.config.settings import Settings
from consentgate.moment import system_clock
from consentgate.testing.client import loopback_client
from tests.functional.faults.moments import MOMENTS, strike
from tests.functional.gate.conftest import CONNECTOR

CALLS: Final = 3
"""So many searches a worker makes, if it lives so long."""

BEFORE: Final = timedelta(hours=-3)
"""When workers live: intents are reconciled two hours later, which nobody waits for."""
AFTER: Final = timedelta(hours=-1)

# A worker takes so long from its start to the end of its last search, about.
_LONGEST: Final = 0.2
_PATIENCE: Final = 60.0


class Shifted:
    """The machine's clock, shifted."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def __call__(self) -> datetime:
        return system_clock() + self._by


@dataclass(frozen=True)
class Plan:
    """How a run ends.

    Attributes:
        run: its number.
        way: at a step of the order of effects, or at a moment that nobody chose.
        call: in which of its searches.
        moment: at which step.
        seconds: after so long.
        background: whether its gate keeps the log beside.
    """

    run: int
    way: Literal["step", "moment"]
    call: int
    moment: str
    seconds: float
    background: bool


@dataclass(frozen=True)
class Struck:
    """What a step of the order of effects is found by."""

    client: Any
    server: None = None


def plan(seed: int, run: int) -> Plan:
    """Draw how a run ends."""
    dice = Random(f"{seed} {run}")
    return Plan(
        run=run,
        way=dice.choice(("step", "step", "moment")),
        call=dice.randrange(CALLS),
        moment=dice.choice(MOMENTS),
        seconds=dice.uniform(0, _LONGEST),
        background=dice.random() < 0.3,
    )


@dataclass
class Worker:
    """A worker that was begun."""

    plan: Plan
    pid: int
    ready: int
    due: float = 0.0

    def end(self) -> None:
        """Kill it, if it does not do that by itself, and wait for its end."""
        if self.plan.way == "moment":
            select.select([self.ready], [], [], _PATIENCE)
            time.sleep(self.plan.seconds)
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.ready)
        assert os.WIFSIGNALED(status), f"run {self.plan.run} ended by itself: {status}, {self.plan}"


def begin(settings: Settings, url: str, told: Path, planned: Plan) -> Worker:
    """Fork a worker."""
    ready, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ready)
            _work(settings, url, told, planned, writing)
        except BaseException:  # noqa: BLE001  # a child tells and ends, whatever it was
            traceback.print_exc()
        finally:
            os._exit(3)
    os.close(writing)
    return Worker(planned, pid, ready)


def _work(settings: Settings, url: str, told: Path, planned: Plan, writing: int) -> None:
    journal = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    gate = ConsentGate(settings, clock=Shifted(BEFORE), background=planned.background)
    client = gate.protect(loopback_client("chime-sdk-voice", url, read_seconds=2))
    os.write(writing, b"!")
    with pytest.MonkeyPatch.context() as patch:
        for call in range(CALLS):
            if planned.way == "step" and call == planned.call:
                strike(
                    Struck(client),
                    patch,
                    planned.moment,
                    lambda: os.kill(os.getpid(), signal.SIGKILL),
                    own=True,
                )
            os.write(journal, f"{json.dumps(_searched(client, planned.run, call))}\n".encode())
    # Whoever lives so long is killed while nothing is under way.
    time.sleep(_PATIENCE)


def _searched(client: Any, run: int, call: int) -> dict[str, object]:
    """Search, and say what the caller was told."""
    said: dict[str, object] = {"call": transaction(run, call)}
    try:
        answer = client.start_speaker_search_task(
            VoiceConnectorId=CONNECTOR,
            TransactionId=transaction(run, call),
            VoiceProfileDomainId="vpd-1",
            CallLeg="Caller",
        )
    except (ConsentDenied, ConsentWithdrawn, OutcomeNotRecorded, ClientError) as error:
        return said | {"raised": type(error).__name__}
    return said | {"task": answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]}


def transaction(run: int, call: int) -> str:
    """Name a call."""
    return f"tx-{run}-{call}"


def run_of(call: str) -> int:
    """Tell of which run a call is."""
    return int(call.split("-")[1])
