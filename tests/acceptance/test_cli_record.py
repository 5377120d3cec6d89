"""``consentgate record``: what waits in the spool, listed and recorded by somebody at a terminal."""

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.errors import Unavailable
from consentgate.testing.chime import ChimeServer
from tests.acceptance.deployment import ISS, PHONE, Deployment, Program, _person, _search

pytestmark = pytest.mark.acceptance

ENDED = '\n[limits]\noutcome_budget_s = 0.1\n\n[spool]\nfolder = "spool"\n'


def failing(*_: object, **__: object) -> None:
    raise Unavailable


@pytest.fixture
def waiting(deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment in whose spool one outcome waits."""
    with (deployed.home / "consentgate.toml").open("a") as settings:
        settings.write(ENDED)
    with (
        ConsentGate(load_settings(deployed.home), background=False) as gate,
        ChimeServer() as server,
        monkeypatch.context() as patch,
    ):
        client = gate.protect(server.client())
        client.meta.events.register_first(
            "before-send.chime-sdk-voice.StartSpeakerSearchTask",
            lambda **_: patch.setattr(gate._parts.database, "write", failing),
        )
        _search(gate, client, "tx-9", _person("C-1000417", PHONE))
        patch.undo()
        client.close()
        spool = gate._parts.gate.spool
        assert spool is not None
        spool.due = False
    return deployed


def test_what_waits_is_listed_recorded_and_gone(waiting: Deployment, program: Program) -> None:
    listed = program.json("record", "--list", exit=4)
    assert listed["result"]["items"] == []
    [left] = listed["result"]["left"]
    assert left["why"] == "not tried"
    assert [each["kind"] for each in listed["findings"]] == ["waiting"]
    assert "waits" in program("record", "--list").out
    done = program.json("record")
    [item] = done["result"]["items"]
    assert (item["entry"], item["end"], item["new"], item["stops"]) == (
        left["entry"], "succeeded", True, "none",
    )  # fmt: skip
    assert done["result"]["left"] == done["findings"] == []
    assert program("record").out == "Nothing waits.\n"
    assert program.json("record", "--list")["result"] == {"items": [], "left": []}
    assert "succeeded" in program("entries", "show", item["entry"]).out


def test_doctor_says_how_many_wait(waiting: Deployment, program: Program) -> None:
    items = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert items["spool"]["verdict"] == "warn"
    assert items["spool"]["found"].startswith("1 outcome waits")
    assert program("record").exit == 0
    items = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert items["spool"]["verdict"] == "ok"
    (waiting.home / "spool").chmod(0o755)
    items = {each["name"]: each for each in program.json("doctor", exit=1)["result"]["items"]}
    assert items["spool"]["verdict"] == "fail"


def test_speaker_who_withdrew_meanwhile_is_reported(waiting: Deployment, program: Program) -> None:
    said = program(
        "consent", "withdraw", "--issuer", ISS, "--reference", "customer:C-1000417", "--method", "web_form"
    )
    assert said.exit == 0, said
    # The command's own write recorded what waited, and met no stop order: the withdrawal was not there yet.
    assert program("record", "--list").exit == 0


def test_open_stop_order_is_a_finding(
    waiting: Deployment, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.config.outcomes.replay_due", lambda *_, **__: None)
        patch.setattr("consentgate.config.face.replay_due", lambda *_, **__: None)
        said = program(
            "consent", "withdraw", "--issuer", ISS, "--reference", "customer:C-1000417",
            "--method", "web_form",
        )  # fmt: skip
        assert said.exit == 0, said
    done = program.json("record", exit=4)
    assert [each["stops"] for each in done["result"]["items"]] == ["open"]
    assert [each["kind"] for each in done["findings"]] == ["stop_open"]


def test_what_cannot_be_recorded_is_a_finding(waiting: Deployment, program: Program) -> None:
    [file] = (waiting.home / "spool").iterdir()
    file.write_text("{}")
    done = program.json("record", exit=4)
    assert (done["result"]["items"], len(done["result"]["left"])) == ([], 1)
    assert "envelope" in program("record").out


def test_log_that_cannot_follow_is_a_finding(
    waiting: Deployment, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    (waiting.home / "log.state").unlink()
    done = program.json("record", exit=4)
    assert [each["kind"] for each in done["findings"]] == ["unsigned"]


def test_deployment_without_a_spool_is_told(program: Program) -> None:
    said = program("record")
    assert said.exit == 2
    assert "[spool]" in said.err
