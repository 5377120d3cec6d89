"""The same with two processes, each of which asks in one half of the histories and speaks in the other."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from consentgate.config.settings import Settings
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

HISTORIES: Final = 8_500
# Between rounds PostgreSQL learns how large its tables have become.
ROUND: Final = 500

_met: list[list[Meeting]] = []


def meet(met: list[list[Meeting]]) -> None:
    """In the child: take the barriers, which only a process's beginning can bring."""
    _met[:] = met


def half(
    settings: Settings, histories: Sequence[History], role: int, told: Path
) -> tuple[dict[int, Attempt], dict[int, Said]]:
    """Be one of two processes: each asks in every other history and speaks in those between."""
    mine, others = histories[role::2], histories[1 - role :: 2]
    with gate_of(settings) as gate, ThreadPoolExecutor(2) as pool:
        ground = Ground(gate=gate, ivr=gate.issuer(ISS))
        asked = pool.submit(
            one_side, "asks", mine, _met[role], partial(attempt, gate._parts.gate, vendor=Vendor(told))
        )
        said = pool.submit(one_side, "says", others, _met[1 - role], speaking(ground, others))
        return asked.result(), said.result()


def raced_by_processes(ground: Ground, histories: Sequence[History], told: Path) -> Raced:
    """This process and another one, each with a gate, threads and connections of its own."""
    context = multiprocessing.get_context("spawn")
    met: list[list[Meeting]] = [[context.Barrier(2) for _ in range(LANES)] for _ in range(2)]
    _met[:] = met
    asked: dict[int, Attempt] = {}
    said: dict[int, Said] = {}
    with (
        killed_processes(context, ground.parts.settings, told),
        ProcessPoolExecutor(1, mp_context=context, initializer=meet, initargs=(met,)) as pool,
    ):
        for start in range(0, len(histories), ROUND):
            some = histories[start : start + ROUND]
            # By one process alone: of two that write much to a SQLite file, one waits for too long.
            ground.prepare(some)
            there = pool.submit(half, ground.parts.settings, some, 0, told)
            for asked_, said_ in (half(ground.parts.settings, some, 1, told), there.result()):
                asked |= asked_
                said |= said_
    return judged(ground, histories, asked, said)


def test_no_intent_passes_a_withdrawal_of_another_process(ground: Ground, tmp_path: Path) -> None:
    histories, told = numbered(load(HISTORIES)), tmp_path / "told"
    raced = raced_by_processes(ground, histories, told)
    check(raced)
    check_orders(ground, histories, raced, told)
