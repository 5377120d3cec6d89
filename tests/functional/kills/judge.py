"""What killed workers left behind, held against what the vendor did and what callers were told."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from consentgate import ConsentGate
from consentgate.gate.reconcile import Closed
from consentgate.ledger.tasks import find_task
from consentgate.storage import entries

SERVICE: Final = "chime-sdk-voice"

# How an intent is closed: how it ended, by whom, because of what.
Way = tuple[str, str, str]
NOTIFIED: Final[Way] = ("succeeded", "notification", "task_seen")
TRAILED: Final[Way] = ("succeeded", "cloudtrail", "trail")
REFUSED: Final[Way] = ("rejected", "cloudtrail", "trail")
NOT_TOLD: Final[Way] = ("undetermined", "nobody", "no_answer")
WAYS: Final = (NOTIFIED, TRAILED, REFUSED, NOT_TOLD)


@dataclass(frozen=True)
class Truth:
    """What the vendor did, as it wrote down.

    Attributes:
        seen: each line.
        arrived: the requests that reached it, retries included.
        started: the tasks that it started, by their intents.
        refused: the intents whose requests it refused.
        gets: how often it was asked how a task goes.
    """

    seen: tuple[dict[str, Any], ...]
    arrived: tuple[dict[str, Any], ...]
    started: Mapping[UUID, str]
    refused: Collection[UUID]
    gets: int


@dataclass(frozen=True)
class Found:
    """The ledger after reconciliation.

    Attributes:
        intents: how many.
        requests: how many reached the vendor.
        left_open: how many intents had no final outcome before reconciliation.
        ends: how intents ended, counted.
        closed: how those that were open were closed, counted.
        acknowledged: how many tasks callers were told of.
        gets: how often reconciliation asked how a task goes.
        unexplained: what cannot be explained, in words; there must be none.
    """

    intents: int
    requests: int
    left_open: int
    ends: Mapping[str, int]
    closed: Mapping[Way, int]
    acknowledged: int
    gets: int
    unexplained: tuple[str, ...]


def open_intents(gate: ConsentGate) -> frozenset[UUID]:
    """Find the intents without a final outcome."""
    outcomes = {row.re for row in _rows(gate, "outcome")}
    return frozenset(row.id for row in _rows(gate, "intent") if row.id not in outcomes)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read what was written down."""
    yield from (json.loads(line) for line in path.read_text().splitlines())


def truth(vendor: Path) -> Truth:
    """Read what the vendor did."""
    seen = tuple(lines(vendor))
    return Truth(
        seen=seen,
        arrived=tuple(each for each in seen if "arrived" in each),
        started={UUID(each["started"]): each["task"] for each in seen if "started" in each},
        refused={UUID(each["refused"]) for each in seen if "refused" in each},
        gets=sum("asked" in each for each in seen),
    )


def judged(
    gate: ConsentGate,
    vendor: Truth,
    callers: Path,
    closed: Collection[Closed],
    expected: Mapping[UUID, Way],
) -> Found:
    """Look for what cannot be explained.

    Args:
        gate: the ledger, after reconciliation.
        vendor: what the vendor did.
        callers: what callers were told.
        closed: what reconciliation says that it closed.
        expected: how each intent that was open is to be closed, by what was told of it.
    """
    intents = {row.id for row in _rows(gate, "intent")}
    ends: dict[UUID, list[str]] = {}
    for row in _rows(gate, "outcome"):
        assert row.re is not None
        ends.setdefault(row.re, []).append(row.end or "")
    wrong = [f"a request without its intent: {each}" for each in vendor.arrived if not each["durable"]]
    wrong += [
        f"a request of no intent here: {each}"
        for each in vendor.arrived
        if UUID(each["arrived"]) not in intents
    ]
    wrong += [f"{intent}: {ends.get(intent, [])}" for intent in intents if len(ends.get(intent, [])) != 1]
    wrong += [f"an outcome without its intent: {intent}" for intent in ends.keys() - intents]
    wrong += _lies(gate, ends, vendor)
    ways = {each.intent: (each.end, each.by, each.because) for each in closed}
    wrong += [
        f"{intent} was closed as {ways.get(intent)}, and not as {expected.get(intent)}"
        for intent in ways.keys() | expected.keys()
        if ways.get(intent) != expected.get(intent)
    ]
    wrong += [f"{each.intent} was closed without a reason" for each in closed if not each.why]
    told = [each["task"] for each in lines(callers) if "task" in each]
    wrong += [f"acknowledged and lost: {task}" for task in told if _intent_of(gate, task) is None]
    return Found(
        intents=len(intents),
        requests=len(vendor.arrived),
        left_open=len(expected),
        ends=Counter(end for each in ends.values() for end in each),
        closed=Counter(ways.values()),
        acknowledged=len(told),
        gets=vendor.gets,
        unexplained=tuple(wrong),
    )


def _lies(gate: ConsentGate, ends: Mapping[UUID, list[str]], vendor: Truth) -> Iterator[str]:
    """What is on record and was not so."""
    sent = {UUID(each["arrived"]) for each in vendor.arrived}
    for intent, end in ((intent, end) for intent, told in ends.items() for end in told):
        task = vendor.started.get(intent)
        if end == "succeeded" and (task is None or _intent_of(gate, task) != intent):
            yield f"{intent} started {task}, and is on record as a success of something else"
        if end == "rejected" and intent not in vendor.refused:
            yield f"{intent} was not refused, and is on record as {end}"
        if end == "not_sent" and intent in sent:
            yield f"{intent} was sent, and is on record as {end}"


def _intent_of(gate: ConsentGate, task: str) -> UUID | None:
    """The intent whose outcome says that it started a task."""
    parts = gate._parts
    with parts.database.read() as connection:
        record = find_task(connection, parts.book, SERVICE, task)
    return record.intent.id if record is not None and record.end == "succeeded" else None


def _rows(gate: ConsentGate, kind: str) -> tuple[entries.EntryRow, ...]:
    parts = gate._parts
    with parts.database.read() as connection:
        return tuple(entries.of_kind(connection, parts.book.tenant, kind, limit=1 << 40))
