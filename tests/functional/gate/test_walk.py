"""The main job, end to end: statement, ledger, decision, intent, request, outcome."""

import pytest

from consentgate import ConsentDenied
from tests.functional.gate.conftest import World


def test_granted_caller_is_searched(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    answer = world.search("tx-1")
    assert answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    assert world.searches == 1


def test_caller_without_consent_is_denied_before_anything_leaves(world: World) -> None:
    world.register("tx-1", world.caller())
    with pytest.raises(ConsentDenied) as denied:
        world.search("tx-1")
    assert [r.code for r in denied.value.reasons] == ["NO_CONSENT"]
    assert denied.value.entry is not None
    assert world.searches == 0
