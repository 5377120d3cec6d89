"""The page on the rules: its commands are run in order, and print what it shows."""

import shlex
from pathlib import Path

import pytest

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.cli.main import run
from consentgate.config.setup import make_home
from consentgate.testing.chime import ChimeServer
from examples.quickstart import LINE
from tests.functional.docs.pages import text_of
from tests.functional.docs.shell import Block, blocks

ADDRESS = Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")
BLOCKS = blocks(text_of("docs/howto/policy.md"))


def commands(block: Block) -> list[list[str]]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [shlex.split(line.partition("    #")[0]) for line in lines if line.strip()]


def shown(block: Block) -> list[str]:
    """The lines that a block shows; ``...`` stands for any lines between."""
    return [line.rstrip() for line in block.text.splitlines() if line.strip() not in ("...", "")]


def in_order(wanted: list[str], printed: list[str]) -> list[str]:
    """What is wanted and does not come, in this order."""
    rest = iter(printed)
    return [line for line in wanted if not any(line == other.rstrip() for other in rest)]


def save(path: Path, text: str) -> None:
    """Save a file of the page; one that is there is added to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment that has decided on two calls already."""
    folder = tmp_path / "home"
    made = make_home(folder, controller="acme", jurisdiction="US", purposes={"search": "authentication"})
    monkeypatch.setenv("CONSENTGATE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    with ChimeServer() as server, ConsentGate(made.settings, background=False) as gate:
        client, caller = (
            gate.protect(server.client()),
            Speaker([("customer", "C-1002")], [ADDRESS], adult=True),
        )
        for transaction in ("tx-1", "tx-2"):
            gate.register_call(transaction, caller=[caller], callee=NOBODY, recording_consent="all_parties")
            with pytest.raises(ConsentDenied):
                client.start_speaker_search_task(TransactionId=transaction, CallLeg="Caller", **LINE)
        client.close()
    return folder


def test_every_command_prints_what_the_page_shows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = ""
    for block in BLOCKS:
        kind, _, name = block.mark.partition(": ")
        if kind == "file":
            save(Path(name), block.text)
        elif block.language == "sh":
            printed = ""
            for program, *words in commands(block):
                assert program == "consentgate"
                code = run(words)
                out, err = capsys.readouterr()
                assert code == (1 if block.mark == "exit 1" else 0), (words, out, err)
                printed += out
        elif block.language == "text":
            assert in_order(shown(block), printed.splitlines()) == []


def test_the_page_shows_something_of_what_is_printed() -> None:
    assert len([block for block in BLOCKS if block.language == "text"]) >= 5
