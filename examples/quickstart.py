"""From a key press in an IVR to a gated speaker search, in US-IL, with the caller on one leg.

Run it: ``python examples/quickstart.py``. It makes a home folder in a temporary place and talks to a loopback
server that answers like Chime SDK Voice; nothing leaves this machine.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, SigningIssuer, Speaker
from consentgate.config.setup import make_home
from consentgate.testing.chime import ChimeServer

LINE = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "vpd-1"}


def answer(gate: ConsentGate, ivr: SigningIssuer, chime: Any, transaction: str, pressed: str) -> str:
    """Handle one caller: the ten lines of integration."""
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", "C-1001")], [home], adult=True)
    if pressed == "1":
        ivr.grant(caller, notice="voiceprint", method="ivr_dtmf", call=transaction)
    gate.register_call(transaction, caller=[caller], callee=NOBODY, recording_consent="all_parties")
    try:
        task = chime.start_speaker_search_task(TransactionId=transaction, CallLeg="Caller", **LINE)
    except ConsentDenied as denied:
        return f"ask for the PIN, because of {', '.join(r.code for r in denied.reasons)}"
    return f"wait for task {task['SpeakerSearchTask']['SpeakerSearchTaskId']}"


def set_up(gate: ConsentGate) -> SigningIssuer:
    """Say once what the gate has to know: the notice, the policy, who may record consents."""
    gate.add_notice(
        b"Acme will make and keep a voiceprint of you, for two years, to check that you are you.",
        id="voiceprint",
        version="2026-02",
        language="en",
        in_writing=True,
        elements=["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
        consent_form="written_release",
        purposes=["authentication"],
        operations=["search"],
        validity="P2Y",
    )
    gate.assert_("public_policy_published", True, by="privacy@acme.example", since=datetime.now(UTC))
    gate.add_issuer("https://ivr.acme.example", name="Acme IVR")
    return gate.issuer("https://ivr.acme.example")


def main() -> None:
    """Set up, then handle two callers."""
    with tempfile.TemporaryDirectory() as folder, ChimeServer() as server:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
            ivr = set_up(gate)
            chime = gate.protect(server.client())  # in production: boto3.client("chime-sdk-voice")
            print("pressed 2:", answer(gate, ivr, chime, "tx-1", pressed="2"))
            print("pressed 1:", answer(gate, ivr, chime, "tx-2", pressed="1"))
            chime.close()


if __name__ == "__main__":
    main()
