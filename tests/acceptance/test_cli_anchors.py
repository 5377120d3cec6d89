"""Anchors from settings to evidence: put, behind, witnessed receipts and published logs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from consentgate.config.settings import FILE
from consentgate.log.directory import DirectoryAnchor
from consentgate.tlog.cosignature import cosignatures_of
from tests.acceptance.deployment import Deployment, Program
from tests.functional.log.witness import RealWitness, real_witness

pytestmark = pytest.mark.acceptance

CALLER = "customer:C-1000417"
FOLDER = '\n[[anchors]]\nname = "second-site"\nkind = "directory"\npath = "kept"\n'


def say(deployed: Deployment, text: str, *, first: str = "") -> None:
    """Write settings: tables at the end, a line of the document's own at its beginning."""
    path = deployed.home / FILE
    path.write_text(first + path.read_text() + text)


def policy(deployed: Deployment, quorum: str) -> None:
    path = deployed.home / FILE
    lines = [each for each in path.read_text().splitlines() if not each.startswith("witness_policy")]
    path.write_text("\n".join([f'witness_policy = "{quorum}"', *lines, ""]))


@pytest.fixture
def pair(deployed: Deployment, tmp_path: Path) -> Iterator[list[RealWitness]]:
    """Two witnesses that know the deployment's log, and that it names."""
    vkey = (deployed.home / "log.vkey").read_text().strip()
    with ExitStack() as running:
        made = []
        for number in range(2):
            name = f"w.example/{number}"
            witness = running.enter_context(real_witness(tmp_path / f"w{number}", name, [vkey]))
            made.append(witness)
            url = f'url = "{witness.url}"\nvkey = "{witness.key.vkey}"\n'
            say(deployed, f'\n[[anchors]]\nname = "w-{number}"\nkind = "witness"\n{url}')
        yield made


def test_log_without_anchors_has_nowhere_to_put_anything(program: Program) -> None:
    assert program.json("log", "show")["result"]["anchors"] == []
    assert program.json("log", "anchor", "--once", exit=2)["findings"][0]["kind"] == "misconfigured"


def test_time_of_a_consent_is_anchored_from_then_on(deployed: Deployment, program: Program) -> None:
    say(deployed, FOLDER)
    (deployed.home / "kept").mkdir()
    about = ("--evidence", "US-IL", "--adult", "--reference", CALLER, "--purpose", "authentication")
    explain = ("policy", "explain", *about)

    def consents(*at: str) -> list[str]:
        speaker = program.json(*explain, *at)["result"]["speakers"][0]
        return [each["trusted_at"] for each in speaker["consents"]]

    before = program.json(*explain)["result"]["at"]
    assert set(consents()) == {"weak"}
    program.json("log", "sequence", "--once")
    program.json("log", "sign", "--once")
    program.json("log", "anchor", "--once")
    (at,) = set(consents())
    assert at > before
    assert "time anchored" in program(*explain).out
    # Then it was weak, and the gate went by that.
    assert set(consents("--at", before)) == {"weak"}
    assert at in json.dumps(program.json("consent", "show", "--reference", CALLER)["result"])


def test_directory_gets_the_newest_checkpoint_and_shows_its_lag(
    deployed: Deployment, program: Program
) -> None:
    say(deployed, FOLDER + "alarm_after_s = 1\n")
    shown = program.json("log", "show", exit=4)["result"]
    (before,) = shown["anchors"]
    assert (before["name"], before["kind"], before["size"], before["at"]) == (
        "second-site",
        "directory",
        0,
        None,
    )
    assert (before["behind"], before["late"]) == (shown["size"], True)
    assert "which is too long" in program("log", "show").out
    doctor = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert (doctor["anchors"]["verdict"], "second-site" in doctor["anchors"]["found"]) == ("warn", True)
    # The folder is not made in passing: it may be a disk that is not mounted.
    document = program.json("log", "anchor", "--once", exit=2)
    assert document["findings"][0]["where"] == "anchor second-site"
    assert "make it, or mount it" in document["findings"][0]["found"]
    (deployed.home / "kept").mkdir()
    (after,) = program.json("log", "anchor", "--once")["result"]["items"]
    assert (after["size"], after["behind"], after["late"], after["failure"]) == (
        shown["size"],
        0,
        False,
        None,
    )
    (kept,) = (deployed.home / "kept").glob("*/*")
    assert kept.read_text() == shown["checkpoint"]["note"]
    assert program.json("log", "show")["result"]["anchors"] == [after]
    assert "has the newest checkpoint" in program("log", "anchor", "--once").out
    doctor = {each["name"]: each for each in program.json("doctor", exit=4)["result"]["items"]}
    assert doctor["anchors"]["verdict"] == "ok"


def test_dead_witness_leaves_the_others_and_is_exit_3(
    deployed: Deployment, program: Program, pair: list[RealWitness]
) -> None:
    pair[1].stop()
    document = program.json("log", "anchor", "--once", exit=3)
    first, second = document["result"]["items"]
    assert (first["failure"], first["behind"]) == (None, 0)
    assert "out of reach" in second["failure"]
    assert [each["where"] for each in document["findings"]] == ["anchor w-1"]
    pair[1].start()
    program.json("log", "anchor", "--once")


