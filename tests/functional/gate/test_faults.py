"""Whatever vendor and network do, over real HTTP: the recorded end, the requests seen, what the caller got."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from consentgate.testing.client import client_settings
from consentgate.testing.script import Script
from tests.functional.gate.broken import require_sound
from tests.functional.gate.conftest import CONNECTOR, World

ONE = {"mode": "standard", "total_max_attempts": 1}
TWO = {"mode": "standard", "total_max_attempts": 2}
HTML = b"<html><body>Bad gateway</body></html>"
ELSEWHERE = {"Location": "http://127.0.0.1:9/elsewhere"}
TASK = json.dumps({"SpeakerSearchTask": {"SpeakerSearchTaskId": "t-1"}}).encode()


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the server does, and what it must come to."""

    name: str
    script: Callable[[Script], object]
    raises: str | None
    requests: int
    end: str
    error: str | None = None


def failing(error: str, status: int | None = None) -> Callable[[Script], object]:
    return lambda script: script.fail(error=error, status=status, times=None)


def answering(body: bytes, status: int, **more: Any) -> Callable[[Script], object]:
    return lambda script: script.answer(body, status=status, times=None, **more)


CASES = (
    Case(name="unknown code", script=failing("NobodyKnowsException", 400), raises="ClientError", requests=1,
         end="rejected", error="NobodyKnowsException"),
    Case(name="unknown code of a failure", script=failing("NobodyKnowsException", 500), raises="ClientError",
         requests=2, end="unknown", error="NobodyKnowsException"),
    Case(name="teapot", script=failing("TeapotException", 418), raises="ClientError", requests=1,
         end="rejected"),
    Case(name="gone", script=failing("GoneException"), raises="GoneException", requests=1, end="rejected"),
    Case(name="HTML with 400", script=answering(HTML, 400), raises="ClientError", requests=1, end="rejected"),
    Case(name="HTML with 502", script=answering(HTML, 502), raises="ClientError", requests=2, end="unknown"),
    Case(name="HTML with 200", script=answering(HTML, 200), raises=None, requests=1, end="unknown"),
    Case(name="empty with 400", script=answering(b"", 400), raises="ClientError", requests=1, end="rejected"),
    Case(name="empty with 500", script=answering(b"", 500), raises="ClientError", requests=2, end="unknown"),
    Case(name="empty with 201", script=answering(b"", 201), raises=None, requests=1, end="unknown"),
    Case(name="empty with 204", script=answering(b"", 204), raises=None, requests=1, end="unknown"),
    Case(name="garbage with 201", script=answering(b"{not json", 201), raises=None, requests=1, end="unknown"),
    Case(name="bytes with 201", script=answering(b"\xff\x00\xfe", 201), raises="UnicodeDecodeError",
         requests=1, end="unknown"),
    Case(name="no task", script=answering(b"{}", 201), raises=None, requests=1, end="unknown"),
    Case(name="null for a task", script=answering(b'{"SpeakerSearchTask":null}', 201), raises=None, requests=1,
         end="unknown"),
    Case(name="task without id", script=answering(b'{"SpeakerSearchTask":{}}', 201), raises=None, requests=1,
         end="unknown"),
    Case(name="number for an id", script=answering(b'{"SpeakerSearchTask":{"SpeakerSearchTaskId":7}}', 201),
         raises=None, requests=1, end="unknown"),
    Case(name="success of another status", script=answering(TASK, 200), raises=None, requests=1,
         end="succeeded"),
    Case(name="conflict at once", script=failing("ConflictException"), raises="ConflictException", requests=1,
         end="rejected"),
    Case(name="conflict after a failure",
         script=lambda script: script.fail(error="ServiceFailureException").fail(error="ConflictException"),
         raises="ConflictException", requests=2, end="unknown"),
    Case(name="refusal after a failure",
         script=lambda script: script.fail(error="ServiceFailureException").fail(error="ForbiddenException"),
         raises="ForbiddenException", requests=2, end="unknown"),
    Case(name="refusal after a throttle",
         script=lambda script: script.fail(error="ThrottlingException", status=429).fail(
             error="ForbiddenException"),
         raises="ForbiddenException", requests=2, end="rejected"),
    Case(name="request timeout", script=failing("RequestTimeout", 408), raises="ClientError", requests=2,
         end="unknown"),
    Case(name="throttled", script=failing("ThrottledClientException"), raises="ThrottledClientException",
         requests=1, end="rejected"),
    Case(name="throttled in another word", script=failing("TooManyRequestsException", 429),
         raises="ClientError", requests=2, end="rejected"),
    Case(name="failure, then success", script=lambda script: script.fail(error="ServiceFailureException"),
         raises=None, requests=2, end="succeeded"),
    Case(name="unavailable", script=failing("ServiceUnavailableException"),
         raises="ServiceUnavailableException", requests=2, end="unknown"),
    *(
        Case(name=f"redirect {status}", script=answering(b"", status, headers=ELSEWHERE), raises="ClientError",
             requests=1, end="unknown")
        for status in (301, 302, 307, 308)
    ),
    Case(name="dropped before the answer", script=lambda script: script.drop(times=None),
         raises="ConnectionClosedError", requests=2, end="unknown"),
    Case(name="dropped after the task began, then answered",
         script=lambda script: script.drop_after_accepting(), raises=None, requests=2, end="succeeded"),
    Case(name="dropped after the task began, each time",
         script=lambda script: script.drop_after_accepting(times=None), raises="ConnectionClosedError",
         requests=2, end="unknown"),
)  # fmt: skip


