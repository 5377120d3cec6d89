"""A vendor with an HTTP API, gated in an event loop: retries under one intent, and a withdrawal that stops a task.

Run it: ``python examples/http_vendor.py``. The vendor is a server on the loopback address that this program starts;
nothing leaves this machine.
"""

import asyncio
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

from consentgate import ConsentDenied, ConsentGate, Evidence, Speaker, VendorRequest
from consentgate.config.setup import make_home
from consentgate.gate.request import Started

ISS = "https://web.acme.example"
ATTEMPTS = 3


class Vendor(BaseHTTPRequestHandler):
    """The vendor: it throttles the first request, starts searches and stops them."""

    asked = 0
    running: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        """Start a search."""
        cls = type(self)
        self.rfile.read(int(self.headers["Content-Length"]))
        cls.asked += 1
        if cls.asked == 1:
            self.answer(429, {"error": "slow down"})
        else:
            task = f"search-{self.headers['Idempotency-Key']}"
            cls.running.add(task)
            self.answer(202, {"task": task})

    def do_DELETE(self) -> None:
        """Stop a search."""
        type(self).running.discard(self.path.rpartition("/")[2])
        self.answer(200, {})

    def answer(self, status: int, body: dict[str, str]) -> None:
        """Answer with JSON."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def vendor() -> Iterator[int]:
    """Run the vendor; gives its port."""
    server = HTTPServer(("127.0.0.1", 0), Vendor)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(port: int, method: str, path: str, body: bytes = b"", token: str = "") -> tuple[int, bytes]:
    """Send one request, and never a second one by itself."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        # Credentials belong in headers, which the gate never sees nor keeps.
        connection.request(method, path, body, {"Authorization": "Bearer ...", "Idempotency-Key": token})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


async def search(gate: ConsentGate, port: int, caller: Speaker, call: str) -> str:
    """Start one search; the vendor's 429 is tried again under the same intent."""
    request = VendorRequest(
        url=f"http://127.0.0.1:{port}/v1/searches?top=3",
        service="acme-voice",
        operation="StartSearch",
        body={"stream": call, "speakers": ["vp-1", "vp-2"]},
        country="US",
        call=call,
    )

    def stop(started: Started) -> bool:
        return ask(port, "DELETE", f"/v1/searches/{started.task}")[0] in (200, 404)

    task = None
    async with gate.guarded(
        "search", [caller], request, recording_consent="all_parties", stop=stop
    ) as permit:
        for attempt in range(1, ATTEMPTS + 1):
            status, answer = await permit.send(
                lambda body: asyncio.to_thread(
                    ask, port, "POST", "/v1/searches?top=3", body, token=permit.token
                )
            )
            task = json.loads(answer)["task"] if status == 202 else None
            permit.answered(answer, status, task=task, results=False)
            if status != 429:
                break
            await asyncio.sleep(0.05 * attempt)
    return task or ""


async def run(gate: ConsentGate, port: int) -> None:
    """Search for one who consented, withdraw while it runs, and try again."""
    home = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
    caller = Speaker([("customer", "C-1001")], [home], adult=True)
    issuer = gate.issuer(ISS)
    issuer.grant(caller, notice="voiceprint", method="web_esign")
    print("started:", (await search(gate, port, caller, "call-1")).partition("-")[0], len(Vendor.running))
    issuer.withdraw(caller, method="web_form")
    print("running after the withdrawal:", len(Vendor.running))
    try:
        await search(gate, port, caller, "call-2")
    except ConsentDenied as denied:
        print("denied:", [reason.code for reason in denied.reasons])


def main() -> None:
    """Set up, then search."""
    with tempfile.TemporaryDirectory() as folder, vendor() as port:
        home = make_home(Path(folder) / "home", controller="acme", purposes={"search": "authentication"})
        with ConsentGate(home.settings) as gate:
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
            gate.add_issuer(ISS, name="Acme web")
            asyncio.run(run(gate, port))


if __name__ == "__main__":
    main()
