"""Open stop orders, in text and as JSON."""

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance


def test_open_stop_orders_are_listed_with_their_deadline(program: Program, deployed: Deployment) -> None:
    nothing = program("stops", "list")
    assert (nothing.exit, nothing.out) == (0, "No stop order is open.\n")
    assert program.json("stops", "list")["result"] == {"items": []}
    with ChimeServer() as server, ConsentGate(load_settings(deployed.home), background=False) as gate:
        client = gate.protect(server.client())
        server.script.fail("StopSpeakerSearchTask", error="ForbiddenException", times=None)
        gate.withdraw(deployed.token())
        client.close()
    document = program.json("stops", "list", exit=4)
    assert [(each["intent"], each["tried"]) for each in document["result"]["items"]] == [
        (deployed.succeeded, True),
        (deployed.open, False),
    ]
    assert all(each["until"] > each["at"] for each in document["result"]["items"])
    assert [each["kind"] for each in document["findings"]] == ["open", "open"]
    text = program("stops", "list")
    assert text.exit == 4
    assert "not confirmed" in text.out
    assert "not yet" in text.out
    assert deployed.succeeded[-8:] in text.out
