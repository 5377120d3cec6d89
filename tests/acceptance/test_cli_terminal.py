"""What is asked, shown on the way and read from elsewhere, in this process: the terminal is a stand-in."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from consentgate.cli import failures, terminal, text
from consentgate.cli.command import Done, document, emit
from consentgate.cli.terminal import progress
from consentgate.errors import Misconfigured
from consentgate.verify.result import Finding
from tests.acceptance.deployment import Deployment, Program, checked

pytestmark = pytest.mark.acceptance


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Answers that somebody at a terminal types, in order; after them they press return."""
    given: list[str] = []
    monkeypatch.setattr(terminal, "can_ask", lambda: True)
    monkeypatch.setattr(terminal, "ask", lambda _question: given.pop(0) if given else "")
    yield given
    assert given == []


@pytest.fixture
def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program on a home that is not there yet."""
    return Program(tmp_path / "fresh", capsys)


def test_init_records_what_was_answered(fresh: Program, empty: str, answers: list[str]) -> None:
    answers += ["privacy@acme.example", "perhaps", "[1", "yes", "", "n"]
    init = ("init", "--controller", "acme", "--database", empty, "--interactive")
    made = fresh.json(*init)["result"]["assertions"]
    assert made == [
        {"name": "alternative_offered", "value": True},
        {"name": "automated_decision", "value": False},
    ]
    found = fresh.json("assertion", "list")["result"]["items"]
    assert [(each["name"], each["by"]) for each in found] == [
        ("alternative_offered", "privacy@acme.example"),
        ("automated_decision", "privacy@acme.example"),
    ]


def test_init_records_nothing_when_everything_is_left_out(
    fresh: Program, empty: str, answers: list[str]
) -> None:
    answers.append("privacy@acme.example")
    assert fresh("init", "--controller", "acme", "--database", empty, "--interactive").exit == 0
    assert fresh.json("assertion", "list")["result"]["items"] == []


def test_init_asks_who_states_it_first(fresh: Program, answers: list[str]) -> None:
    assert answers == []
    said = fresh("init", "--controller", "acme", "--interactive")
    assert (said.exit, "name who makes them" in said.err) == (2, True)
    assert not fresh.home.exists()


def test_question_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" an answer \n"))
    assert not terminal.can_ask()
    assert terminal.ask("Who") == "an answer"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Who: ")
    with pytest.raises(click.Abort):
        terminal.ask("Who")


def test_progress_is_shown_on_a_terminal_and_wiped(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("Verifying", 2) as bar:
        bar.step()
        bar.step(5)
        bar.step()
    shown = screen.getvalue()
    assert shown.count("Verifying") == 2
    assert "100 %" in shown
    assert shown.endswith("\r\033[K")


def test_progress_of_nothing_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("Verifying", 0):
        pass
    assert screen.getvalue() == ""


def test_colours_give_way_to_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.colour() is False
    monkeypatch.setenv("NO_COLOR", "")
    assert terminal.colour() is None


def test_token_is_read_from_standard_input(
    program: Program, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(deployed.token().encode() + b"\n")))
    assert program("consent", "add", "-").exit == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"nothing")))
    said = program("consent", "add", "-")
    assert (said.exit, "Standard input cannot be used" in said.err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_log_runs_until_it_is_told_to_stop(program: Program, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
    said = program("log", "sequence", "--json")
    assert (said.exit, checked(said.out)["result"]) == (0, {"sequenced": 0})
    assert signal.getsignal(number) is before


def test_many_problems_stand_on_lines_of_their_own() -> None:
    done = failures.done_of("entries list", Misconfigured("One is wrong.\nAnother is wrong."))
    assert done.text.splitlines() == [
        "consentgate: One is wrong.",
        "  Another is wrong.",
        "Run `consentgate doctor`.",
    ]


def test_stored_text_cannot_play_with_the_terminal() -> None:
    assert text.plain("a\033[2Jb\nc") == "a�[2Jb�c"


def test_commands_in_sentences_are_not_torn_apart() -> None:
    command = "consentgate consent add a-token-with-a-long-name.jws"
    wrapped = text.paragraph(f"{'word ' * 16}Run `{command}` now.", indent=4)
    assert f"`{command}`" in wrapped
    assert all(len(line) <= text.WIDTH for line in wrapped.splitlines())


def test_ids_are_shortened_as_far_as_they_stay_apart() -> None:
    ids = ["0" * 24 + "aaaa11112222", "0" * 24 + "bbbb11112222", "0" * 24 + "cccc33334444"]
    assert list(text.short_ids([*ids, ids[0]]).values()) == ["aaaa11112222", "bbbb11112222", "33334444"]


def test_table_is_aligned_without_trailing_space() -> None:
    lines = text.table([("a", text.word("ok"), ""), ("bbb", "", "")], ("one", "two", "three")).splitlines()
    assert [line.rstrip() for line in lines] == lines
    assert lines[1].startswith("a    ")


def test_findings_name_what_was_expected_and_found() -> None:
    finding = Finding(
        kind="link_missing", where="entry 1", expected="a row", found="nothing", cure="Restore it."
    )
    assert text.findings_text((finding,)).count("\n") == 3
    assert "link missing" in text.findings_text((finding,))


def test_nothing_is_printed_where_there_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    emit("log show", Done(result={}), as_json=False)
    assert capsys.readouterr().out == ""
    assert document("log show", Done(result={}))["format"] == 1
