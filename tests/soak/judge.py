"""What a soak came to: the ledger held against what the service saw and what the backend was told.

The service's log is the truth about requests: what left, what it did. Nothing here asks the gate what it thinks.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from consentgate.aws.asking import token_of
from consentgate.config.parts import Parts
from consentgate.ledger.tasks import find_task
from consentgate.moment import from_text
from consentgate.storage import entries, orders
from consentgate.storage.entries import EntryRow
from tests.functional.crash.judge import bare, require_whole
from tests.functional.crash.judgement import require_holds

_ALL: Final = 1 << 40
_START: Final = "/speaker-search-tasks?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that reached the service."""

    at: datetime
    done: int | None
    task: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there was at the end."""

    requests: int
    intents: int
    ends: Mapping[str, int]
    orders: int
    open: int
    owed: int
    entries: int


def judged(parts: Parts, log: Path, journal: Path) -> Found:
    """Check every invariant.

    Args:
        parts: the deployment; nothing works on it any more.
        log: of the service.
        journal: of the backend.

    Returns:
        Figures.
    """
    requests = _requests(log)
    with parts.database.read() as connection:
        rows = {
            kind: entries.of_kind(connection, parts.book.tenant, kind, limit=_ALL)
            for kind in ("intent", "outcome", "stop")
        }
        open_orders = orders.open_orders(connection, parts.book.tenant)
    intents = {token_of(row.id): row for row in rows["intent"]}
    ends = _ends(rows["outcome"])
    require_intents(requests, intents)
    require_ends(requests, intents, ends)
    for order in open_orders:
        # Of what nobody knows whether it started there is nothing to stop: the order stays, with its deadline.
        assert ends[order.intent] == "undetermined", (
            f"the stop order {order.id} is open, and could be carried out"
        )
    owed = _require_stops(parts, rows["stop"], journal)
    settings = parts.settings
    require_holds(settings)
    ledger = bare(settings.database)
    require_whole(ledger, settings.log_vkey.read_text().strip())
    counted: dict[str, int] = {}
    for end in ends.values():
        counted[end] = counted.get(end, 0) + 1
    return Found(
        requests=sum(len(each) for each in requests.values()),
        intents=len(intents),
        ends=counted,
        orders=len(rows["stop"]),
        open=len(open_orders),
        owed=owed,
        entries=len(ledger.entries),
    )


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a file of JSON lines."""
    with path.open() as file:
        for line in file:
            yield json.loads(line)


def _requests(log: Path) -> dict[str, list[Seen]]:
    """The gated requests by their tokens; one without a token is none of ours."""
    found: dict[str, list[Seen]] = {}
    for each in lines(log):
        if each["request"].startswith("POST ") and each["request"].endswith(_START):
            seen = Seen(at=from_text(each["at"]), done=each["done"], task=each["task"])
            found.setdefault(str(each["token"]), []).append(seen)
    return found


def require_intents(requests: Mapping[str, Sequence[Seen]], intents: Mapping[str, EntryRow]) -> None:
    """No request without its intent, and none before it."""
    unknown = set(requests) - set(intents)
    assert not unknown, f"{len(unknown)} requests have no intent: {sorted(unknown)[:3]}"
    early = [token for token, seen in requests.items() if any(one.at < intents[token].at for one in seen)]
    assert not early, f"{len(early)} requests left before their intent was written: {early[:3]}"


def _ends(outcomes: Sequence[EntryRow]) -> dict[UUID, str]:
    ends: dict[UUID, str] = {}
    for row in outcomes:
        assert row.re is not None
        assert row.re not in ends, f"the intent {row.re} has two outcomes"
        ends[row.re] = str(row.end)
    return ends


def require_ends(
    requests: Mapping[str, Sequence[Seen]], intents: Mapping[str, EntryRow], ends: Mapping[UUID, str]
) -> None:
    """Each intent has an outcome, and what it says is what happened."""
    for token, row in intents.items():
        end, seen = ends.get(row.id), requests.get(token, ())
        done = any(each.task is not None for each in seen)
        assert end is not None, f"the intent {row.id} has no outcome"
        assert end != "not_sent" or not seen, (
            f"the intent {row.id} is not sent, and the service has its request"
        )
        assert end != "rejected" or not done, f"the intent {row.id} is rejected, and the service did it"
        assert end != "succeeded" or done, f"the intent {row.id} succeeded, and the service did nothing"


def _require_stops(parts: Parts, stops: Sequence[EntryRow], journal: Path) -> int:
    """Whatever ran when its ground fell has a stop order."""
    ordered = {row.re for row in stops}
    owed = 0
    with parts.database.read() as connection:
        for line in lines(journal):
            for task in line["ran"]:
                record = find_task(connection, parts.book, "chime-sdk-voice", task)
                assert record is not None, f"nobody knows the task {task}"
                assert record.intent.id in ordered, f"the task {task} of {line['call']} has no stop order"
                owed += 1
    return owed
