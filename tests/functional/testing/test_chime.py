"""The server as such: its log, its connections, its end."""

import doctest
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

import consentgate.testing.chime
import consentgate.testing.clock
import consentgate.testing.wire
from consentgate.moment import Clock
from consentgate.testing.chime import SERVICES, ChimeServer, Services
from consentgate.testing.client import loopback_client
from consentgate.testing.clock import START, FrozenClock
from consentgate.testing.model import Values, VendorError
from consentgate.testing.voice import Act
from consentgate.testing.wire import BODY_LIMIT, LoopbackServer, WireReply, WireRequest
from tests.functional.testing.calls import CONNECTOR, ONCE, SEARCHES, post, start, stop


@pytest.mark.parametrize("chime_client", [{"total_max_attempts": 3, "mode": "standard"}], indirect=True)
def test_retries_are_seen_with_their_attempt_and_the_same_body(chime: ChimeServer, chime_client: Any) -> None:
    chime.script.fail(error="ServiceUnavailableException", times=2)
    start(chime_client, ClientRequestToken="token-1")
    assert [seen.attempt.partition(";")[0] for seen in chime.requests] == [
        "attempt=1",
        "attempt=2",
        "attempt=3",
    ]
    assert len({seen.body for seen in chime.requests}) == 1


def test_log_keeps_the_exact_request_and_no_credentials(
    chime: ChimeServer, chime_client: Any, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(3)
    task_id = start(chime_client)["SpeakerSearchTaskId"]
    stop(chime_client, task_id)
    first, second = chime.requests
    assert (first.operation, first.method, first.query) == ("StartSpeakerSearchTask", "POST", "")
    assert first.path == f"/voice-connectors/{CONNECTOR}/speaker-search-tasks"
    assert json.loads(first.body) == {"TransactionId": "t-1", "VoiceProfileDomainId": "d-1"}
    assert first.at == START + timedelta(seconds=3)
    assert (second.operation, second.query) == ("StopSpeakerSearchTask", "operation=stop")
    assert "t-1" not in repr(first)
    assert "AWS4-HMAC" not in repr(chime.requests)


def connections() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name == "consentgate-loopback-connection"}


def test_voice_connections_are_kept_alive(chime: ChimeServer, chime_client: Any) -> None:
    # Other tests of this process may have servers of their own.
    before = connections()
    start(chime_client)
    threads = connections() - before
    start(chime_client, TransactionId="t-2")
    assert connections() - before == threads
    assert len(threads) == 1


def test_no_thread_is_left(chime_client: Any) -> None:
    before = {one.ident for one in threading.enumerate()}
    with ChimeServer() as server:
        client = server.client()
        start(client)
    assert {one.ident for one in threading.enumerate()} <= before
    client.close()


def test_server_that_never_started_stops() -> None:
    ChimeServer().stop()


def test_stop_cuts_a_delay_short() -> None:
    before = time.monotonic()
    with ChimeServer() as server:
        server.script.delay(60)
        client = server.client(retries=ONCE)
        failure: list[type[BaseException]] = []

        def ask() -> None:
            with pytest.raises(ConnectionClosedError) as caught:
                start(client)
            failure.append(caught.type)

        asking = threading.Thread(target=ask)
        asking.start()
        while not server.requests:
            time.sleep(0.005)
    asking.join(5)
    client.close()
    assert failure == [ConnectionClosedError]
    assert time.monotonic() - before < 5


def test_client_that_gives_up_does_no_harm(chime: ChimeServer) -> None:
    client = loopback_client("chime-sdk-voice", chime.url, retries=ONCE, read_seconds=0.1)
    chime.script.delay(0.3)
    with pytest.raises(ReadTimeoutError):
        start(client)
    client.close()


def test_bug_in_the_server_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ChimeServer().start()
    client = server.client(retries=ONCE)
    monkeypatch.setattr(server, "_note", None)
    server._loopback._http.answer = lambda _request: 1 // 0  # type: ignore[assignment,return-value]  # a bug
    with pytest.raises(ConnectionClosedError):
        start(client)
    client.close()
    with pytest.raises(RuntimeError, match="failed while it answered"):
        server.stop()


