"""What killed workers left behind, held against what the vendor saw and what callers were told."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from consentgate import ConsentGate
from consentgate.ledger.tasks import find_task
from consentgate.storage import entries

SERVICE: Final = "chime-sdk-voice"


@dataclass(frozen=True)
class Found:
    """The ledger after reconciliation.

    Attributes:
        intents: how many.
        requests: how many reached the vendor.
        left_open: how many intents had no final outcome before reconciliation.
        ends: how intents ended, counted.
        acknowledged: how many tasks callers were told of.
        unexplained: what cannot be explained, in words; there must be none.
    """

    intents: int
    requests: int
    left_open: int
    ends: Mapping[str, int]
    acknowledged: int
    unexplained: tuple[str, ...]


def open_intents(gate: ConsentGate) -> int:
    """Count the intents without a final outcome."""
    outcomes = {row.re for row in _rows(gate, "outcome")}
    return sum(row.id not in outcomes for row in _rows(gate, "intent"))


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read what was written down."""
    yield from (json.loads(line) for line in path.read_text().splitlines())


def judged(gate: ConsentGate, vendor: Path, callers: Path, left_open: int) -> Found:
    """Look for what cannot be explained."""
    seen = list(lines(vendor))
    arrived = [each for each in seen if "arrived" in each]
    started = {UUID(each["started"]): each["task"] for each in seen if "started" in each}
    intents = {row.id for row in _rows(gate, "intent")}
    ends: dict[UUID, list[str]] = {}
    for row in _rows(gate, "outcome"):
        assert row.re is not None
        ends.setdefault(row.re, []).append(row.end or "")
    wrong = [f"a request without its intent: {each}" for each in arrived if not each["durable"]]
    wrong += [
        f"a request of no intent here: {each}" for each in arrived if UUID(each["arrived"]) not in intents
    ]
    wrong += [f"{intent}: {ends.get(intent, [])}" for intent in intents if len(ends.get(intent, [])) != 1]
    wrong += [f"an outcome without its intent: {intent}" for intent in ends.keys() - intents]
    wrong += list(_lies(intents, ends, arrived, started))
    told = [each["task"] for each in lines(callers) if "task" in each]
    wrong += [f"acknowledged and lost: {task}" for task in told if not _is_recorded(gate, task)]
    return Found(
        intents=len(intents),
        requests=len(arrived),
        left_open=left_open,
        ends=Counter(end for each in ends.values() for end in each),
        acknowledged=len(told),
        unexplained=tuple(wrong),
    )


def _lies(
    intents: set[UUID], ends: dict[UUID, list[str]], arrived: list[dict[str, Any]], started: dict[UUID, str]
) -> Iterator[str]:
    """What is on record and was not so."""
    sent = {UUID(each["arrived"]) for each in arrived}
    for intent in intents:
        for end in ends.get(intent, []):
            if intent in started and end not in ("succeeded", "undetermined"):
                yield f"{intent} started {started[intent]}, and is on record as {end}"
            if intent not in started and end == "succeeded":
                yield f"{intent} started nothing, and is on record as {end}"
            if intent in sent and end == "not_sent":
                yield f"{intent} was sent, and is on record as {end}"


def _is_recorded(gate: ConsentGate, task: str) -> bool:
    parts = gate._parts
    with parts.database.read() as connection:
        record = find_task(connection, parts.book, SERVICE, task)
    return record is not None and record.end == "succeeded"


def _rows(gate: ConsentGate, kind: str) -> tuple[entries.EntryRow, ...]:
    parts = gate._parts
    with parts.database.read() as connection:
        return tuple(entries.of_kind(connection, parts.book.tenant, kind, limit=1 << 40))
