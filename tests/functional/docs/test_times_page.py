"""The page on times says what the code says: every setting, every constant, and none is missing."""

import ast
import importlib
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import Settings, load_settings
from consentgate.config.times import LARGEST, Times, members_of
from consentgate.errors import Misconfigured
from consentgate.gate.resolve import WHO_TIMEOUT
from consentgate.gate.retry import MAX_ATTEMPTS, Retry
from consentgate.storage.patience import Patience
from tests.functional.docs.pages import ROOT, text_of
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

PAGE = text_of("docs/reference/times.md")
# Settings are files, and what they do is the same on any database.
pytestmark = pytest.mark.sqlite_file

# Where anything outside is waited for, or done again and again.
ROOMS = ("gate", "aws", "storage", "log", "export", "keys")
NAMED = re.compile(
    r"(?:^|_)(?:S|SECONDS|MILLIS|TIMEOUT|PATIENCE|EVERY|LOOK|DELAY|FIRST_WAIT|LONGEST_WAIT)$|^LATE$"
)
WAITS = re.compile(r"timeout|(?:^|_)within$|^seconds$|^wait$")
ELSEWHERE = {
    # Between two looks at something in this process, or two tries of the same write: far below what anybody waits.
    "storage.postgres_writers": {"_PAUSE_SECONDS", "_FRESH_SECONDS"},
    "storage.writer": {"_LOOK_S"},
    "storage.forks": {"_LOOK_S"},
    # The default of a setting.
    "gate.resolve": {"WHO_TIMEOUT"},
    # A question in SQL.
    "storage.postgres": {"_LOOK"},
}


def rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n| ")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in table.splitlines()[2:]]


def defaults() -> dict[str, tuple[float, float]]:
    times, settings = Times(), Settings(home=Path(), database="sqlite://")
    own = {
        "limits.outcome_budget_s": (settings.outcome_budget, 86_400),
        "limits.clock_skew_s": (settings.clock_skew, 60),
        "retry.first_s": (times.retry.first, LARGEST["retry.first_s"]),
        "retry.longest_s": (times.retry.longest, LARGEST["retry.longest_s"]),
    }
    for name in LARGEST.keys() - own.keys():
        own[name] = (getattr(times, name.partition(".")[2].removesuffix("_s")), LARGEST[name])
    return {name: (default.total_seconds(), float(most)) for name, (default, most) in own.items()}


def test_page_lists_every_setting_with_its_default() -> None:
    told = {row[0].strip("`"): (float(row[1]), float(row[2])) for row in rows("To be set")}
    assert told == defaults()
    assert {field.name for field in fields(Times)} - {"retry", "s3_attempts"} == {
        name.partition(".")[2].removesuffix("_s") for name in LARGEST if not name.startswith("retry.")
    }
    assert Times().who == WHO_TIMEOUT
    assert f"`retry.attempts` ({Retry().attempts}; at most {MAX_ATTEMPTS})" in PAGE
    assert f"`retry.s3_attempts` ({Times().s3_attempts}; at most {MAX_ATTEMPTS})" in PAGE
    assert all(len(row) == 4 and row[3] for row in rows("To be set"))


def constant(module: str, name: str) -> float:
    holder, _, member = name.partition(".")
    value: Any = getattr(importlib.import_module(f"consentgate.{module}"), holder)
    if member:
        value = float(value[member].removesuffix("s"))
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    return seconds / 1000 if holder.endswith("_MILLIS") else seconds


def fixed() -> dict[tuple[str, str], float]:
    return {
        (module, name): float(row[1])
        for row in rows("Fixed")
        for module, name in [re.findall(r"`([^`]+)`", row[2])]
    }


def test_page_says_what_the_constants_say() -> None:
    told = fixed()
    assert len(told) > 10
    assert told == {where: constant(*where) for where in told}


def test_no_time_is_missing() -> None:
    told = {(module, name.partition(".")[0]) for module, name in fixed()}
    missing = []
    for path in sorted(each for room in ROOMS for each in (ROOT / "consentgate" / room).glob("*.py")):
        module = f"{path.parent.name}.{path.stem}"
        for node in ast.parse(path.read_text()).body:
            name = (
                node.target.id
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
                else ""
            )
            if NAMED.search(name) and name not in ELSEWHERE.get(module, set()) and (module, name) not in told:
                missing.append((module, name))
    assert missing == [], "tell on docs/reference/times.md what happens when they are over"


