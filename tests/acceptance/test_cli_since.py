"""Verifying from a checkpoint on, as an operator does it: keep a checkpoint, verify all, then only what is new."""

import io
import sys
from pathlib import Path

import click
import pytest

from consentgate.cli.terminal import AS_JSON, progress
from consentgate.verify.prefix import NOT_JUDGED
from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def kept(deployed: Deployment, program: Program, tmp_path: Path) -> Path:
    program.json("log", "publish", str(tmp_path / "public"))
    return tmp_path / "public/checkpoint"


def test_what_is_not_read_again_is_said(program: Program, kept: Path) -> None:
    document = program.json("verify", "--from", str(kept))
    pinned = document["result"]["pinned"]
    size = pinned["size"]
    assert size > 0
    assert pinned["file"] == str(kept)
    assert pinned["not_read"] == {"first": 0, "last": size - 1}
    assert pinned["not_judged"] == list(NOT_JUDGED)
    assert {each["verdict"] for each in document["result"]["levels"]} == {"holds"}
    keyless = program.json("verify", "--no-keys", "--from", str(kept), exit=3)["result"]["levels"]
    assert [each["name"] for each in keyless if each["verdict"] != "holds"] == ["links"]
    assert program.json("verify", exit=4)["result"]["pinned"] is None
    said = " ".join(program("verify", "--from", kept).out.split())
    assert f"positions 0 to {size - 1}, which {kept} covers" in said
    assert all(each in said for each in NOT_JUDGED)


def test_checkpoint_of_another_log_is_refused(program: Program, kept: Path) -> None:
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(["consentgate.invalid/other\n", *lines[1:]]))
    (finding,) = program.json("verify", "--from", str(kept), exit=2)["findings"]
    assert "is no checkpoint that" in finding["found"] + finding["expected"] + finding["cure"]


def test_receipt_takes_no_checkpoint(program: Program, kept: Path) -> None:
    program.json("verify", "--proof", str(kept), "--from", str(kept), exit=2)


def test_progress_is_not_shown_beside_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for as_json, shown in ((True, False), (False, True)):
        screen = Terminal()
        monkeypatch.setattr(sys, "stderr", screen)
        context = click.Context(click.Command("verify"))
        context.meta[AS_JSON] = as_json
        with context, progress("Verifying", 2) as bar:
            bar.step()
        assert ("Verifying" in screen.getvalue()) is shown
