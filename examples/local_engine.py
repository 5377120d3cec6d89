"""A speaker-recognition engine that is called in this process, gated: a guarded function and a guarded block.

Run it: ``python examples/local_engine.py``. It makes a home folder in a temporary place; nothing leaves this machine.
"""

import hashlib
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from consentgate import ConsentDenied, ConsentGate, Evidence, Speaker, VendorRequest
from consentgate.config.setup import make_home
from consentgate.gate.heldpermits import GuardedPermit

ISS = "https://desk.acme.example"
HOME = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")


def compare(audio: bytes) -> bytes:
    """Compare a voice with those that are known: a stub in the place of your engine."""
    score = hashlib.sha256(audio).digest()[0] / 255
    return json.dumps({"matches": [{"profile": "vp-1", "score": round(score, 3)}]}).encode()


def search(gate: ConsentGate, caller: Speaker, audio: bytes) -> list[str]:
    """Compare once, in a guarded block."""
    # The audio itself is kept nowhere: its digest says what was compared.
    request = VendorRequest(body=audio, service="house-engine", country="US", keep="digest")
    with gate.guarded("search", caller, request, recording_consent="all_parties") as permit:
        answer = permit.send(compare)
        permit.answered(answer)
    # Here, and not before, it stands that nobody withdrew meanwhile: now the answer may be used.
    return [each["profile"] for each in json.loads(answer)["matches"]]


def set_up(gate: ConsentGate) -> None:
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
    gate.add_issuer(ISS, name="Acme front desk")


def main() -> None:
    """Set up, then search for one who consented and one who did not."""
    with tempfile.TemporaryDirectory() as folder:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
            set_up(gate)
            willing = Speaker([("customer", "C-1001")], [HOME], adult=True)
            other = Speaker([("customer", "C-1002")], [HOME], adult=True)
            gate.issuer(ISS).grant(willing, notice="voiceprint", method="web_esign")
            print("consented:", search(gate, willing, b"a recording"))
            try:
                search(gate, other, b"another recording")
            except ConsentDenied as denied:
                print("did not:", [reason.code for reason in denied.reasons])

            @gate.guards("search", service="house-engine", recording_consent="all_parties")
            def best(permit: GuardedPermit, at_least: float) -> bool:
                """Say whether the best match is good enough."""
                answer = permit.send(compare)
                permit.answered(answer)
                return any(each["score"] >= at_least for each in json.loads(answer)["matches"])

            print("by a guarded function:", best(willing, b"a third recording", 0.1))


if __name__ == "__main__":
    main()
