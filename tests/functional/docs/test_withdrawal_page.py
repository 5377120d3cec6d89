"""The example's page: a person takes their consent back and reads what was done."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentGate
from consentgate.config.setup import make_home
from consentgate.testing.chime import ChimeServer
from examples import withdrawal_page

pytestmark = pytest.mark.sqlite_file  # the page; what it does with a database is tested on both elsewhere


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[ConsentGate, Any, ChimeServer]]:
    """A gate with somebody's search running."""
    home = make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    with ChimeServer() as server, ConsentGate(home.settings, background=False) as gate:
        withdrawal_page.set_up(gate)
        chime = gate.protect(server.client())
        withdrawal_page.search(gate, chime, "tx-1")
        yield gate, chime, server
        chime.close()


def test_page_shows_what_was_done(place: tuple[ConsentGate, Any, ChimeServer]) -> None:
    gate, chime, server = place
    with withdrawal_page.served(withdrawal_page.handler(gate, "C-1001")) as address:
        assert "Take my consent back" in withdrawal_page.visit(address)
        told = withdrawal_page.visit(address, b"")
        assert "A comparison that was running was stopped." in told
        assert [r.operation for r in server.requests][-1] == "StopSpeakerSearchTask"
        with pytest.raises(ConsentDenied, match="CONSENT_WITHDRAWN"):
            chime.start_speaker_search_task(TransactionId="tx-1", CallLeg="Caller", **withdrawal_page.LINE)
        # Nothing runs any more.
        assert "stopped" not in withdrawal_page.visit(address, b"")


def test_page_shows_what_is_still_to_be_done(place: tuple[ConsentGate, Any, ChimeServer]) -> None:
    gate, _, server = place
    server.script.fail("StopSpeakerSearchTask", error="ServiceUnavailableException", times=None)
    with withdrawal_page.served(withdrawal_page.handler(gate, "C-1001")) as address:
        told = withdrawal_page.visit(address, b"")
    assert "A comparison that was running is not stopped yet: we try again until it is." in told


def test_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    withdrawal_page.main()
    assert "was stopped" in capsys.readouterr().out
