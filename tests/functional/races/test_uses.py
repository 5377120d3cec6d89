"""A consent for so many uses, asked for by fifty gates at once: exactly so many requests reach the service."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from threading import Barrier
from typing import Any, Final

import pytest

from consentgate import ConsentDenied, ConsentGate, Speaker
from consentgate.aws.operations import VOICE
from consentgate.config.settings import Settings
from consentgate.testing.client import loopback_client
from consentgate.testing.clock import FrozenClock
from tests.functional.gate.conftest import CONNECTOR, World, world
from tests.functional.races.place import Meeting

__all__ = ["world"]

AT_ONCE: Final = 50
PROCESSES: Final = 5
USES: Final = 3
ENOUGH: Final = 200

_start: list[Meeting] = []


@contextmanager
def gated(settings: Settings, url: str, at: datetime, count: int) -> Iterator[list[Any]]:
    """Clients of a service, each protected by a gate of its own."""
    with ExitStack() as stack:
        made: list[Any] = []
        for _ in range(count):
            gate = stack.enter_context(ConsentGate(settings, clock=FrozenClock(at), background=False))
            made.append(gate.protect(loopback_client(VOICE, url)))
            stack.callback(made[-1].close)
        yield made


@pytest.fixture
def clients(world: World) -> Iterator[list[Any]]:
    """Fifty clients in this process."""
    with gated(world.gate._parts.settings, world.server.url, world.clock(), AT_ONCE) as made:
        yield made


def granted(world: World, number: str, **more: Any) -> Speaker:
    """Somebody who consents to so many uses."""
    caller = world.caller(number)
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf", **more)
    return caller


def ask(client: Any, transaction: str) -> str:
    """Search, again and again while the ledger is busy; tell what came of it."""
    for _ in range(ENOUGH):
        try:
            client.start_speaker_search_task(
                VoiceConnectorId=CONNECTOR,
                TransactionId=transaction,
                VoiceProfileDomainId="vpd-1",
                CallLeg="Caller",
            )
        except ConsentDenied as denied:
            codes = sorted(reason.code for reason in denied.reasons)
            # Fifty gates on one file fight for SQLite's own lock: who waits too long is denied, and asks again.
            if codes not in (["LEDGER_BUSY"], ["LEDGER_UNAVAILABLE"]):
                return ",".join(codes)
        except client.exceptions.BadRequestException:
            return "rejected"
        else:
            return "searched"
    return "busy"


def at_once(clients: Sequence[Any], transactions: Sequence[str], start: Meeting | None = None) -> list[str]:
    """Let everybody ask at once; tell what came of it, in alphabetical order."""
    start = start or Barrier(len(clients))

    def run(client: Any, transaction: str) -> str:
        start.wait(60)
        return ask(client, transaction)

    with ThreadPoolExecutor(len(clients)) as pool:
        return sorted(pool.map(run, clients, transactions))


def meet(start: Meeting) -> None:
    """In a child: take the barrier, which only a process's beginning can bring."""
    _start[:] = [start]


def some_at_once(settings: Settings, url: str, at: datetime, transactions: Sequence[str]) -> list[str]:
    """Be one of several processes, each with gates of its own."""
    with gated(settings, url, at, len(transactions)) as clients:
        return at_once(clients, transactions, _start[0])


def test_exactly_so_many_requests_leave_as_the_consent_has_uses(world: World, clients: list[Any]) -> None:
    caller = granted(world, "1001", max_uses=USES)
    transactions = [f"tx-{n}" for n in range(AT_ONCE)]
    for transaction in transactions:
        world.register(transaction, caller)
    told = at_once(clients, transactions)
    assert told == ["CONSENT_USED_UP"] * (AT_ONCE - USES) + ["searched"] * USES
    assert world.searches == USES
    assert len(world.opened("intent")) == USES


def test_so_it_is_where_the_gates_are_in_several_processes(world: World) -> None:
    caller = granted(world, "1001", max_uses=USES)
    transactions = [f"tx-{n}" for n in range(AT_ONCE)]
    for transaction in transactions:
        world.register(transaction, caller)
    context = multiprocessing.get_context("spawn")
    settings, url, at = world.gate._parts.settings, world.server.url, world.clock()
    initargs = (context.Barrier(AT_ONCE),)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=meet, initargs=initargs) as pool:
        asked = [
            pool.submit(some_at_once, settings, url, at, transactions[n::PROCESSES]) for n in range(PROCESSES)
        ]
        told = sorted(each for some in asked for each in some.result())
    assert told == ["CONSENT_USED_UP"] * (AT_ONCE - USES) + ["searched"] * USES
    assert world.searches == USES
    assert len(world.opened("intent")) == USES


def test_consent_for_one_use_on_one_call_serves_one_request(world: World, clients: list[Any]) -> None:
    caller = granted(world, "1001", call="tx-1", max_uses=1)
    world.register("tx-1", caller)
    world.register("tx-2", caller)
    assert at_once(clients[:5], ["tx-2"] * 5) == ["CONSENT_FOR_OTHER_CALL"] * 5
    told = at_once(clients, ["tx-1"] * AT_ONCE)
    assert told == ["CONSENT_USED_UP"] * (AT_ONCE - 1) + ["searched"]
    assert world.searches == 1


def test_use_that_the_service_rejected_is_given_back(world: World, clients: list[Any]) -> None:
    caller = granted(world, "1001", max_uses=USES)
    transactions = [f"tx-{n}" for n in range(AT_ONCE)]
    for transaction in transactions:
        world.register(transaction, caller)
    world.server.script.fail(error="BadRequestException", times=2)
    told = at_once(clients, transactions)
    assert told.count("rejected") == 2
    # Who asked while the two were under way heard that the consent is used up; now there is what they gave back.
    told += at_once(clients[:10], transactions[:10])
    assert told.count("searched") == USES
    assert set(told) == {"CONSENT_USED_UP", "rejected", "searched"}
    assert world.searches == USES + 2
