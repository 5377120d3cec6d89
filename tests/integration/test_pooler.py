"""A pooler between the gate and its server: what the deployment guide says about each mode."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, ConsentWithdrawn, Evidence, Speaker
from consentgate.config.settings import Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.config.verification import verify_deployment
from consentgate.errors import Unavailable
from consentgate.testing.chime import ChimeServer
from tests.databases import Server, raw
from tests.functional.gate.conftest import CONNECTOR, ISS, NOTICE
from tests.integration.bouncer import PROGRAM, Mode, bouncer

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(PROGRAM is None, reason="the program pgbouncer is not installed"),
]

CALLERS = 24
RACES = 12


@pytest.fixture
def behind(postgres: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """A deployment on a database that is reached through a pooler of some mode."""
    mode: Mode = request.param
    direct = postgres.empty()
    made = make_home(tmp_path / "home", controller="acme", database=direct)
    with ConsentGate(made.settings, background=False) as gate:
        gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=datetime.now(UTC))
        gate.add_issuer(ISS, name="Acme IVR")
    with bouncer(direct, tmp_path, mode) as pooled:
        yield replace(made.settings, database=pooled)
    postgres.drop(direct)


def caller(number: int) -> Speaker:
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", f"C-{number}")], [home], adult=True)


def calling(gate: ConsentGate, number: int) -> Speaker:
    """A caller who consented, on a call of their own."""
    person = caller(number)
    gate.issuer(ISS).grant(person, notice="voiceprint", method="ivr_dtmf")
    gate.register_call(
        f"tx-{number}",
        caller=[person],
        callee=NOBODY,
        purpose="authentication",
        recording_consent="all_parties",
    )
    return person


def search(client: Any, number: int) -> Any:
    call = {"VoiceConnectorId": CONNECTOR, "VoiceProfileDomainId": "vpd-1", "CallLeg": "Caller"}
    return client.start_speaker_search_task(TransactionId=f"tx-{number}", **call)


def life(
    gate: ConsentGate, chime: ChimeServer, number: int, *, before_send: Callable[..., None] | None = None
) -> tuple[bool, list[str]]:
    """One caller is searched, withdraws, and calls again: whether the search went, and why the other did not."""
    client = gate.protect(chime.client())
    if before_send is not None:
        client.meta.events.register_first("before-send", before_send)
    try:
        person = calling(gate, number)
        went = search(client, number)
        gate.issuer(ISS).withdraw(person, method="ivr_dtmf")
        if before_send is not None:
            client.meta.events.unregister("before-send", before_send)
        with pytest.raises(ConsentDenied) as denied:
            search(client, number)
    finally:
        client.close()
    return "SpeakerSearchTask" in went, [reason.code for reason in denied.value.reasons]


def race(one: ConsentGate, other: ConsentGate, chime: ChimeServer, number: int) -> bool:
    """A search by one gate and a withdrawal by another in the same instant: whether the search passed."""
    person, start, client = calling(one, number), Barrier(2), one.protect(chime.client())

    def withdraw() -> None:
        start.wait(20)
        other.issuer(ISS).withdraw(person, method="ivr_dtmf")

    with ThreadPoolExecutor(1) as threads, closing(client):
        withdrawing = threads.submit(withdraw)
        start.wait(20)
        try:
            search(client, number)
            passed = True
        except ConsentWithdrawn:
            passed = True
        except ConsentDenied:
            passed = False
        withdrawing.result()
        with pytest.raises(ConsentDenied):
            search(client, number)
    return passed


def counts(settings: Settings) -> dict[str, int]:
    """How many entries of some kinds there are."""
    with raw(load_settings(settings.home).database) as direct:
        found = dict(direct.execute("SELECT kind, count(*) FROM entry GROUP BY kind").fetchall())
    return {kind: found.get(kind, 0) for kind in ("intent", "outcome", "stop")}


@pytest.mark.parametrize("behind", ["transaction", "session"], indirect=True)
def test_two_gates_of_many_threads_work_through_a_pooler(behind: Settings, chime: ChimeServer) -> None:
    with ExitStack() as stack:
        gates = [stack.enter_context(ConsentGate(behind)) for _ in range(2)]
        with ThreadPoolExecutor(8) as threads:
            lives = [threads.submit(life, gates[n % 2], chime, n) for n in range(CALLERS)]
        assert [each.result() for each in lives] == [(True, ["CONSENT_WITHDRAWN"])] * CALLERS
    done = verify_deployment(behind, vkey=None, with_keys=True, step=lambda: None)
    assert not done.verification.findings


@pytest.mark.parametrize("behind", ["transaction", "session"], indirect=True)
def test_connections_that_the_server_lost_cost_nobody_an_outcome(
    behind: Settings, chime: ChimeServer
) -> None:
    lost: list[int] = []

    def lose(**_: Any) -> None:
        """End what the pooler holds, as a server does that fails over: here between an intent and its outcome."""
        with raw(load_settings(behind.home).database) as direct:
            ended = direct.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            lost.append(len(ended.fetchall()))

    with ConsentGate(behind, background=False) as gate:
        assert life(gate, chime, 1) == (True, ["CONSENT_WITHDRAWN"])
        lose()
        assert life(gate, chime, 2, before_send=lose) == (True, ["CONSENT_WITHDRAWN"])
        assert life(gate, chime, 3) == (True, ["CONSENT_WITHDRAWN"])
    assert len(lost) >= 2
    assert all(lost)
    assert len([each for each in chime.requests if each.operation == "StartSpeakerSearchTask"]) == 3
    done = verify_deployment(behind, vkey=None, with_keys=True, step=lambda: None)
    assert {finding.kind for finding in done.verification.findings} <= {"unsequenced", "uncovered"}
    assert counts(behind) == {"intent": 3, "outcome": 3, "stop": 3}


@pytest.mark.parametrize("behind", ["transaction", "session"], indirect=True)
def test_no_intent_passes_a_withdrawal_through_a_pooler(behind: Settings, chime: ChimeServer) -> None:
    with ConsentGate(behind, background=False) as one, ConsentGate(behind, background=False) as other:
        went = [race(one, other, chime, number) for number in range(RACES)]
    # Each request that passed was stopped, and no other was on record.
    assert counts(behind) == {"intent": sum(went), "outcome": sum(went), "stop": sum(went)}
    done = verify_deployment(behind, vkey=None, with_keys=True, step=lambda: None)
    assert {finding.kind for finding in done.verification.findings} <= {"unsequenced", "uncovered"}


@pytest.mark.parametrize("behind", ["statement"], indirect=True)
def test_pooling_by_statement_is_refused(behind: Settings) -> None:
    with pytest.raises(Unavailable), ConsentGate(behind, background=False) as gate:
        gate.add_issuer("https://web.acme.example", name="Web")
