"""What the gate costs: a gated and a denied call beside the same work done by hand, in one run.

Run it: ``make bench``. The loopback server is a process of its own; each call is another speaker's; figures are
medians of several rounds. Machines are noisy: compare the ratios of one run, not the times of two.
"""

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.config.setup import make_home
from consentgate.testing.client import loopback_client

# As many tasks as the service lets run at once: each round has a service of its own.
CALLS = 24
ROUNDS = 5
LINE = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "voices", "CallLeg": "Caller"}
ISS = "https://ivr.acme.example"
NOTICE: dict[str, Any] = {
    "id": "voiceprint",
    "version": "1",
    "language": "en",
    "in_writing": True,
    "elements": ["collection_or_storage_disclosed", "length_of_term", "specific_purpose"],
    "consent_form": "written_release",
    "purposes": ["authentication"],
    "operations": ["search"],
}


def prepare(gate: ConsentGate) -> None:
    """Put notice, policy and issuer on record, and register every call of every round."""
    gate.add_notice(b"We make a voiceprint of you.", **NOTICE)
    gate.assert_("public_policy_published", True, by="bench", since=datetime.now(UTC))
    gate.add_issuer(ISS, name="Bench")
    ivr = gate.issuer(ISS)
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    for number in range(CALLS * ROUNDS):
        for kind in ("allowed", "denied"):
            caller = Speaker([("customer", f"{kind}-{number}")], [home], adult=True)
            ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
            if kind == "denied":
                ivr.withdraw(caller, method="ivr_dtmf")
            gate.register_call(
                f"{kind}-{number}", caller=[caller], callee=NOBODY, recording_consent="all_parties"
            )


def median(act: Callable[[int], object], numbers: range) -> float:
    """Time an act once for each number, in seconds."""
    taken = []
    for number in numbers:
        start = time.perf_counter()
        act(number)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


class Baseline:
    """The same durable work by the bare driver: indexed reads and commits of as many bytes."""

    def __init__(self, folder: Path) -> None:
        self._raw = sqlite3.connect(folder / "baseline.db", isolation_level=None)
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.execute("PRAGMA synchronous = FULL")
        self._raw.execute("CREATE TABLE entry (id BLOB PRIMARY KEY, body BLOB)")
        key = Ed25519PrivateKey.generate()
        self._signed = os.urandom(1500)
        self._signature, self._public = key.sign(self._signed), key.public_key()

    def read(self) -> None:
        """Do one indexed read."""
        self._raw.execute("SELECT body FROM entry WHERE id = ?", (os.urandom(16),)).fetchone()

    def commit(self, size: int) -> None:
        """Commit one row, durably."""
        self._raw.execute("INSERT INTO entry VALUES (?, ?)", (os.urandom(16), os.urandom(size)))

    def verify(self) -> None:
        """Verify one signature of a statement's size."""
        self._public.verify(self._signature, self._signed)

    def close(self) -> None:
        """Close the database."""
        self._raw.close()


def one_round(gate: ConsentGate, baseline: Baseline, number: int) -> dict[str, float]:
    """Measure every case once against a service of its own."""
    numbers = range(number * CALLS, (number + 1) * CALLS)
    command = [sys.executable, "-m", "consentgate.testing.chime"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        gated = gate.protect(loopback_client("chime-sdk-voice", url))

        def allowed(n: int) -> None:
            gated.start_speaker_search_task(TransactionId=f"allowed-{n}", **LINE)

        def denied(n: int) -> None:
            try:
                gated.start_speaker_search_task(TransactionId=f"denied-{n}", **LINE)
            except ConsentDenied:
                return
            raise AssertionError("A withdrawn consent was not denied.")

        figures = {"denied": median(denied, numbers), "allowed": median(allowed, numbers)}
        server.terminate()
        server.wait()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        bare = loopback_client("chime-sdk-voice", server.stdout.readline().strip())

        def by_hand(n: int) -> None:
            baseline.read()
            baseline.commit(6000)
            bare.start_speaker_search_task(TransactionId=f"bare-{n}", **LINE)
            baseline.commit(3000)

        def denied_by_hand(_: int) -> None:
            baseline.read()
            baseline.verify()
            baseline.verify()
            baseline.commit(6000)

        figures |= {
            "denied by hand": median(denied_by_hand, numbers),
            "allowed by hand": median(by_hand, numbers),
        }
        bare.close()
        server.terminate()
        server.wait()
    gated.close()
    return figures


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_home(
            Path(folder) / "home", controller="bench", purposes={"search": "authentication"}
        ).settings
        baseline = Baseline(Path(folder))
        with ConsentGate(settings) as gate:
            prepare(gate)
            rounds = [one_round(gate, baseline, number) for number in range(ROUNDS)]
        baseline.close()
    print(f"{'':8} {'gate':>9} {'by hand':>9} {'ratio':>6}   medians of {ROUNDS} rounds of {CALLS} calls")
    for case in ("allowed", "denied"):
        ours = statistics.median(r[case] for r in rounds)
        theirs = statistics.median(r[f"{case} by hand"] for r in rounds)
        ratio = statistics.median(r[case] / r[f"{case} by hand"] for r in rounds)
        print(f"{case:8} {ours * 1e3:6.2f} ms {theirs * 1e3:6.2f} ms {ratio:6.2f}")


if __name__ == "__main__":
    main()
