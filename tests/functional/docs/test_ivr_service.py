"""The tutorial's service over HTTP: on its own, and under gunicorn as the deployment guide configures it."""

import json
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.verification import verify_deployment
from consentgate.testing.chime import ChimeServer
from tests.functional.docs.pages import ROOT, text_of
from tests.functional.docs.shell import files, reader

EXAMPLE = ROOT / "examples/ivr_service"
LISTENING = re.compile(r"http://127\.0\.0\.1:(\d+)")
PIN = "Please enter your PIN."


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A service that listens."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    def tell(self, event: str, **what: str) -> tuple[int, dict[str, Any]]:
        """Tell it what happened, as an IVR does."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as line:
            line.request("POST", f"/{event}", json.dumps(what))
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())

    def says(self, event: str, **what: str) -> dict[str, Any]:
        """Tell it what happened, and give what it says when all is well."""
        status, answer = self.tell(event, **what)
        assert status == 200
        return answer

    def end(self) -> int:
        """Ask it to end, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def verified(self) -> int:
        """Verify what it left, and give the exit code of `consentgate verify`."""
        settings = load_settings(self.folder / ".consentgate")
        done = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None)
        return done.verification.exit_code


def start(folder: Path, chime: ChimeServer, *command: str) -> Running:
    """Start a command in a folder, and wait until it listens."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=reader(folder)
        | {
            "AWS_ENDPOINT_URL_CHIME_SDK_VOICE": chime.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_MAX_ATTEMPTS": "1",
            "PORT": "0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if found := LISTENING.search(line):
            return Running(process=process, port=int(found[1]), folder=folder)
    raise AssertionError("".join(said))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the tutorial, as it is before the service starts."""
    for name in ("service.py", "notice.txt", "notice.toml"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    made = make_home(tmp_path / ".consentgate", controller="acme", purposes={"search": "authentication"})
    with ConsentGate(made.settings, background=False) as gate:
        gate.add_notice(
            (tmp_path / "notice.txt").read_bytes(), **tomllib.loads((tmp_path / "notice.toml").read_text())
        )
        gate.add_issuer("https://ivr.acme.example", name="Acme IVR")
        gate.assert_("impact_assessment_done", True, by="privacy@acme.example", since=datetime.now(UTC))
    return tmp_path


@pytest.fixture
def service(folder: Path, chime: ChimeServer) -> Iterator[Running]:
    """The service on its own."""
    running = start(folder, chime, "service.py")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


@pytest.fixture
def served(folder: Path, chime: ChimeServer) -> Iterator[Running]:
    """The service under gunicorn, with the guide's configuration but for the port."""
    (folder / "gunicorn.conf.py").write_text(files(text_of("docs/howto/deploy.md"))["gunicorn.conf.py"])
    running = start(folder, chime, "-m", "gunicorn", "--bind", "127.0.0.1:0")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def test_caller_is_asked_once_and_compared_from_then_on(service: Running, chime: ChimeServer) -> None:
    asked = service.says("answered", call="call-1", customer="C-1001")
    assert asked == {"say": (EXAMPLE / "notice.txt").read_text()}
    assert not chime.requests
    assert service.says("pressed", call="call-1", customer="C-1001", key="1")["task"]
    assert service.says("answered", call="call-2", customer="C-1001")["task"]
    assert len(chime.requests) == 2


def test_caller_who_refuses_is_not_asked_again(service: Running, chime: ChimeServer) -> None:
    service.says("answered", call="call-1", customer="C-1001")
    assert service.says("pressed", call="call-1", customer="C-1001", key="2") == {"say": PIN, "why": []}
    again = service.says("answered", call="call-2", customer="C-1001")
    assert again == {"say": PIN, "why": ["CONSENT_REFUSED"]}
    assert not chime.requests


def test_vendor_that_is_away_leaves_the_pin(service: Running, chime: ChimeServer) -> None:
    service.says("answered", call="call-1", customer="C-1001")
    chime.stop()
    answer = service.says("pressed", call="call-1", customer="C-1001", key="1")
    assert answer == {"say": PIN, "why": ["EndpointConnectionError"]}


def test_nonsense_is_refused_and_readiness_told(service: Running) -> None:
    assert service.tell("answered", call="call-1", customer="nobody")[0] == 400
    assert service.tell("somewhere")[0] == 400
    assert service.says("ready") == {"say": "ready"}


def test_service_that_is_told_to_end_leaves_a_record_that_holds(service: Running) -> None:
    service.says("answered", call="call-1", customer="C-1001")
    service.says("pressed", call="call-1", customer="C-1001", key="1")
    assert service.end() == 0
    assert service.verified() == 0


def test_gate_that_was_opened_before_the_fork_serves_threads_of_gunicorn(served: Running) -> None:
    def call(number: int) -> dict[str, Any]:
        return served.says("answered", call=f"call-{number}", customer="C-1001")

    assert call(0)["say"] != PIN
    assert served.says("pressed", call="call-0", customer="C-1001", key="1")["task"]
    with ThreadPoolExecutor(8) as callers:
        assert all(answer["task"] for answer in callers.map(call, range(1, 17)))
    assert served.end() == 0
    assert served.verified() == 0