def test_process_prints_its_address_and_ends_on_a_signal() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "consentgate.testing.chime"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client = loopback_client("chime-sdk-voice", url, retries=ONCE)
        start(client)
        client.close()
        process.terminate()
        assert process.wait(10) == 0


def test_body_over_the_limit_and_of_unknown_length_is_refused(chime: ChimeServer) -> None:
    assert post(chime, SEARCHES, b"x" * (BODY_LIMIT + 1))[0] == 413
    assert post(chime, SEARCHES, b"", **{"Content-Length": "many"})[0] == 411
    assert chime.requests == ()


def test_half_a_request_is_none(chime: ChimeServer) -> None:
    """A client that is killed while it sends leaves one behind."""
    address = chime.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), 10) as client:
        client.sendall(f"POST {SEARCHES} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{}}".encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert chime.requests == ()


def test_answer_to_head_has_no_body() -> None:
    server = LoopbackServer(_echo)
    server.start()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("HEAD", "/")
    with connection.getresponse() as answer:
        assert answer.headers["Content-Length"] == "4"
        assert answer.read() == b""
    connection.close()
    server.stop()


def _echo(request: WireRequest) -> WireReply:
    return WireReply(status=200, headers={}, body=request.method.encode())


class Pipelines:
    """A second service, as small as one can be."""

    def __init__(self, _clock: Clock) -> None:
        self.acts: Mapping[str, Act] = {"StartSpeakerSearchTask": self._start}

    def settle(self, _task_id: str, _status: str, _matches: object) -> bool:
        return False

    def _start(self, values: Values, _matches: object) -> Values:
        if values["Identifier"] == "none":
            raise VendorError("NotFoundException", "There is no such pipeline.")
        return {"SpeakerSearchTask": {"SpeakerSearchTaskStatus": "NotStarted"}}


def test_further_service_is_one_more_registration(frozen_clock: FrozenClock) -> None:
    services: Services = {**SERVICES, "chime-sdk-media-pipelines": Pipelines}
    domain = "arn:aws:chime:us-east-1:111122223333:voice-profile-domain/d-1"
    with ChimeServer(clock=frozen_clock, services=services) as server:
        client = server.client("chime-sdk-media-pipelines", retries=ONCE)
        begun = client.start_speaker_search_task(Identifier="p-1", VoiceProfileDomainArn=domain)
        assert begun["SpeakerSearchTask"]["SpeakerSearchTaskStatus"] == "NotStarted"
        with pytest.raises(client.exceptions.NotFoundException):
            client.start_speaker_search_task(Identifier="none", VoiceProfileDomainArn=domain)
        client.close()
        voice = server.client(retries=ONCE)
        assert start(voice)["SpeakerSearchTaskStatus"] == "IN_QUEUE"
        voice.close()
    assert [seen.service for seen in server.requests] == ["chime-sdk-media-pipelines"] * 2 + [
        "chime-sdk-voice"
    ]


@pytest.mark.parametrize("module", [consentgate.testing.chime, consentgate.testing.clock])
def test_examples_in_docstrings_run(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_program_serves_until_it_is_told_to_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers: list[Callable[..., object]] = []
    monkeypatch.setattr(signal, "signal", lambda _number, handler: handlers.append(handler))

    def end() -> None:
        handlers[-1]()

    ending = threading.Timer(0.2, end)
    ending.start()
    assert consentgate.testing.chime.main([]) == 0
    ending.join()
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    assert len(handlers) == 2


def test_answer_that_never_ends_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consentgate.testing.wire, "STOP_SECONDS", 0.1)
    arrived, release = threading.Event(), threading.Event()

    def answer(_request: WireRequest) -> None:
        arrived.set()
        release.wait(10)

    server = LoopbackServer(answer)
    server.start()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/")
    assert arrived.wait(10)
    with pytest.raises(RuntimeError, match="1 connections of the loopback server did not end"):
        server.stop()
    release.set()
    connection.close()
