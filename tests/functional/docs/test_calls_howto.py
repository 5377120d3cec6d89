"""The page on calls does what it says: its blocks run in order, on a loopback service."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from consentgate import ConsentDenied, ConsentWithdrawn, Speaker
from consentgate.config.setup import make_home
from consentgate.errors import RecordConflict
from consentgate.moment import system_clock
from consentgate.policy.reasons import DEFINITIONS
from consentgate.testing.chime import ChimeServer
from examples import quickstart
from tests.functional.docs.pages import blocks, rows, text_of

PAGE = text_of("docs/howto/calls.md")
OPEN, COME_AND_GO, WAIT, ASK, INSTALL, STOPS = blocks(PAGE, "python")


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_database: None) -> Iterator[dict[str, Any]]:
    """What the first block makes, where clients reach a loopback service and nobody else."""
    make_home(tmp_path / "home", controller="acme", purposes={"search": "authentication"})
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "home"))
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with ChimeServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        made: dict[str, Any] = {"server": server}
        exec(OPEN, made)
        ivr = quickstart.set_up(made["gate"])
        ivr.grant(made["ada"], notice="voiceprint", method="ivr_dtmf")
        yield made
        for client in ("chime", "waiting", "asking", "also_protected"):
            if client in made:
                made[client].close()
        made["gate"].close()


def search(client: Any, transaction: str) -> str:
    task = client.start_speaker_search_task(TransactionId=transaction, CallLeg="Caller", **quickstart.LINE)
    found: str = task["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return found


def stops(names: dict[str, Any]) -> int:
    return sum(1 for r in names["server"].requests if r.operation == "StopSpeakerSearchTask")


def test_people_come_and_go(names: dict[str, Any]) -> None:
    exec(COME_AND_GO, names)
    assert search(names["chime"], "tx-1")
    assert names["gate"].register_call("tx-1", caller=[names["ada"]]) is None
    names["gate"].register_call("tx-1", caller=[names["ben"]])
    assert stops(names) == 1
    with pytest.raises(ConsentDenied):
        search(names["chime"], "tx-1")


def test_request_waits_or_asks_as_the_page_says(names: dict[str, Any]) -> None:
    exec(WAIT, names)
    exec(ASK, names)
    names["gate"].assert_("recording_consent", "all_parties", by="x@acme.example", since=system_clock())
    assert search(names["asking"], "tx-2")
    with pytest.raises(ConsentDenied, match="CALL_UNKNOWN"):
        search(names["asking"], "tx-3")
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(search(names["waiting"], "tx-4")))
    thread.start()
    names["gate"].register_call("tx-4", caller=[names["ada"]], recording_consent="all_parties")
    thread.join()
    assert results[0]


def test_session_protects_what_it_makes(names: dict[str, Any]) -> None:
    exec(INSTALL.replace("wait_for_call=3", "wait_for_call=0.01"), names)
    with pytest.raises(ConsentDenied, match="CALL_UNKNOWN"):
        search(names["also_protected"], "tx-1")


def test_stop_orders_are_listed_and_carried_out(
    names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names["gate"].register_call("tx-1", caller=[names["ada"]], recording_consent="all_parties")
    search(names["chime"], "tx-1")
    names["server"].script.fail("StopSpeakerSearchTask", error="ForbiddenException")
    names["gate"].issuer("https://ivr.acme.example").withdraw(names["ada"], method="ivr_dtmf")
    exec(STOPS, names)
    assert capsys.readouterr().out.rstrip().endswith("True")
    assert names["still_open"] == ()
    assert stops(names) == 2


def test_codes_on_the_page_are_codes() -> None:
    assert {"WHO_FAILED", "WHO_TIMED_OUT", "WHO_UNUSABLE"} <= DEFINITIONS.keys()
    assert ConsentWithdrawn.__name__ in PAGE


def told(names: dict[str, Any], **what: Any) -> None:
    names["gate"].register_call("tx-1", **what)


def test_table_of_contradictions_is_what_happens(names: dict[str, Any]) -> None:
    table = {
        (row[0], row[1]): row[2]
        for row in rows(PAGE, "| told first | told later | then |")[0:]
        if len(row) == 3
    }
    assert len(table) == 8
    nobody, ada, ben = names["NOBODY"], names["ada"], names["ben"]
    told(names, callee=nobody)
    told(names, callee=[ben])
    assert "on the leg" in table["`NOBODY`", "a speaker"]
    told(names, caller=[ada], purpose="authentication", recording_consent="one_party")
    conflicts: dict[tuple[str, str], dict[str, Any]] = {
        ("a speaker", "`NOBODY`"): {"caller": nobody},
        ("a purpose", "another purpose"): {"caller": [ada], "purpose": "marketing"},
        ("a recording consent", "a stronger one"): {"caller": [ada], "recording_consent": "all_parties"},
    }
    for row, what in conflicts.items():
        assert "RecordConflict" in table[row]
        with pytest.raises(RecordConflict):
            told(names, **what)
    additions: dict[tuple[str, str], dict[str, Any]] = {
        ("a recording consent", "a weaker one"): {"caller": [ada], "recording_consent": "none"},
        ("a speaker on one leg", "the same on the other leg"): {"callee": [ada]},
        ("a speaker", "the same with other references, evidence or age"): {
            "caller": [Speaker([("customer", "C-1001"), ("email", "ada@example.org")], age=30)]
        },
        ("twelve speakers on a leg", "one more"): {
            "caller": [Speaker([("customer", str(n))]) for n in range(12)]
        },
    }
    for row, what in additions.items():
        assert "RecordConflict" not in table[row]
        told(names, **what)
    with pytest.raises(ConsentDenied, match="TOO_MANY_SPEAKERS"):
        search(names["chime"], "tx-1")