@pytest.fixture
def ready(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A caller who may be searched on call tx-1, and a botocore that does not wait between attempts."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    return world


@contextmanager
def protected(
    world: World, url: str, *, retries: dict[str, Any], read: float = 5.0, **more: Any
) -> Iterator[Any]:
    """A protected client for an address."""
    settings = client_settings(url, retries=retries, read_seconds=read)
    settings["config"] = settings["config"].merge(Config(connect_timeout=0.3))
    client = world.gate.protect(boto3.client("chime-sdk-voice", **settings, **more))
    try:
        yield client
    finally:
        client.close()


def search(client: Any) -> Any:
    return client.start_speaker_search_task(
        VoiceConnectorId=CONNECTOR, TransactionId="tx-1", VoiceProfileDomainId="d", CallLeg="Caller"
    )


def searched(client: Any) -> str | None:
    """Search, and give the class of the error, or None for an answer."""
    try:
        search(client)
    except Exception as error:  # noqa: BLE001  # whatever the caller gets
        return type(error).__name__
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_end_is_what_the_protocol_says(ready: World, case: Case) -> None:
    case.script(ready.server.script)
    with protected(ready, ready.server.url, retries=TWO) as client:
        raised = searched(client)
    assert (raised, ready.searches, ready.ends()) == (case.raises, case.requests, [case.end])
    told = ready.exchange("outcome" if case.end != "unknown" else "observation")
    assert len(told["attempts"]) == case.requests
    assert case.error is None or told["error"] == case.error
    require_sound(ready)


@pytest.mark.parametrize("cut", [0, 9])
def test_answer_that_is_cut_off_stays_open(ready: World, cut: int) -> None:
    """Whether that is an answer without a task or a lost connection, botocore and urllib3 decide by version."""
    ready.server.script.answer(TASK, status=201, cut=cut, times=None)
    with protected(ready, ready.server.url, retries=TWO) as client:
        assert searched(client) in (None, "ConnectionClosedError", "ResponseStreamingError")
    assert ready.ends() == ["unknown"]
    assert len(ready.exchange("observation")["attempts"]) == ready.searches
    require_sound(ready)


def test_read_that_times_out_stays_open(ready: World) -> None:
    ready.server.script.delay(30, times=None)
    with protected(ready, ready.server.url, retries=TWO, read=0.15) as client:
        assert searched(client) == "ReadTimeoutError"
    assert (ready.searches, ready.ends()) == (2, ["unknown"])
    require_sound(ready)


# Not a byte has left


def require_not_sent(world: World, client: Any, error: str) -> None:
    assert searched(client) == error
    assert (world.searches, world.ends()) == (0, ["not_sent"])
    told = world.exchange("outcome")
    assert [a["fault"] for a in told["attempts"]] == ["not_sent"] * len(told["attempts"])
    require_sound(world)


def test_refused_connection_was_not_sent(ready: World) -> None:
    url = ready.server.url
    ready.server.stop()
    with protected(ready, url, retries=TWO) as client:
        require_not_sent(ready, client, "EndpointConnectionError")


def test_name_that_does_not_resolve_was_not_sent(ready: World) -> None:
    # A character longer than names may be: the machine's own resolver refuses it, and asks no server.
    unknown = ".".join([*("a" * 62 for _ in range(4)), "ab"])
    with protected(ready, f"http://{unknown}", retries=TWO) as client:
        require_not_sent(ready, client, "EndpointConnectionError")
    assert len(ready.exchange("outcome")["attempts"]) == 2


@contextmanager
def deaf() -> Iterator[str]:
    """An address whose queue of connections is full: nobody there ever answers a knock."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        knocks = []
        for _ in range(8):
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex(listener.getsockname())
            knocks.append(knock)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for knock in knocks:
            knock.close()


def test_connection_that_times_out_was_not_sent(ready: World) -> None:
    with deaf() as url, protected(ready, url, retries=ONE) as client:
        require_not_sent(ready, client, "ConnectTimeoutError")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody trusts, with its key."""
    path = tmp_path / "self.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", path, "-out", tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    return path


@contextmanager
def listening(accepted: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does something with each connection, and ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    accepted(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_certificate_that_is_not_trusted_was_not_sent(ready: World, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    read: list[bytes] = []

    def accepted(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                read.append(secured.recv(1))
        except (ssl.SSLError, OSError):
            return

    with (
        listening(accepted) as port,
        protected(ready, f"https://127.0.0.1:{port}", retries=TWO) as client,
    ):
        require_not_sent(ready, client, "SSLError")
    assert read == []


def test_peer_that_speaks_no_tls_stays_open(ready: World) -> None:
    """Such an error may also come after the request: it says nothing about what left."""

    def accepted(connection: socket.socket) -> None:
        connection.recv(512)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with (
        listening(accepted) as port,
        protected(ready, f"https://127.0.0.1:{port}", retries=ONE) as client,
    ):
        assert searched(client) == "SSLError"
    assert ready.ends() == ["unknown"]
    require_sound(ready)
