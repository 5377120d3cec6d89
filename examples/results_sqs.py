"""A worker that takes the vendor's notifications out of a queue of SQS, and deletes only what is on record.

Run it: ``python -m examples.results_sqs``. Queue and vendor are loopback servers; nothing leaves this machine.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from consentgate import ConsentGate
from consentgate.config.setup import make_home
from consentgate.testing import events
from consentgate.testing.chime import ChimeServer
from consentgate.testing.queue import QueueServer
from examples.quickstart import answer, set_up


def take(gate: ConsentGate, sqs: Any, queue_url: str) -> int:
    """Take one batch out of the queue, and say how many messages are done with.

    What `Delivery.left` names stays in the queue: it comes again, and its redrive policy moves it to the dead-letter
    queue in the end, where a person looks at it. A message that was not deleted in time comes again too: harmless.
    """
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    left = gate.notify(answer).left
    done = [message for message in answer.get("Messages", ()) if message["MessageId"] not in left]
    for message in done:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return len(done)


def main() -> None:
    """Search, let the vendor put what it found into the queue, and empty the queue."""
    with tempfile.TemporaryDirectory() as folder, ChimeServer() as server, QueueServer() as queue:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
            ivr = set_up(gate)
            chime = gate.protect(server.client())  # in production: boto3.client("chime-sdk-voice")
            sqs = queue.client()  # in production: boto3.client("sqs")
            task = answer(gate, ivr, chime, "tx-1", pressed="1").rpartition(" ")[2]
            found = json.dumps(
                events.search_event(task, "IdentificationSuccessful", matches=[("vp-1", 0.95)])
            )
            over = json.dumps(events.post_call_event("tx-1"))
            queue.send(over, found, found, "no notification at all")
            print("done with", take(gate, sqs, queue.url))
            queue.redeliver()
            print("done with", take(gate, sqs, queue.url), "- left in the queue:", *queue.bodies)
            sqs.close()
            chime.close()


if __name__ == "__main__":
    main()
