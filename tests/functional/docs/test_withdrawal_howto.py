"""The page on withdrawal: its code prints what it says, its table of rules is what the gate does."""

import re
from datetime import timedelta

import pytest

from consentgate.gate import orders
from consentgate.gate.worker import IDLE_LOOK
from consentgate.ledger.stops import MAX_CALL
from tests.functional.docs.pages import text_of
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

PAGE = text_of("docs/howto/withdrawal.md")


def test_code_of_the_page_prints_what_it_says(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"<!-- withdraw -->\n```python\n(.*?)```\n<!-- /withdraw -->", PAGE, re.DOTALL)
    assert found is not None
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    world.search("tx-1")
    exec(found.group(1), {"ivr": world.ivr, "caller": caller})
    assert f"it prints `{capsys.readouterr().out.strip()}`" in PAGE


def test_times_of_the_page_are_those_of_the_worker() -> None:
    assert f"within {'ten' if IDLE_LOOK == 10 else IDLE_LOOK} seconds" in PAGE
    assert f"tried again after {orders._FIRST_WAIT.seconds} seconds" in PAGE
    assert f"up to {orders._LONGEST_WAIT // timedelta(minutes=1)} minutes" in PAGE
    assert f"{MAX_CALL // timedelta(hours=1)} hours after the request" in PAGE
