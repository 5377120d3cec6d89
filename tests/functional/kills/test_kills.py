"""Processes that search are killed at every step, and at moments that nobody chose; reconciling explains it all.

Real processes and real kills: what test_withdrawals.py of the races only leaves out, a gate that dies with its intent
durable, happens here.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Connection

from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.aws.operations import call_of_transaction
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import keep_log
from consentgate.config.verification import verify_deployment
from consentgate.ledger.registering import Registration, register
from consentgate.testing.client import loopback_client
from consentgate.testing.events import search_event
from tests.databases import Kind
from tests.functional.gate.conftest import ISS, NOTICE
from tests.functional.kills.judge import Found, judged, lines, open_intents
from tests.functional.kills.work import AFTER, BEFORE, CALLS, Shifted, begin, plan, transaction

pytestmark = pytest.mark.timeout(3600)

RUNS: Final = 60
"""On both databases together; CONSENTGATE_KILLS says how many instead."""
SEED: Final = 39
# On SQLite before 3.51.3 two processes that write can damage the file: there they live one after another.
AT_ONCE: Final = {"sqlite": 1, "postgresql": 4}
_BATCH: Final = 10
_ROOT: Final = Path(__file__).parents[3]


def runs() -> int:
    return int(os.environ.get("CONSENTGATE_KILLS", RUNS)) // 2


@contextmanager
def vendor(settings: Settings, told: Path) -> Iterator[str]:
    """Run the vendor in a process of its own; gives its address."""
    command = [sys.executable, "-m", "tests.functional.kills.vendor", settings.database, str(told)]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(30) == 0


def prepared(folder: Path, url: str | None, count: int) -> Settings:
    """A deployment whose caller may be searched on the calls of so many runs."""
    clock = Shifted(BEFORE)
    made = make_home(
        folder / "home", controller="acme", clock=clock, database=url or "sqlite:///consentgate.db"
    )
    evidence = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", "1001")], [evidence], adult=True)
    with ConsentGate(made.settings, clock=clock, background=False) as gate:
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        since = clock() - timedelta(days=30)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
        gate.add_issuer(ISS, name="Acme IVR")
        gate.issuer(ISS).grant(caller, notice="voiceprint", method="ivr_dtmf")

        def work(connection: Connection, first: int) -> None:
            for run in range(first, min(first + _BATCH, count)):
                for call in range(CALLS):
                    told = Registration(
                        call=call_of_transaction(transaction(run, call)),
                        legs={"Caller": [caller], "Callee": NOBODY},
                        purpose="authentication",
                        recording_consent="all_parties",
                    )
                    register(gate._parts.book, connection, told)

        for first in range(0, count, _BATCH):
            gate._parts.database.write(partial(work, first=first))
    return made.settings


def killed(settings: Settings, url: str, callers: Path, *, count: int, at_once: int) -> None:
    """Let workers live and be killed, some at once."""
    # Read once, for all who are forked.
    loopback_client("chime-sdk-voice", url).close()
    for first in range(0, count, at_once):
        plans = [plan(SEED, run) for run in range(first, min(first + at_once, count))]
        workers = [begin(settings, url, callers, each) for each in plans]
        for each in workers:
            each.end()


def reconciled(settings: Settings, told: Path, callers: Path) -> Found:
    """Tell the gate of some tasks, as notifications do, reconcile, and judge."""
    clock = Shifted(AFTER)
    with ConsentGate(settings, clock=clock, background=False) as gate:
        left_open = open_intents(gate)
        started = [each["task"] for each in lines(told) if "started" in each]
        calls = {each["task"]: each["call"] for each in lines(callers) if "task" in each}
        for task in started[::3]:
            if task in calls:
                gate.notify(
                    search_event(task, "IdentificationSuccessful", at=clock(), transaction=calls[task])
                )
        done = gate.reconcile()
        assert (done.waiting, done.stuck) == ((), ())
        assert len(done.closed) == left_open
        assert gate.reconcile().closed == ()
        return judged(gate, told, callers, left_open)


def require_sound(settings: Settings) -> None:
    assert keep_log(settings) is None
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification
    assert [level for level in verified.levels if level.verdict != "holds"] == []
    assert verified.findings == ()


def test_every_request_and_every_intent_of_killed_processes_is_explained(
    kind: Kind, tmp_path: Path, database_url: str | None
) -> None:
    count = runs()
    settings = prepared(tmp_path, database_url, count)
    told, callers = tmp_path / "vendor.jsonl", tmp_path / "callers.jsonl"
    for each in (told, callers):
        each.touch()
    with vendor(settings, told) as url:
        killed(settings, url, callers, count=count, at_once=AT_ONCE[kind])
    found = reconciled(settings, told, callers)
    print(f"{kind}: {count} runs, {found}")
    assert found.unexplained == ()
    # What it is about happened: intents were left open, tasks ran on, and callers were told.
    assert found.left_open >= count // 6
    assert found.ends["undetermined"] >= found.left_open // 3
    assert found.acknowledged >= count // 4
    require_sound(settings)
