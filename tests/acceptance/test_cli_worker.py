"""Open stop orders, listed and carried out, in text and as JSON."""

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment as a worker has it, with credentials that open nothing."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def test_open_stop_orders_are_listed_with_their_deadline(program: Program, deployed: Deployment) -> None:
    nothing = program("worker", "list")
    assert (nothing.exit, nothing.out) == (0, "No stop order is open.\n")
    assert program.json("worker", "list")["result"] == {"items": []}
    with ChimeServer() as server, ConsentGate(load_settings(deployed.home), background=False) as gate:
        client = gate.protect(server.client())
        server.script.fail("StopSpeakerSearchTask", error="ForbiddenException", times=None)
        gate.withdraw(deployed.token())
        client.close()
    document = program.json("worker", "list", exit=4)
    told = [(each["intent"], each["tries"], each["said"]) for each in document["result"]["items"]]
    assert told == [(deployed.succeeded, 1, "ForbiddenException"), (deployed.open, 0, "")]
    assert all(each["until"] > each["at"] for each in document["result"]["items"])
    assert [each["does"] for each in document["result"]["items"]] == ["stop", "stop"]
    assert [each["kind"] for each in document["findings"]] == ["open", "open"]
    assert [each["found"] for each in document["findings"]] == ["ForbiddenException", "nothing tried"]
    text = program("worker", "list")
    assert text.exit == 4
    assert "ForbiddenException" in text.out
    assert deployed.succeeded[-8:] in text.out
    [check] = [
        each for each in program.json("doctor", exit=4)["result"]["items"] if each["name"] == "stop orders"
    ]
    assert (check["verdict"], check["found"].partition(",")[0]) == ("warn", "2 open")
    assert "worker run" in check["cure"]


def test_worker_of_its_own_carries_out_what_was_withdrawn_elsewhere(
    program: Program, deployed: Deployment, surroundings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConsentGate(load_settings(deployed.home), background=False) as gate:
        left = gate.withdraw(deployed.token()).open
    assert [str(each.intent) for each in left] == [deployed.succeeded, deployed.open]
    with ChimeServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        document = program.json("worker", "run", "--once", exit=4)
        # The service has forgotten the task, so there is nothing to stop; the other request has no outcome yet.
        assert (document["result"]["tried"], document["result"]["done"]) == (1, 1)
        assert [each["intent"] for each in document["result"]["items"]] == [deployed.open]
        assert [r.operation for r in server.requests] == ["StopSpeakerSearchTask"]
        again = program("worker", "run", "--once")
        assert (again.exit, again.out.splitlines()[0]) == (4, "0 tried, 0 done, 1 open")


def test_worker_without_work_is_done(program: Program, deployed: Deployment) -> None:
    assert program("worker", "run", "--once").out == "0 tried, 0 done, 0 open.\n"


def test_worker_that_may_not_stop_says_what_the_vendor_said(
    program: Program, deployed: Deployment, surroundings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConsentGate(load_settings(deployed.home), background=False) as gate:
        gate.withdraw(deployed.token())
    with ChimeServer() as server:
        server.script.fail("StopSpeakerSearchTask", error="AccessDeniedException", times=None)
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        document = program.json("worker", "run", "--once", exit=4)
    assert document["findings"][0]["found"] == "AccessDeniedException"
