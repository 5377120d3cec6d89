"""The page on the other operations does what it says."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.config.setup import make_home
from consentgate.policy.reasons import DEFINITIONS
from consentgate.testing.chime import ChimeServer
from tests.functional.docs.pages import blocks, text_of
from tests.functional.gate.conftest import CONNECTOR, ISS, NOTICE

PAGE = text_of("docs/howto/operations.md")


def test_blocks_of_the_page_run_in_their_order(
    tmp_path: Path, on_database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_home(tmp_path / "home", controller="acme")
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    ada = Speaker([("customer", "C-1001")], [home], adult=True)
    names: dict[str, Any] = {"boto3": boto3, "Speaker": Speaker, "home": home, "ada": ada}
    with ChimeServer() as server, ConsentGate(made.settings, background=False) as gate:
        monkeypatch.setattr(boto3, "client", server.client)
        notice = {**NOTICE, "operations": ["search", "enrol", "update"]}
        gate.add_notice(b"Acme makes and keeps a voiceprint.", **notice)
        gate.add_issuer(ISS, name="Acme IVR")
        ivr = gate.issuer(ISS)
        gate.register_call("tx-0", caller=[ada], callee=NOBODY, recording_consent="all_parties")
        ivr.grant(ada, notice="voiceprint", method="ivr_dtmf")
        names |= {"gate": gate, "chime": gate.protect(server.client())}
        now = gate._parts.book.now()
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=now)
        gate.register_call(
            "tx-1", caller=[ada], callee=NOBODY, purpose="authentication", recording_consent="all_parties"
        )
        started = names["chime"].start_speaker_search_task(
            VoiceConnectorId=CONNECTOR, TransactionId="tx-1", VoiceProfileDomainId="d", CallLeg="Caller"
        )
        names["task"] = started["SpeakerSearchTask"]["SpeakerSearchTaskId"]
        server.finish(names["task"])
        for block in blocks(PAGE, "python"):
            exec(block, names)
        assert [each.operation for each in server.requests] == [
            "StartSpeakerSearchTask",
            "CreateVoiceProfile",
            "UpdateVoiceProfile",
        ]
        assert names["agent"].setting == "workplace"
        for client in (names["chime"], names["second"]):
            client.close()


def test_reasons_of_the_page_are_ones(tmp_path: Path) -> None:
    found = {word for word in ("TASK_UNKNOWN", "TASK_TOO_OLD", "TASK_STOPPED", "PROFILE_OF_ANOTHER",
                               "SPEAKER_AMBIGUOUS", "UNGATED_CLIENT") if f"`{word}`" in PAGE}  # fmt: skip
    assert len(found) == 6
    assert found <= DEFINITIONS.keys()
