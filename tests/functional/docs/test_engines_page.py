"""The page on other engines: its code runs, and the examples that it names say what they are for."""

import re
import subprocess
import sys
from typing import Any

import pytest

from consentgate import ConsentDenied, ConsentWithdrawn, VendorRequest
from tests.functional.docs.pages import ROOT, text_of
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

PAGE = text_of("docs/howto/engines.md")

# What the page shows is the same on any database.
pytestmark = pytest.mark.sqlite_file


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def names() -> dict[str, Any]:
    """What the page's code defines."""
    found: dict[str, Any] = {"stopped": []}
    found["cancel"] = lambda task: found["stopped"].append(task) or 200
    for each in ("block", "stop", "function"):
        exec(block(each), found)
    return found


def registered(world: World, call: str) -> tuple[Any, VendorRequest]:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.gate.register_call(call, caller=[caller], purpose="authentication")
    return caller, VendorRequest(url="/v1/searches", service="acme-voice", body={}, country="US", call=call)


def test_block_of_the_page_decides(world: World, names: dict[str, Any]) -> None:
    with pytest.raises(ConsentDenied):
        names["identify"](world.gate, world.caller(), b"audio", lambda _: b"never")
    assert world.opened("intent") == []


def test_withdrawals_of_the_page_stop_what_runs(world: World, names: dict[str, Any]) -> None:
    caller, request = registered(world, "call-1")
    names["start"](world.gate, caller, request, lambda _: b"{}")
    assert world.ends() == ["succeeded"]
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert names["stopped"] == ["task-1"]


def test_function_of_the_page_is_guarded(world: World, names: dict[str, Any]) -> None:
    caller, request = registered(world, "call-1")

    def post(_: bytes) -> bytes:
        world.ivr.withdraw(caller, method="ivr_dtmf")
        return b"{}"

    start = names["functions"](world.gate, post)
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        start(caller, request, "task-2")
    assert withdrawn.value.stopped
    assert names["stopped"] == ["task-2"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("local_engine", ["consented: ['vp-1']", "did not: ['NO_CONSENT']", "by a guarded function: True"]),
        (
            "http_vendor",
            ["started: search 1", "running after the withdrawal: 0", "denied: ['CONSENT_WITHDRAWN']"],
        ),
    ],
)
def test_example_shows_what_the_page_says_of_it(name: str, said: list[str]) -> None:
    assert f"examples/{name}.py" in PAGE
    done = subprocess.run(
        [sys.executable, "-W", "error", f"examples/{name}.py"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == said, done.stderr
