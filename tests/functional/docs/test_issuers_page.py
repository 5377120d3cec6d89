"""The page on issuers: its commands are run in the order in which they stand."""

import re
import shlex
from pathlib import Path

import pytest

from consentgate.cli.main import run
from consentgate.config.settings import load_settings
from consentgate.config.setup import make_home
from consentgate.config.upkeep import reading
from consentgate.config.views import registry
from tests.functional.docs.pages import text_of

PAGE = text_of("docs/howto/issuers.md")


def commands() -> list[str]:
    """Each command line of the page, whole."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def test_every_command_of_the_page_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], on_database: None
) -> None:
    home = tmp_path / "home"
    make_home(home, controller="acme")
    monkeypatch.setenv("CONSENTGATE_HOME", str(home))
    assert run(["issuer", "add", "https://ivr.acme.example", "--name", "Acme IVR"]) == 0
    with reading(load_settings(home)) as parts:
        old = registry(parts).issuers[0].keys[0].public.kid
    for command in commands():
        program, *words = shlex.split(command.replace('"$OLD"', old[:12]))
        assert program == "consentgate"
        assert run(words) == 0, (command, capsys.readouterr().err)
    with reading(load_settings(home)) as parts:
        assert [key.state for key in registry(parts).issuers[0].keys] == ["compromised", "active"]
    assert len(commands()) == 6
