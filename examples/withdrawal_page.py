"""A page on which a person takes their consent back, and sees what was done about it at once.

Run it: ``python examples/withdrawal_page.py``. It makes a home folder in a temporary place, a loopback server that
answers like Chime SDK Voice, and a web server on the loopback interface; then it visits the page as the person would.
Nothing leaves this machine.
"""

import html
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from consentgate import NOBODY, ConsentGate, Evidence, Speaker
from consentgate.config.setup import make_home
from consentgate.testing.chime import ChimeServer

LINE = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "vpd-1"}
ISS = "https://web.acme.example"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Your voice</title>
<h1>Your voice</h1>{body}</html>"""
FORM = """<p>You agreed that we compare your voice to check that you are you. You may take that back at any time.</p>
<form method="post"><button>Take my consent back</button></form>"""
DONE = {"stop": "A comparison that was running", "delete": "Your voice profile"}
WORDS = {"stop": "was stopped", "delete": "was deleted"}


def withdraw(gate: ConsentGate, customer: str) -> str:
    """Take the consent of a signed-in customer back; say what was done, and what is still to be done."""
    person = Speaker([("customer", customer)])
    issued = gate.issuer(ISS).withdraw(person, method="web_form")
    lines = ["From now on your voice is not compared any more."]
    for order in issued.orders:
        if order.done_at is not None:
            lines.append(f"{DONE[order.does]} {WORDS[order.does]}.")
        else:
            lines.append(
                f"{DONE[order.does]} is not {WORDS[order.does].partition(' ')[2]} yet: we try again until it is."
            )
    lines.append(f"Your reference: {issued.entry}")
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def handler(gate: ConsentGate, signed_in: str) -> type[BaseHTTPRequestHandler]:
    """Make the page of a customer; who is signed in is your session's business."""

    class Page(BaseHTTPRequestHandler):
        """One page: a GET shows the form, a POST is the withdrawal."""

        def do_GET(self) -> None:
            self.answer(FORM)

        def do_POST(self) -> None:
            self.answer(withdraw(gate, signed_in))

        def answer(self, body: str) -> None:
            text = PAGE.format(body=body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Keep quiet: paths of requests are personal data too."""

    return Page


@contextmanager
def served(page: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve a page on the loopback interface; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def visit(address: str, data: bytes | None = None) -> str:
    """Fetch a page as a browser does, past any proxy."""
    with build_opener(ProxyHandler({})).open(address, data, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


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
    gate.add_issuer(ISS, name="Acme on the web")


def search(gate: ConsentGate, chime: Any, transaction: str) -> None:
    """Let a caller consent, and begin to compare their voice."""
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", "C-1001")], [home], adult=True)
    gate.issuer(ISS).grant(caller, notice="voiceprint", method="web_esign")
    gate.register_call(transaction, caller=[caller], callee=NOBODY, recording_consent="all_parties")
    chime.start_speaker_search_task(TransactionId=transaction, CallLeg="Caller", **LINE)


def main() -> None:
    """Set up, let a search run, and withdraw on the page while it does."""
    with tempfile.TemporaryDirectory() as folder, ChimeServer() as server:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
            set_up(gate)
            chime = gate.protect(server.client())  # in production: boto3.client("chime-sdk-voice")
            search(gate, chime, "tx-1")
            with served(handler(gate, signed_in="C-1001")) as address:
                print(visit(address))
                print(visit(address, data=b""))
            chime.close()


if __name__ == "__main__":
    main()
