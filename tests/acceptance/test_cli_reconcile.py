"""``consentgate reconcile`` at a terminal: what nobody closed is closed, and CloudTrail is compared.

What the database does is the matter of the two that run on both.
"""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.errors import LogRefused
from consentgate.gate import reconcile
from consentgate.moment import from_millis
from consentgate.testing.chime import ChimeServer
from consentgate.testing.cloudtrail import trail_file, trail_record, ungated_search
from consentgate.testing.events import search_event
from tests.acceptance.deployment import ROOT, Deployment, Program
from tests.acceptance.test_cli_golden import GOLDEN, masked

pytestmark = pytest.mark.acceptance

COMMAND = ("reconcile", "--cloudtrail", str(ROOT / "tests/golden/cloudtrail.json"))


@contextmanager
def at_once(*, due: bool = True) -> Iterator[None]:
    """Let requests be old enough without waiting for it, or too young however long it took to get here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconcile, "_is_due", lambda *_: due)
        yield


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment as an operator has it, with credentials that open nothing."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def steady(text: str) -> str:
    """Without what differs between runs: which error a dropped connection is depends on the moment."""
    return re.sub(r"ended in \w+,", "ended in ERROR,", masked(text))


@pytest.mark.sqlite_file
def test_output_is_the_golden_one(program: Program) -> None:
    with at_once():
        said = program(*COMMAND, "--json")
    assert said.exit == 1
    assert steady(said.out) == (GOLDEN / "reconcile.json").read_text()


def test_what_is_closed_is_shown_with_the_reason_and_only_once(
    program: Program, deployed: Deployment
) -> None:
    with at_once(due=False):
        waiting = program.json("reconcile", exit=4)["result"]["waiting"]
        assert [each["intent"] for each in waiting] == [deployed.open]
        assert "may still arrive" in program("reconcile").out
    with at_once():
        said = program("reconcile")
        assert (said.exit, said.err) == (0, "")
        assert deployed.open[-8:] in said.out
        assert "undetermined" in said.out
        assert "leaves open whether the vendor did it" in said.out
        assert program("reconcile").out == "Every request has its outcome.\n"
    assert program("verify").exit == 0


@pytest.mark.sqlite_file
def test_the_vendor_is_asked_by_clients_of_the_environment(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConsentGate(load_settings(deployed.home), background=False) as gate:
        gate.notify(search_event("task-3", "IdentificationNoMatchesFound", transaction="tx-3"))
        gate.withdraw(deployed.token())
    with ChimeServer() as server, at_once():
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        document = program.json("reconcile")
        # The server knows no such task: what was told of it before counts, and there is nothing left to stop.
        assert [each.operation for each in server.requests] == [
            "GetSpeakerSearchTask",
            "StopSpeakerSearchTask",
        ]
    (item,) = document["result"]["items"]
    assert (item["end"], item["by"], item["because"]) == ("succeeded", "notification", "task_seen")
    assert item["stops"] == "stopped"


@pytest.mark.sqlite_file
def test_a_stop_order_that_nobody_carries_out_is_a_finding(program: Program, deployed: Deployment) -> None:
    with ConsentGate(load_settings(deployed.home), background=False) as gate:
        gate.withdraw(deployed.token())
    with at_once():
        document = program.json("reconcile", exit=4)
    assert [(each["kind"], each["found"]) for each in document["findings"]] == [
        ("stop_open", "nobody knows what was started")
    ]


@pytest.mark.sqlite_file
def test_a_log_that_cannot_follow_is_told(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consentgate.config.upkeep.keep_log", lambda _: LogRefused("It is not signed."))
    with at_once():
        document = program.json("reconcile", exit=4)
    assert [each["kind"] for each in document["findings"]] == ["unsigned"]


def test_cloudtrail_closes_and_shows_what_passed_by(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    asked = {"VoiceConnectorId": "x", "ClientRequestToken": f"cg-{deployed.open}"}
    folder = tmp_path / "trail"
    folder.mkdir()
    mine = trail_record(
        "StartSpeakerSearchTask", asked, made="task-3", at=from_millis(UUID(deployed.open).int >> 80)
    )
    (folder / "1.json.gz").write_bytes(gzip.compress(trail_file(mine)))
    (folder / "2.json").write_bytes(trail_file(mine))
    (folder / "notes.txt").write_text("no trail")
    with at_once():
        document = program.json("reconcile", "--cloudtrail", folder)
        (item,) = document["result"]["items"]
        assert (item["end"], item["by"], document["result"]["events"]) == ("succeeded", "cloudtrail", 2)
        said = program("reconcile", "--cloudtrail", folder)
        assert "2 calls in CloudTrail; none passed the gate by." in said.out
        (folder / "3.json").write_bytes(trail_file(ungated_search()))
        found = program("reconcile", "--cloudtrail", folder)
    assert found.exit == 1
    assert "passed the gate by" in found.out
    assert "AKIA" not in found.out


@pytest.mark.sqlite_file
def test_a_file_that_is_none_is_refused_before_anything_is_closed(
    program: Program, deployed: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "trail.json").write_text("{}")
    with at_once():
        said = program("reconcile", "--cloudtrail", tmp_path / "trail.json")
        assert said.exit == 2
        assert "is no file of CloudTrail" in " ".join(said.err.split())
        assert program("reconcile", "--cloudtrail", tmp_path / "none.json").exit == 2
        (tmp_path / "empty").mkdir()
        said = program("reconcile", "--cloudtrail", tmp_path / "empty")
        assert "holds no file of CloudTrail" in " ".join(said.err.split())
    assert program.json("entries", "list", "--open", exit=4)["result"]["items"]
