"""The same with two processes, each of which asks in one half of the histories and speaks in the other."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Final

import pytest

from consentgate.config.settings import Settings
from consentgate.ledger.reader import Reader
from tests.databases import Kind
from tests.functional.races.naive import naive_ways
from tests.functional.races.place import (
    ISS,
    LANES,
    Attempt,
    Ground,
    History,
    Meeting,
    Raced,
    Said,
    attempt,
    check,
    gate_of,
    judged,
    numbered,
    one_side,
    speaking,
)
from tests.functional.races.work import Vendor, check_orders, killed_processes
from tests.loads import load

pytestmark = pytest.mark.timeout(3600)

# Of 20,000 on each database; test_withdrawals.py has the others.
HISTORIES: Final = 17_000
# Between rounds PostgreSQL learns how large its tables have become.
ROUND: Final = 500

_met: list[list[Meeting]] = []


def meet(met: list[list[Meeting]]) -> None:
    """In the child: take the barriers, which only a process's beginning can bring."""
    _met[:] = met


def half(
    settings: Settings, histories: Sequence[History], role: int, way: type[Reader], vendor: Vendor | None
) -> tuple[dict[int, Attempt], dict[int, Said]]:
    """Be one of two processes: each asks in every other history and speaks in those between."""
    mine, others = histories[role::2], histories[1 - role :: 2]
    with gate_of(settings) as gate, ThreadPoolExecutor(2) as pool:
        ground = Ground(gate=gate, ivr=gate.issuer(ISS))
        asking = replace(gate._parts.gate, reader=way(gate._parts.book))
        asked = pool.submit(one_side, "asks", mine, _met[role], partial(attempt, asking, vendor=vendor))
        said = pool.submit(one_side, "says", others, _met[1 - role], speaking(ground, others))
        return asked.result(), said.result()


@contextmanager
def another_process(context: SpawnContext) -> Iterator[Executor]:
    """A process that meets this one, as long as the block runs."""
    met: list[list[Meeting]] = [[context.Barrier(2) for _ in range(LANES)] for _ in range(2)]
    _met[:] = met
    with ProcessPoolExecutor(1, mp_context=context, initializer=meet, initargs=(met,)) as pool:
        yield pool


def raced_by_processes(
    ground: Ground,
    histories: Sequence[History],
    other: Executor,
    way: type[Reader] = Reader,
    vendor: Vendor | None = None,
) -> Raced:
    """This process and another one, each with a gate, threads and connections of its own."""
    settings = ground.parts.settings
    asked: dict[int, Attempt] = {}
    said: dict[int, Said] = {}
    for start in range(0, len(histories), ROUND):
        some = histories[start : start + ROUND]
        # By one process alone: of two that write much to a SQLite file, one waits for too long.
        ground.prepare(some)
        there = other.submit(half, settings, some, 0, way, vendor)
        for asked_, said_ in (half(settings, some, 1, way, vendor), there.result()):
            asked |= asked_
            said |= said_
    return judged(ground, histories, asked, said)


def test_no_intent_passes_a_withdrawal_of_another_process(ground: Ground, tmp_path: Path) -> None:
    histories, told = numbered(load(HISTORIES)), tmp_path / "told"
    context = multiprocessing.get_context("spawn")
    with killed_processes(context, ground.parts.settings, told), another_process(context) as other:
        raced = raced_by_processes(ground, histories, other, vendor=Vendor(told))
    check(raced)
    check_orders(ground, histories, raced, told)


def test_naive_ways_let_intents_pass_a_withdrawal_of_another_process(ground: Ground, kind: Kind) -> None:
    with another_process(multiprocessing.get_context("spawn")) as other:
        for way, batches in naive_ways(kind):
            assert any(raced_by_processes(ground, batch, other, way).violations for batch in batches), way
