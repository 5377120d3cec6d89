"""What people get wrong in their first hour: each mistake is answered with what to pass instead."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from consentgate import OutcomeNotRecorded, Speaker
from consentgate.errors import InvalidInput
from tests.functional.gate.conftest import NOTICE, World

MISTAKES: list[tuple[Callable[[World, Any], object], Any, str]] = [
    (lambda world, it: world.gate.protect(it), "chime-sdk-voice", "boto3 clients of"),
    (lambda world, it: world.gate.protect(it), None, "boto3 clients of"),
    (lambda world, it: world.gate.protect(it), boto3, "boto3 clients of"),
    (
        lambda world, it: world.gate.record(it),
        OutcomeNotRecorded(None, "x", "sealed").record,
        "as it was raised",
    ),
    (lambda world, it: world.gate.add_notice(it, **{**NOTICE, "id": "new"}), "We listen.", "exact bytes"),
    (lambda world, it: world.ivr.grant(it, notice="voiceprint", method="ivr_dtmf"), "C-1001", "about whom"),
    (lambda world, it: world.ivr.withdraw(it, method="ivr_dtmf"), ("customer", "C-1001"), "about whom"),
    (
        lambda world, it: world.ivr.grant(
            world.caller(), notice="voiceprint", method="ivr_dtmf", max_uses=it
        ),
        "1",
        "whole number",
    ),
    (
        lambda world, it: world.ivr.grant(
            world.caller(), notice="voiceprint", method="ivr_dtmf", max_uses=it
        ),
        True,
        "whole number",
    ),
    (lambda _, it: Speaker(it), None, "at least one reference"),
    (lambda _, it: Speaker(it), "C-1001", "reference"),
    (lambda _, it: Speaker([it]), (1001, "customer"), "lower-case word"),
    (lambda _, it: Speaker([("customer", it)]), 1001, "reference"),
    (lambda _, it: Speaker([("customer", "1")], it), None, "list of Evidence"),
    (lambda _, it: Speaker([("customer", "1")], it), ["US-IL"], "list of Evidence"),
]


@pytest.mark.parametrize(("make", "given", "says"), MISTAKES)
def test_first_mistakes_are_answered_with_what_to_pass(
    world: World, make: Callable[[World, Any], object], given: Any, says: str
) -> None:
    before = len(world.opened("statement", "notice"))
    with pytest.raises(InvalidInput, match=says):
        make(world, given)
    assert len(world.opened("statement", "notice")) == before