def test_bucket_without_a_client_is_said_and_leaves_the_rest_judged(
    deployed: Deployment, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(
        deployed,
        FOLDER + '\n[[anchors]]\nname = "bucket"\nkind = "s3"\nbucket = "acme-log"\nretain_days = 30\n',
    )
    (deployed.home / "kept").mkdir()
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    document = program.json("log", "anchor", "--once", exit=2)
    folder, bucket = document["result"]["items"]
    assert (folder["failure"], folder["behind"]) == (None, 0)
    assert "ProfileNotFound" in bucket["failure"]
    assert [each["where"] for each in document["findings"]] == ["anchor bucket"]
    judged = program.json("verify", exit=3)["result"]
    levels = {each["name"]: each["verdict"] for each in judged["levels"]}
    assert levels.pop("anchors") == "cannot_judge"
    assert set(levels.values()) <= {"holds", "incomplete"}


def test_a_place_that_fails_with_anything_leaves_the_rest_judged(
    deployed: Deployment, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret words")

    say(deployed, FOLDER)
    (deployed.home / "kept").mkdir()
    program.json("log", "anchor", "--once")
    monkeypatch.setattr(DirectoryAnchor, "held", broken)
    said = program("verify")
    assert said.exit == 3
    assert "The anchor second-site cannot be asked (KeyError)." in said.out + said.err
    assert "secret" not in said.out + said.err
    monkeypatch.setattr(DirectoryAnchor, "put", broken)
    program.json("issuer", "add", "https://two.example", "--name", "Two")
    program("log", "sequence", "--once")
    program("log", "sign", "--once")
    (item,) = program.json("log", "anchor", "--once", exit=3)["result"]["items"]
    assert item["failure"] == "The anchor second-site failed (KeyError)."


def test_a_row_that_was_never_signed_for_is_said(deployed: Deployment, program: Program) -> None:
    say(deployed, FOLDER)
    (deployed.home / "kept").mkdir()
    program.json("log", "anchor", "--once")
    deployed.sql(
        "INSERT INTO anchor SELECT log, name, 900000000, kind, evidence, at FROM anchor WHERE name = 'second-site'"
    )
    document = program.json("log", "anchor", "--once", exit=1)
    assert "900000000 entries" in document["findings"][0]["found"]
    doctor = {each["name"]: each for each in program.json("doctor", exit=1)["result"]["items"]}
    assert (doctor["anchors"]["verdict"], "second-site (900000000" in doctor["anchors"]["found"]) == (
        "fail",
        True,
    )


def test_quorum_decides_which_checkpoint_leaves_the_house(
    deployed: Deployment, program: Program, pair: list[RealWitness], tmp_path: Path
) -> None:
    policy(deployed, "2 of 2")
    entry = program.json("entries", "list")["result"]["items"][0]["id"]
    said = program("log", "publish", tmp_path / "public")
    assert (said.exit, "Too few witnesses" in said.err) == (3, True)
    assert program("log", "prove", entry, "--out", tmp_path / "r").exit == 3
    program.json("log", "anchor", "--once")
    program.json("log", "publish", tmp_path / "public")
    program.json("log", "prove", entry, "--out", tmp_path / "receipt")
    keys = [each.key for each in pair]
    assert len(cosignatures_of((tmp_path / "public/checkpoint").read_bytes(), keys)) == 2
    # Whoever trusts the same witnesses verifies both without us.
    (tmp_path / "policy").write_text(
        f"witness A {keys[0].vkey}\nwitness B {keys[1].vkey}\ngroup both all A B\nquorum both\n"
    )
    vkey = (deployed.home / "log.vkey").read_text().strip()
    nowhere = ("--home", tmp_path / "none", "--vkey", vkey, "--policy", tmp_path / "policy")
    assert program.bare("verify", "--proof", tmp_path / "receipt", *nowhere).exit == 0
    assert program.bare("log", "verify", "--tiles", tmp_path / "public", *nowhere).exit == 0


def test_a_cosignature_that_was_changed_leaves_no_house(
    deployed: Deployment, program: Program, pair: list[RealWitness], tmp_path: Path
) -> None:
    program.json("log", "anchor", "--once")
    entry = program.json("entries", "list")["result"]["items"][0]["id"]
    other = "(SELECT evidence FROM anchor WHERE name = 'w-1')"
    deployed.tamper(
        f"UPDATE anchor SET evidence = replace({other}, 'w.example/1', 'w.example/0') WHERE name = 'w-0'"
    )
    # A line of an unknown key is nothing; one of a known witness that does not fit is a finding.
    program.json("log", "publish", tmp_path / "public")
    assert len(cosignatures_of((tmp_path / "public/checkpoint").read_bytes(), [pair[0].key])) == 0
    deployed.tamper("UPDATE anchor SET evidence = 'hello'")
    for command in (("log", "publish", tmp_path / "p"), ("log", "prove", entry, "--out", tmp_path / "r")):
        said = program(*command)
        assert (said.exit, "no cosignature" in said.err) == (1, True)


def test_anchoring_runs_until_it_is_told_to_stop(deployed: Deployment) -> None:
    (deployed.home / "kept").mkdir()
    say(deployed, FOLDER)
    command = [sys.executable, "-m", "consentgate", "log", "anchor", "--home", str(deployed.home)]
    with subprocess.Popen(command, env={**os.environ}, stdout=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 60
        while not list((deployed.home / "kept").glob("*/*-*")):
            assert time.monotonic() < end
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "has the newest checkpoint" in out
