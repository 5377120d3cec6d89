"""What an IVR asks while somebody calls, and what it is told to say: comparing voices only with consent.

Run it where the home folder lies: ``python service.py``. It serves on port 8080, or on the one that PORT names,
until it is interrupted or terminated.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from consentgate import NOBODY, ConsentDenied, ConsentGate, ConsentGateError, Evidence, Speaker

# They stand in for your customers, and for your Voice Connector.
CUSTOMERS = {"C-1001": "US-TX", "C-2002": "US-IL"}
LINE = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "vpd-1"}

NOTICE = Path("notice.txt").read_text("utf-8")
Answer = dict[str, Any]


def who(customer: str) -> Speaker:
    """Say who is calling, and whose law may protect them."""
    home = Evidence(code=CUSTOMERS[customer], kind="account_address", source="crm", confidence="high")
    return Speaker([("customer", customer)], [home], adult=True)


def pin(*why: str) -> Answer:
    """Take the other way, which is open to everybody."""
    return {"say": "Please enter your PIN.", "why": why}


class Service:
    """Three events of a call, each answered with what the IVR shall say."""

    def __init__(self) -> None:
        self.gate = ConsentGate.open()
        self.ivr = self.gate.issuer("https://ivr.acme.example")
        self.chime = self.gate.protect(boto3.client("chime-sdk-voice"))

    def answered(self, call: str, customer: str) -> Answer:
        """Somebody calls, and an IVR answered."""
        self.gate.register_call(call, caller=[who(customer)], callee=NOBODY, recording_consent="all_parties")
        return self.compare(call)

    def compare(self, call: str) -> Answer:
        """Compare the voice if that may be, ask for consent if only that is missing, else take the PIN."""
        try:
            found = self.chime.start_speaker_search_task(TransactionId=call, CallLeg="Caller", **LINE)
        except ConsentDenied as denied:
            why = [reason.code for reason in denied.reasons]
            return {"say": NOTICE} if why == ["NO_CONSENT"] else pin(*why)
        except (BotoCoreError, ClientError, ConsentGateError) as failed:
            return pin(type(failed).__name__)
        return {"say": "Thank you, one moment.", "task": found["SpeakerSearchTask"]["SpeakerSearchTaskId"]}

    def pressed(self, call: str, customer: str, key: str) -> Answer:
        """The caller pressed a key."""
        if key == "1":
            self.ivr.grant(who(customer), notice="voiceprint", method="ivr_dtmf")
            return self.compare(call)
        if key == "2":
            self.ivr.refuse(who(customer), notice="voiceprint", method="ivr_dtmf")
        if key == "9":
            self.ivr.withdraw(who(customer), method="ivr_dtmf")
        return pin()

    def ready(self) -> Answer:
        """A load balancer asks whether a call could be decided on now."""
        self.gate.ready()
        return {"say": "ready"}

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        """Serve one request, as WSGI wants it."""
        events: dict[str, Callable[..., Answer]] = {
            "/answered": self.answered,
            "/pressed": self.pressed,
            "/ready": self.ready,
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        try:
            status, answer = "200 OK", events[environ["PATH_INFO"]](**json.loads(body or b"{}"))
        except ConsentGateError as error:
            print(error, file=sys.stderr)
            status, answer = "503 Service Unavailable", pin(type(error).__name__)
        except (KeyError, TypeError, ValueError):
            status, answer = "400 Bad Request", pin("no such event or customer")
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def close(self) -> None:
        """Sign what was written, and let go."""
        self.chime.close()
        self.gate.close()


class Threads(ThreadingMixIn, WSGIServer):
    """One thread for each request; the gate takes any number."""


def main() -> None:
    """Serve until told to end; requests under way are answered first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    service = Service()
    try:
        with make_server("127.0.0.1", int(os.environ.get("PORT", "8080")), service, Threads) as server:
            print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
            server.serve_forever()
    finally:
        service.close()


if __name__ == "__main__":
    main()
