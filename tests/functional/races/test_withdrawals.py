"""A withdrawal and a request in the same instant, thousands of times: the guarantee of the protocol's section 2.

Guaranteed: once a withdrawal committed, no intent for that speaker commits; an intent that committed before has a
durable stop order. Histories like these, gone through the naive ways, break it.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from consentgate.ledger.reader import Reader
from tests.databases import Kind
from tests.functional.races.naive import naive_ways
from tests.functional.races.place import (
    Ground,
    History,
    Raced,
    attempt,
    check,
    gate_of,
    judged,
    meetings,
    numbered,
    one_side,
    speaking,
)
from tests.functional.races.work import Vendor, check_orders, mortal_threads
from tests.loads import load

pytestmark = pytest.mark.timeout(3600)

# Of 20,000 on each database; test_withdrawals_processes.py has the others.
HISTORIES: Final = 3_000


def raced_by_threads(
    ground: Ground,
    histories: Sequence[History],
    way: type[Reader] = Reader,
    vendor: Vendor | None = None,
) -> Raced:
    """Two gates on one database, each with threads of its own."""
    ground.prepare(histories)
    with gate_of(ground.parts.settings) as other:
        asking = replace(other._parts.gate, reader=way(other._parts.book))
        met = meetings()
        with ThreadPoolExecutor(2) as pool:
            asked = pool.submit(one_side, "asks", histories, met, partial(attempt, asking, vendor=vendor))
            said = pool.submit(one_side, "says", histories, met, speaking(ground, histories))
            return judged(ground, histories, asked.result(), said.result())


def test_no_intent_passes_a_withdrawal(ground: Ground, tmp_path: Path) -> None:
    histories, told = numbered(load(HISTORIES)), tmp_path / "told"
    with mortal_threads(ground.parts.settings, told):
        raced = raced_by_threads(ground, histories, vendor=Vendor(told))
    check(raced)
    check_orders(ground, histories, raced, told)


def test_naive_ways_let_intents_pass(ground: Ground, kind: Kind) -> None:
    for way, batches in naive_ways(kind):
        assert any(raced_by_threads(ground, batch, way).violations for batch in batches), way
