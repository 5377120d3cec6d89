"""The page on outcomes: its code runs, its settings are settings, what it says of ends is what the tests show."""

import re
import tomllib
from collections.abc import Callable
from typing import Any, get_args

import pytest

from consentgate.config.settings import load_settings
from consentgate.gate.evidence import Because
from tests.functional.docs.pages import rows, text_of
from tests.functional.gate.broken import Outage, another_gate
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

PAGE = text_of("docs/howto/outcomes.md")


def block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```\n<!-- /{name} -->", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_code_of_the_page_records_the_outcome(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with another_gate(world, spool=None) as hasty:
        caller = hasty.caller()
        hasty.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
        hasty.register("tx-1", caller)
        outage = Outage(hasty)
        outage.before_the_answer()

        def search() -> Any:
            try:
                return hasty.search("tx-1")
            finally:
                outage.end()

        names: dict[str, Callable[[], Any] | Any] = {"gate": hasty.gate, "search": search}
        exec(block("record"), names)
    said = capsys.readouterr().out
    assert f"It prints `{said.strip()}`" in PAGE
    assert world.ends() == ["succeeded"]


def test_settings_of_the_page_are_settings(world: World) -> None:
    path = world.home / "consentgate.toml"
    path.write_text(path.read_text() + "\n" + block("spool"))
    settings = load_settings(world.home, {})
    told = tomllib.loads(block("spool"))["spool"]
    assert settings.spool == world.home / told["folder"]
    assert settings.spool_limit == told["limit"]


def test_every_reason_of_a_reconciled_outcome_is_on_the_page() -> None:
    table = rows(PAGE, "| `because` | outcome | who says so |")
    assert {row[0].strip("`") for row in table} == {*get_args(Because)}
