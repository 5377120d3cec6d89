"""Processes that search are killed at every step, and at moments that nobody chose; reconciling explains it all.

Real processes and real kills: what test_withdrawals.py of the races only leaves out, a gate that dies with its intent
durable, happens here.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

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
from consentgate.testing.cloudtrail import trail_file, ungated_search
from consentgate.testing.events import Event, in_sqs, search_event
from tests.databases import Kind
from tests.functional.gate.conftest import ISS, NOTICE
from tests.functional.kills.judge import (
    NOT_TOLD,
    NOTIFIED,
    REFUSED,
    TRAILED,
    WAYS,
    Found,
    Truth,
    Way,
    judged,
    open_intents,
    truth,
)
from tests.functional.kills.work import AFTER, BEFORE, CALLS, Shifted, begin, plan, run_of, transaction
from tests.loads import load

pytestmark = pytest.mark.timeout(3600)

RUNS: Final = load(500, least=60) // 2
"""On each of both databases."""
MANY: Final = 200
"""From so many on what chance decides is looked at."""
SEED: Final = 39
# On SQLite before 3.51.3 two processes that write can damage the file: there they live one after another.
AT_ONCE: Final = {"sqlite": 1, "postgresql": 4}
_BATCH: Final = 10
_PATIENCE: Final = 60.0
_ROOT: Final = Path(__file__).parents[3]


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


def settled(told: Path) -> Truth:
    """Wait until the vendor is done with what killed workers sent, and read what it did."""
    until, before = time.monotonic() + _PATIENCE, -1
    while True:
        vendor = truth(told)
        answered = vendor.started.keys() | vendor.refused
        if len(vendor.seen) == before and all(UUID(each["arrived"]) in answered for each in vendor.arrived):
            return vendor
        assert time.monotonic() < until, "the vendor does not answer what arrived"
        before = len(vendor.seen)
        time.sleep(0.3)


def told_of(vendor: Truth, trail: Path, at: datetime) -> tuple[Mapping[UUID, Way], list[Event], str]:
    """Of a third of the runs tell by notifications, of a third by a file of CloudTrail, of a third not at all.

    Returns:
        How each intent of which something is told is to be closed if it is open, the notifications, and the event
        in the file that is none of ours.
    """
    by_nobody = ungated_search("tx-of-nobody", at=at)
    ways: dict[UUID, Way] = {}
    records, events = [by_nobody], []
    for each in (each for each in vendor.seen if "record" in each):
        third = run_of(each["call"]) % 3
        if third == 0 and "started" in each:
            ways[UUID(each["started"])] = NOTIFIED
            told = search_event(each["task"], "IdentificationSuccessful", at=at, transaction=each["call"])
            events += [told, told]
        elif third == 1:
            ways[UUID(each.get("started") or each["refused"])] = TRAILED if "started" in each else REFUSED
            records.append(each["record"])
    for heap in (records, events):
        Random(SEED).shuffle(heap)
    trail.write_bytes(trail_file(*records))
    return ways, events, by_nobody["eventID"]


def reconciled(settings: Settings, url: str, told: Path, callers: Path) -> Found:
    """Tell the gate what others know, reconcile, and judge."""
    before, clock = settled(told), Shifted(AFTER)
    trail = told.with_name("trail.json")
    ways, events, by_nobody = told_of(before, trail, Shifted(BEFORE)())
    client = loopback_client("chime-sdk-voice", url)
    with ConsentGate(settings, clock=clock, background=False) as gate, closing(client):
        gate.protect(client)
        left_open = open_intents(gate)
        delivery = gate.notify(in_sqs(*events))
        assert (delivery.left, delivery.bypasses) == ((), ())
        done = gate.reconcile(cloudtrail=[trail])
        assert (done.waiting, done.stuck, done.late) == ((), (), ())
        assert [each.event for each in done.ungated] == [by_nobody]
        assert gate.reconcile(cloudtrail=[trail]).closed == ()
        after = truth(told)
        # Whatever reconciling asked, nothing of it was gated.
        assert after.arrived == before.arrived
        return judged(
            gate, after, callers, done.closed, {each: ways.get(each, NOT_TOLD) for each in left_open}
        )


def require_sound(settings: Settings) -> None:
    assert keep_log(settings) is None
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification
    assert [level for level in verified.levels if level.verdict != "holds"] == []
    assert verified.findings == ()


def test_every_request_and_every_intent_of_killed_processes_is_explained(
    kind: Kind, tmp_path: Path, database_url: str | None
) -> None:
    settings = prepared(tmp_path, database_url, RUNS)
    told, callers = tmp_path / "vendor.jsonl", tmp_path / "callers.jsonl"
    for each in (told, callers):
        each.touch()
    with vendor(settings, told) as url:
        killed(settings, url, callers, count=RUNS, at_once=AT_ONCE[kind])
        found = reconciled(settings, url, told, callers)
    print(f"{kind}: {RUNS} runs, {found}")
    assert found.unexplained == ()
    # What it is about happened: intents were left open, tasks ran on, and callers were told.
    assert found.left_open > 0
    assert found.acknowledged > 0
    if RUNS >= MANY:
        assert found.left_open >= RUNS // 6
        assert found.acknowledged >= RUNS // 4
        assert [way for way in WAYS if not found.closed.get(way)] == []
        assert found.ends["rejected"] > found.closed[REFUSED]
        assert found.gets >= found.closed[NOTIFIED]
    require_sound(settings)
