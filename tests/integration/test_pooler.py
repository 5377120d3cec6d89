"""A pooler between the gate and its server: what the deployment guide says about each mode."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.config.verification import verify_deployment
from consentgate.errors import Unavailable
from consentgate.testing.chime import ChimeServer
from tests.databases import Server
from tests.functional.gate.conftest import CONNECTOR, ISS, NOTICE
from tests.integration.bouncer import PROGRAM, Mode, bouncer

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(PROGRAM is None, reason="the program pgbouncer is not installed"),
]

CALLERS = 24


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


def life(gate: ConsentGate, chime: ChimeServer, number: int) -> tuple[bool, list[str]]:
    """One caller is searched, withdraws, and calls again: whether the search went, and why the other did not."""
    person, ivr, client = caller(number), gate.issuer(ISS), gate.protect(chime.client())
    call = {"VoiceConnectorId": CONNECTOR, "VoiceProfileDomainId": "vpd-1", "CallLeg": "Caller"}
    try:
        ivr.grant(person, notice="voiceprint", method="ivr_dtmf")
        gate.register_call(
            f"tx-{number}",
            caller=[person],
            callee=NOBODY,
            purpose="authentication",
            recording_consent="all_parties",
        )
        went = client.start_speaker_search_task(TransactionId=f"tx-{number}", **call)
        ivr.withdraw(person, method="ivr_dtmf")
        with pytest.raises(ConsentDenied) as denied:
            client.start_speaker_search_task(TransactionId=f"tx-{number}", **call)
    finally:
        client.close()
    return "SpeakerSearchTask" in went, [reason.code for reason in denied.value.reasons]


@pytest.mark.parametrize("behind", ["transaction", "session"], indirect=True)
def test_two_gates_of_many_threads_work_through_a_pooler(behind: Settings, chime: ChimeServer) -> None:
    with ExitStack() as stack:
        gates = [stack.enter_context(ConsentGate(behind)) for _ in range(2)]
        with ThreadPoolExecutor(8) as threads:
            lives = [threads.submit(life, gates[n % 2], chime, n) for n in range(CALLERS)]
        assert [each.result() for each in lives] == [(True, ["CONSENT_WITHDRAWN"])] * CALLERS
    done = verify_deployment(behind, vkey=None, with_keys=True, step=lambda: None)
    assert not done.verification.findings


@pytest.mark.parametrize("behind", ["statement"], indirect=True)
def test_pooling_by_statement_is_refused(behind: Settings) -> None:
    with pytest.raises(Unavailable), ConsentGate(behind, background=False) as gate:
        gate.add_issuer("https://web.acme.example", name="Web")
