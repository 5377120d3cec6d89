"""A withdrawal while the answer comes back: it finds the running task, or the outcome finds its stop order.

Never neither: then nobody would stop the task. Both is no harm.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consentgate.config.parts import Parts
from consentgate.gate.begin import begin
from consentgate.gate.ending import ending_of
from consentgate.gate.finish import append
from consentgate.gate.outcomes import Attempt
from consentgate.gate.request import Ending, Exchange
from consentgate.ledger.ingest import ingest
from consentgate.storage import entries
from tests.databases import Kind
from tests.functional.races.place import SKEW, Ground, History, gate_of, meetings, one_side
from tests.functional.races.place import Kind as Said
from tests.loads import load

pytestmark = pytest.mark.timeout(3600)

HISTORIES: Final = 600
NAIVE: Final = 50
AT_MOST: Final = 20
# Files may lie in memory, where a commit takes no time and nobody meets.
OF_A_DISK: Final = 0.003
SAID: Final[tuple[Said, ...]] = ("withdrawn", "by_phone", "refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a withdrawal met.

    Attributes:
        ordered: whether it ordered the stop.
        outcome: whether the task's beginning was in the ledger by then.
    """

    ordered: bool
    outcome: bool


def permitted(ground: Ground, histories: Sequence[History]) -> dict[int, Ending]:
    """Let all requests through, and hold their answers: a task was started by each."""
    gate = ground.parts.gate
    found: dict[int, Ending] = {}
    for history in histories:
        permit = begin(gate, history.request(gate.book.new_id(gate.book.now())))
        answer = Exchange(
            attempts=(Attempt(started_at=permit.send_by, status=200),), status=200, task=f"t{history.number}"
        )
        found[history.number] = ending_of(gate, permit, answer)
    return found


def record(parts: Parts, endings: Mapping[int, Ending], history: History) -> bool:
    """Record the outcome; tell whether it met a stop order."""
    ending = endings[history.number]
    # A no takes longer to take in: some begin later, so that every moment of it is met.
    time.sleep(history.number % 10 * OF_A_DISK)
    assert ending.end == "succeeded"
    done = parts.database.write(partial(append, parts.gate, ending=ending, matches=None), single=True)
    assert done.kind == "outcome"
    return bool(done.stops)


def withdraw(parts: Parts, tokens: Mapping[int, str], intents: Mapping[int, UUID], history: History) -> Heard:
    """Take the withdrawal in; tell what it met."""

    def work(connection: Connection) -> Heard:
        registry = parts.reader.controller(connection).registry
        done = ingest(parts.book, connection, tokens[history.number], registry, SKEW)
        intent = intents[history.number]
        outcome = entries.final_outcome(connection, parts.book.tenant, intent)
        time.sleep(OF_A_DISK)
        return Heard(ordered=intent in done.stops, outcome=outcome is not None)

    return parts.database.write(work)


def neither(ground: Ground, histories: Sequence[History], *, locked: bool) -> list[int]:
    """Race the histories; give those in which neither side met the other."""
    ground.prepare(histories)
    endings = permitted(ground, histories)
    intents = {number: ending.intent.id for number, ending in endings.items()}
    if not locked:
        endings = {number: replace(ending, locks=frozenset()) for number, ending in endings.items()}
    tokens = {history.number: ground.no(history) for history in histories}
    with gate_of(ground.parts.settings) as other, ThreadPoolExecutor(2) as pool:
        met = meetings()
        recording = pool.submit(one_side, "asks", histories, met, partial(record, other._parts, endings))
        saying = pool.submit(
            one_side, "says", histories, met, partial(withdraw, ground.parts, tokens, intents)
        )
        told, heard = recording.result(), saying.result()
    # Open or running: the stop is ordered in any case.
    assert all(each.ordered for each in heard.values())
    return [number for number in told if not told[number] and not heard[number].outcome]


def withdrawals(start: int, count: int) -> list[History]:
    """Make histories: one person under one reference, or under two."""
    return [History(number=n, kind=SAID[n % len(SAID)]) for n in range(start, start + count)]


def test_withdrawal_meets_the_outcome_or_the_outcome_meets_the_stop_order(ground: Ground) -> None:
    assert neither(ground, withdrawals(0, load(HISTORIES)), locked=True) == []


def test_without_its_locks_an_outcome_misses_the_stop_order(ground: Ground, kind: Kind) -> None:
    if kind == "sqlite":
        # The write lock is all of the locks, and nobody can leave it out.
        assert neither(ground, withdrawals(0, NAIVE), locked=False) == []
        return
    batches = (withdrawals(n * NAIVE, NAIVE) for n in range(AT_MOST))
    assert any(neither(ground, batch, locked=False) for batch in batches)
