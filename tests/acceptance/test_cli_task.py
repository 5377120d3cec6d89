"""Tasks from start to end, in text and as JSON."""

from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.moment import system_clock
from consentgate.testing import events
from tests.acceptance.deployment import Deployment, Program

pytestmark = pytest.mark.acceptance

HIDDEN = "(hidden; --reveal shows it)"


def told(deployed: Deployment, program: Program, status: str, **more: Any) -> str:
    """Let the vendor tell something of the task that succeeded, and give the task's id."""
    task = vendor_id(program, deployed)
    with ConsentGate(load_settings(deployed.home), background=False) as gate:
        event = events.search_event(task, status, at=system_clock(), **more)
        assert [each.fate for each in gate.notify(event).items] == ["kept"]
    return task


def vendor_id(program: Program, deployed: Deployment) -> str:
    """Give the vendor's id of the task that succeeded."""
    found = program.json("task", "show", deployed.succeeded, "--reveal")["result"]["task"]
    assert isinstance(found, str)
    return found


def test_a_task_is_listed_with_what_goes_next(program: Program, deployed: Deployment) -> None:
    document = program.json("task", "list")
    (item,) = document["result"]["items"]
    assert item["intent"] == deployed.succeeded
    assert (item["status"], item["ended"], item["task"]) == (None, False, None)
    assert [(each["what"], each["told"]) for each in item["held"]] == [
        ("embedding", False),
        ("results", False),
    ]
    text = program("task", "list")
    assert (text.exit, deployed.succeeded[-8:] in text.out) == (0, True)
    assert "embedding" in text.out
    assert "at the latest" in text.out
    assert "not seen" in text.out


def test_what_was_seen_of_a_task_is_shown(program: Program, deployed: Deployment) -> None:
    told(deployed, program, "IdentificationSuccessful", matches=[("vp-of-somebody", 0.9)])
    told(deployed, program, "STOPPED")
    result = program.json("task", "show", deployed.succeeded)["result"]
    assert [(each["status"], each["results"]) for each in result["seen"]] == [
        ("IdentificationSuccessful", True),
        ("STOPPED", False),
    ]
    assert (result["status"], result["ended"], result["results"]) == ("STOPPED", True, True)
    assert all(each["told"] for each in result["held"])
    text = program("task", "show", deployed.succeeded[-8:]).out
    assert "STOPPED (ended)" in text
    assert "notification" in text
    assert "at the latest" not in text
    assert "vp-of" not in text


def test_a_task_is_found_by_the_vendors_id_and_by_its_entries(program: Program, deployed: Deployment) -> None:
    by_intent = program.json("task", "show", deployed.succeeded)["result"]
    for name in (vendor_id(program, deployed), by_intent["outcome"], by_intent["outcome"][-8:]):
        assert program.json("task", "show", name)["result"] == by_intent


def test_the_vendors_id_shows_only_where_it_is_asked_for(program: Program, deployed: Deployment) -> None:
    task = vendor_id(program, deployed)
    for command in (("task", "list"), ("task", "show", deployed.succeeded)):
        assert task not in program(*command).out
        assert task in program(*command, "--reveal").out
    assert HIDDEN in program("task", "show", deployed.succeeded).out


def test_pages_follow_each_other(program: Program, deployed: Deployment) -> None:
    first = program.json("task", "list", "--limit", "1")["result"]
    assert first["next"] is not None
    after = program.json("task", "list", "--after", first["next"])["result"]
    assert after["next"] is None
    assert after["items"] == []
    assert program("task", "list", "--after", first["next"]).out == "The vendor holds nothing of a task.\n"


@pytest.mark.parametrize("which", ["denial", "open"])
def test_a_request_that_started_nothing_has_no_life(
    program: Program, deployed: Deployment, which: str
) -> None:
    said = program("task", "show", getattr(deployed, which))
    assert said.exit == 2
    assert "started nothing that is on record" in said.err


def test_an_id_that_nobody_knows_is_refused(program: Program) -> None:
    assert program("task", "show", "00000000").exit == 2
    assert program("task", "list", "--after", "00000000").exit == 2
