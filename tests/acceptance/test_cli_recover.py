"""An operator opens an epoch; processes of their own keep the log."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from consentgate.cli import terminal
from consentgate.config.settings import load_settings
from consentgate.config.upkeep import log_database, log_state
from tests.acceptance.deployment import ROOT, Deployment, Program

pytestmark = pytest.mark.acceptance


@pytest.fixture
def lost(deployed: Deployment) -> Path:
    """The signer's state, which is gone."""
    path = deployed.home / "log.state"
    path.unlink()
    return path


def test_epoch_is_opened_and_shown(program: Program, lost: Path) -> None:
    before = program.json("log", "show")["result"]
    assert (before["log"], before["before"]) == (0, [])
    said = program("log", "sign", "--once")
    assert (said.exit, "consentgate log recover" in said.err) == (1, True)
    made = program.json("log", "recover", "--yes")["result"]
    assert (made["log"], made["old_log"], made["lost"], made["source"]) == (1, 0, 0, "database")
    shown = program.json("log", "show")["result"]
    assert (shown["log"], shown["origin"], shown["vkey"]) == (1, made["origin"], made["vkey"])
    assert shown["before"] == [{"log": 0, "origin": before["origin"]}]
    # The entry that opens it, and the end of the lane that wrote it.
    assert shown["size"] == before["size"] + 2 == made["size"]
    assert "epoch" in program("log", "show").out
    assert program("log", "sign", "--once").exit == 0
    items = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert items["log key"]["found"].startswith("log.1.key")
    assert "in epoch 1" in items["log"]["found"]
    assert items["signer"]["found"] == f"it remembers {shown['size']} entries"


def test_receipts_and_published_files_are_of_the_epoch(program: Program, lost: Path, tmp_path: Path) -> None:
    vkey = program.json("log", "recover", "--yes")["result"]["vkey"]
    entry = program.json("entries", "list")["result"]["items"][0]["id"]
    assert program.json("log", "prove", entry, "--out", tmp_path / "r")["result"]["position"] == 1
    assert program.bare("verify", "--proof", tmp_path / "r", "--vkey", vkey, "--home", tmp_path).exit == 0
    assert program("verify", "--proof", tmp_path / "r").exit == 0
    assert program("log", "publish", tmp_path / "public", "--with-leaves").exit == 0
    assert program("log", "verify", "--tiles", tmp_path / "public").exit == 0


def test_operator_is_asked(program: Program, lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = program("log", "recover")
    assert (said.exit, "--yes" in said.err) == (2, True)
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    questions = list[str]()

    def answer(text: str) -> Callable[[str], str]:
        def ask(question: str) -> str:
            questions.append(question)
            return text

        return ask

    monkeypatch.setattr(terminal, "ask", answer("no"))
    said = program("log", "recover")
    assert (said.exit, said.out.strip()) == (0, "Nothing was changed.")
    assert "still so" in said.err
    monkeypatch.setattr(terminal, "ask", answer("yes"))
    said = program("log", "recover")
    assert (said.exit, "An epoch was opened." in said.out) == (0, True)
    assert len(questions) == 2


def test_log_that_signs_is_not_recovered(program: Program) -> None:
    said = program("log", "recover", "--yes")
    assert (said.exit, "nothing to recover" in said.err) == (2, True)
    assert program.json("log", "recover", "--yes", "--anyway")["result"]["lost"] == 0


def test_epoch_that_cannot_be_signed_yet_says_so(
    program: Program, lost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consentgate.config import recovery
    from consentgate.errors import Unavailable

    monkeypatch.setattr(recovery, "keep_log", lambda _: Unavailable("It is down."))
    document = program.json("log", "recover", "--yes", exit=4)
    assert [each["kind"] for each in document["findings"]] == ["unsigned"]
    monkeypatch.undo()
    assert program("log", "sequence", "--once").exit == program("log", "sign", "--once").exit == 0


def running(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "consentgate", *arguments, "--home", str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_log_is_kept_by_processes_of_their_own(program: Program, deployed: Deployment) -> None:
    def sizes() -> tuple[int, int]:
        with log_database(load_settings(deployed.home)) as database:
            state = log_state(load_settings(deployed.home), database)
        return state.size, state.checkpoint.size if state.checkpoint else 0

    with (deployed.home / "consentgate.toml").open("a") as file:
        file.write("\n[log]\nbackground = false\n" if deployed.server is None else "background = false\n")
    before = sizes()[0]
    processes = [running(deployed.home, "log", each) for each in ("sequence", "sign")]
    try:
        from consentgate.config.face import ConsentGate

        with ConsentGate(load_settings(deployed.home)) as gate:
            assert gate._parts.service is None
            gate.add_issuer("https://new.example", name="New")
        wait_for(lambda: sizes()[0] >= before + 2 and sizes()[1] >= before + 2)
    finally:
        for each in processes:
            each.send_signal(signal.SIGTERM)
        ended = [each.communicate(timeout=30) for each in processes]
    assert [each.returncode for each in processes] == [0, 0], ended


def test_process_that_signs_outlives_a_refusal(program: Program, deployed: Deployment) -> None:
    state = deployed.home / "log.state"
    kept = state.read_bytes()
    state.unlink()
    process = running(deployed.home, "log", "sign")
    assert process.stderr is not None
    assert "Trying again" in process.stderr.readline()
    state.write_bytes(kept)
    state.chmod(0o600)
    time.sleep(6)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_process_that_is_stopped_while_it_fails_says_so(program: Program, lost: Path) -> None:
    process = running(lost.parent, "log", "sign")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 1
