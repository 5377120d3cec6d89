"""A consent for so many uses, asked for by fifty at once: exactly so many requests reach the service."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any, Final

import pytest

from consentgate import ConsentDenied, ConsentGate, Speaker
from tests.databases import Kind
from tests.functional.gate.conftest import CONNECTOR, World, world

__all__ = ["world"]

AT_ONCE: Final = 50
USES: Final = 3
# A server takes about a hundred connections; fifty gates, each with one that reads and one that writes, are more.
GATES: Final = {"sqlite": AT_ONCE, "postgresql": 5}
ENOUGH: Final = 200


@pytest.fixture
def clients(world: World, kind: Kind) -> Iterator[list[Any]]:
    """Fifty clients, each protected by a gate of its own; on PostgreSQL ten by each of five."""
    with ExitStack() as stack:
        settings = world.gate._parts.settings
        gates = [
            stack.enter_context(ConsentGate(settings, clock=world.clock, background=False))
            for _ in range(GATES[kind])
        ]
        made = [gates[n % len(gates)].protect(world.server.client()) for n in range(AT_ONCE)]
        for client in made:
            stack.callback(client.close)
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


def at_once(clients: Sequence[Any], transactions: Sequence[str]) -> list[str]:
    """Let everybody ask at once; tell what came of it, in alphabetical order."""
    start = Barrier(len(clients))

    def run(client: Any, transaction: str) -> str:
        start.wait(60)
        return ask(client, transaction)

    with ThreadPoolExecutor(len(clients)) as pool:
        return sorted(pool.map(run, clients, transactions))


def test_exactly_so_many_requests_leave_as_the_consent_has_uses(world: World, clients: list[Any]) -> None:
    caller = granted(world, "1001", max_uses=USES)
    transactions = [f"tx-{n}" for n in range(AT_ONCE)]
    for transaction in transactions:
        world.register(transaction, caller)
    told = at_once(clients, transactions)
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
