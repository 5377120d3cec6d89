"""Races between what a person says and what the gate lets through, with real threads on one database."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from consentgate import ConsentDenied, ConsentGate, ConsentWithdrawn, Reference
from consentgate.errors import InvalidInput
from consentgate.ledger.statements import read_statement
from tests.functional.gate.conftest import World

HISTORIES = 40
STEP = 0.0005
THREADS = 12


def together(*acts: Callable[[], object]) -> None:
    """Run all at once; what is no answer of the gate fails the test."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        start.wait()
        with suppress(ConsentDenied, ConsentWithdrawn):
            act()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result()


def later(seconds: float, act: Callable[[], object]) -> None:
    """Do something after a while."""
    time.sleep(seconds)
    act()


def withdrawals(world: World) -> dict[tuple[Reference, ...], int]:
    """Where in the order of commits each person withdrew."""
    found = (
        (row.ordinal, read_statement(parts["statement.0"])[1]) for row, parts in world.opened("statement")
    )
    return {said.references: ordinal for ordinal, said in found if not said.grants}


def test_no_intent_commits_after_the_withdrawal_and_each_before_it_has_a_stop_order(world: World) -> None:
    """Two gates on one database, as two processes have them: one searches, the other takes withdrawals in."""
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        ivr = other.issuer(world.ivr.iss)
        for number in range(HISTORIES):
            caller, transaction = world.caller(f"r{number}"), f"tx-{number}"
            world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
            world.register(transaction, caller)
            # Step by step later, so that the two meet in every order.
            step = (number - HISTORIES // 2) * STEP
            search = partial(later, max(-step, 0), partial(world.search, transaction))
            withdraw = partial(later, max(step, 0), partial(ivr.withdraw, caller, method="ivr_dtmf"))
            together(search, withdraw)
            for _, parts in world.opened("outcome")[-1:]:
                # Makes room at the service; the gate may have stopped the task already.
                with suppress(InvalidInput):
                    world.server.finish(parts["exchange.0"]["task"], status="STOPPED")
    withdrawn = withdrawals(world)
    stops = {row.re for row, _ in world.opened("stop")}
    assert len(withdrawn) == HISTORIES
    # Neither side always wins, or nothing was raced.
    assert 3 < len(world.opened("intent")) < HISTORIES - 3
    for row, parts in world.opened("intent"):
        person = tuple(Reference(kind=r["kind"], value=r["value"]) for r in parts["decision.0"]["references"])
        assert row.ordinal < withdrawn[person]
        assert row.id in stops


def test_single_use_consent_serves_one_of_many_at_once(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf", max_uses=1)
    for number in range(THREADS):
        world.register(f"tx-{number}", caller)
    together(*(partial(world.search, f"tx-{n}") for n in range(THREADS)))
    assert world.searches == 1
    assert len(world.opened("intent")) == 1
