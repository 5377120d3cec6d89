"""Gated requests for people who consented before a ledger grew: their entries refer to old ones, as a backend's do.

Each request is a guarded block without a vendor: what it takes is reading the statements, deciding, and two appends.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from benchmarks.place import ISS, NOTICE
from consentgate import ConsentGate, Evidence, Speaker, VendorRequest
from consentgate.config.settings import Settings
from consentgate.values import dataclass

_HOME: Final = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
_BODY: Final = b"x" * 300
_ANSWER: Final = json.dumps({"matches": [{"profile": "vp-1", "score": 0.9}]}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one request took, in seconds.

    Attributes:
        intent: the decision and its intent, which stands on grants from before the ledger grew; durable.
        outcome: the outcome, which refers to that intent; durable.
    """

    intent: float
    outcome: float


class Gated:
    """People who consented at the beginning, each of whom is searched for once, whenever that is.

    The sequencer and the signer run meanwhile, as they do in a backend.
    """

    def __init__(self, settings: Settings, people: int) -> None:
        """Put a notice, an issuer and each one's grant on record."""
        self._settings = settings
        callers = [Speaker([("customer", f"bench-{i}")], [_HOME], adult=True) for i in range(people)]
        with ConsentGate(settings, background=False) as gate:
            gate.add_notice(b"We make a voiceprint of you.", **NOTICE)
            gate.assert_("public_policy_published", True, by="bench", since=datetime.now(UTC))
            gate.add_issuer(ISS, name="Bench")
            for caller in callers:
                gate.issuer(ISS).grant(caller, notice="voiceprint", method="ivr_dtmf")
        self._callers: Iterator[Speaker] = iter(callers)

    def search(self, count: int) -> list[Taken]:
        """Search for the next ones, after one that opens what is opened once."""
        with ConsentGate(self._settings) as gate:
            return [self._once(gate) for _ in range(count + 1)][1:]

    def _once(self, gate: ConsentGate) -> Taken:
        request = VendorRequest(body=_BODY, service="house-engine", country="US", keep="digest")
        block = gate.guarded("search", next(self._callers), request, recording_consent="all_parties")
        start = time.perf_counter()
        with block as permit:
            begun = time.perf_counter()
            permit.send(lambda _: _ANSWER)
            permit.answered(_ANSWER)
            sent = time.perf_counter()
        return Taken(intent=begun - start, outcome=time.perf_counter() - sent)
