"""A Lambda function that takes in the vendor's notifications, from SQS, SNS, Kinesis or EventBridge alike.

Run it: ``python -m examples.results_lambda``. It makes a home folder in a temporary place, searches on a loopback
server, and calls the function as Lambda would; nothing leaves this machine.
"""

import tempfile
from pathlib import Path
from typing import Any

from consentgate import ConsentGate
from consentgate.config.setup import make_home
from consentgate.testing import events
from consentgate.testing.chime import ChimeServer
from examples.quickstart import answer, set_up


class Function:
    """The function; in production made once, when Lambda loads the module: ``Function(ConsentGate.open())``."""

    def __init__(self, gate: ConsentGate) -> None:
        self.gate = gate

    def __call__(self, event: dict[str, Any], _context: object = None) -> dict[str, Any]:
        """Take in what arrived, and hand back what Lambda shall bring again or give to the dead-letter queue."""
        delivery = self.gate.notify(event)
        for bypass in delivery.bypasses:
            # Something at the vendor that no request of ours explains: somebody went past the gate.
            print(f"ALARM: a {bypass.what} at the vendor that the gate does not know")
        return {"batchItemFailures": [{"itemIdentifier": record} for record in delivery.left]}


def main() -> None:
    """Search, then let the vendor tell what it found: twice, out of order, with a task of somebody else's between."""
    with tempfile.TemporaryDirectory() as folder, ChimeServer() as server:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
            ivr = set_up(gate)
            chime = gate.protect(server.client())  # in production: boto3.client("chime-sdk-voice")
            task = answer(gate, ivr, chime, "tx-1", pressed="1").rpartition(" ")[2]
            function = Function(gate)
            voiceprint = events.search_event(task, "VoiceprintGenerationSuccess")
            found = events.search_event(task, "IdentificationSuccessful", matches=[("vp-1", 0.95)])
            foreign = events.search_event("task-of-nobody", "IdentificationFailure")
            print("first:", function(events.in_sqs(voiceprint, foreign, found)))
            print("again:", function(events.in_sqs(found, voiceprint)))
            server.finish(task)
            print("the task is", gate.poll(task).status)
            chime.close()


if __name__ == "__main__":
    main()