def test_no_call_has_a_time_of_its_own() -> None:
    found = [
        f"{path.parent.name}.{path.stem}:{node.lineno} {given.arg}"
        for path in sorted((ROOT / "consentgate").rglob("*.py"))
        if path.parent.name != "testing"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) != "timedelta"
        for given in node.keywords
        if given.arg and WAITS.search(given.arg) and isinstance(given.value, ast.Constant)
        if isinstance(given.value.value, (int, float)) and not isinstance(given.value.value, bool)
    ]
    assert found == [], "make it a setting of consentgate.config.times, or a constant that the page tells"


def test_settings_reach_what_they_are_for(world: World) -> None:
    file = world.home / "consentgate.toml"
    longer = {"answer_s": 8, "reading_answer_s": 8}
    own = "\n".join(f"{name} = {longer.get(name, 7)}" for name in sorted(members_of("timeouts")))
    file.write_text(
        file.read_text()
        + f"\n[limits]\nsend_by_s = 3\nreread_after_s = 0.5\n\n[timeouts]\n{own}\n"
        + "\n[retry]\nattempts = 4\nfirst_s = 0.1\nlongest_s = 1\n"
    )
    settings = load_settings(world.home)
    seven = timedelta(seconds=7)
    with ConsentGate(settings, clock=world.clock, background=False) as gate:
        limits = gate._parts.gate.limits
        assert (limits.send_by, limits.reread_after) == (timedelta(seconds=3), timedelta(seconds=0.5))
        answers = {"answer": 8.0, "reading_answer": 8.0}
        assert gate._parts.database._patience == Patience(
            **{each.name: answers.get(each.name, 7.0) for each in fields(Patience)}
        )
        caller = world.caller()
        world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
        known: Any = {"purpose": "authentication", "recording_consent": "all_parties"}
        with gate.guarded("search", caller, b"voice", **known) as permit:
            assert permit.send_by == world.clock() + timedelta(seconds=3)
            permit.failed(sent=False)
        assert world.exchange("intent")["lasts_ms"] == 7000
        client = world.server.client(retries={"mode": "standard", "total_max_attempts": 1})
        gate.protect(client, who=lambda *_: None)
        world.server.script.fail(error="ThrottledClientException", times=3)
        gate.register_call("tx-1", caller=[caller], purpose="authentication", recording_consent="all_parties")
        search = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "vpd-1"}
        client.start_speaker_search_task(TransactionId="tx-1", CallLeg="Caller", **search)
        assert world.searches == 4
        assert client.meta.consentgate_gate[1].sources.who_timeout == seven
        client.close()


@pytest.mark.parametrize("name", sorted(LARGEST))
@pytest.mark.parametrize("value", ["0", "-1", "true", '"5"', "nan", "86401"])
def test_time_that_cannot_be_is_refused(world: World, name: str, value: str) -> None:
    table, _, member = name.partition(".")
    file = world.home / "consentgate.toml"
    file.write_text(file.read_text() + f"\n[{table}]\n{member} = {value}\n")
    with pytest.raises(Misconfigured, match=f"{name} must be a positive number of seconds, at most"):
        load_settings(world.home)


@pytest.mark.parametrize("name", ["attempts", "s3_attempts"])
@pytest.mark.parametrize("value", ["0", "11", "true", "2.5", '"3"'])
def test_number_of_attempts_that_cannot_be_is_refused(world: World, name: str, value: str) -> None:
    file = world.home / "consentgate.toml"
    file.write_text(file.read_text() + f"\n[retry]\n{name} = {value}\n")
    with pytest.raises(Misconfigured, match=rf"retry.{name} must be a whole number from 1 to 10"):
        load_settings(world.home)


@pytest.mark.parametrize(("work", "answer"), [("statement_s", "answer_s"), ("reading_s", "reading_answer_s")])
def test_answer_that_is_waited_for_no_longer_than_the_server_works_is_refused(
    world: World, work: str, answer: str
) -> None:
    file = world.home / "consentgate.toml"
    text = file.read_text()
    file.write_text(f"{text}\n[timeouts]\n{work} = 3\n{answer} = 3\n")
    with pytest.raises(
        Misconfigured, match=rf"timeouts.{answer} must be more than timeouts.{work}, which is 3"
    ):
        load_settings(world.home)
    file.write_text(f"{text}\n[timeouts]\n{work} = 3\n{answer} = 3.5\n")
    load_settings(world.home)
