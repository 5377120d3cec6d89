"""A withdrawal against profiles that were really made: the service has them no more."""

from collections.abc import Callable
from typing import Any

import pytest

from consentgate import ConsentWithdrawn
from tests.functional.gate.conftest import World
from tests.functional.gate.operations.conftest import Stage


def left(stage: Stage) -> int:
    """How many profiles the service has."""
    listed = stage.world.server.client()
    try:
        found: int = len(listed.list_voice_profiles(VoiceProfileDomainId="vpd-1")["VoiceProfiles"])
    finally:
        listed.close()
    return found


def while_it_is_made(world: World, client: Any, act: Callable[[], Any]) -> None:
    """Do something after the intent is durable and before the request leaves."""
    world.unhurried()
    event = "request-created.chime-sdk-voice.CreateVoiceProfile"
    client.meta.events.register_first(event, lambda **_: act())


def test_withdrawal_deletes_what_was_enrolled(stage: Stage) -> None:
    ada = stage.world.caller()
    stage.consent(ada)
    stage.create(stage.searched(ada))
    assert left(stage) == 1
    issued = stage.world.ivr.withdraw(ada, method="web_form")
    # Nobody saw the search end: that is asked for, and the profile goes.
    assert [(each.does, each.said) for each in issued.orders] == [("stop", "ended"), ("delete", "deleted")]
    assert (left(stage), stage.sent("DeleteVoiceProfile")) == (0, 1)


def test_withdrawal_for_another_purpose_deletes_nothing(stage: Stage) -> None:
    ada = stage.world.caller()
    stage.consent(ada)
    stage.create(stage.searched(ada))
    assert stage.world.ivr.withdraw(ada, method="web_form", purposes=["marketing"]).orders == ()
    assert left(stage) == 1


def test_withdrawal_while_a_profile_is_made_deletes_it_with_the_answer(stage: Stage) -> None:
    ada = stage.world.caller()
    stage.consent(ada)
    task = stage.searched(ada)
    while_it_is_made(stage.world, stage.voice, lambda: stage.world.ivr.withdraw(ada, method="web_form"))
    with pytest.raises(ConsentWithdrawn) as withdrawn:
        stage.create(task)
    assert withdrawn.value.stopped
    assert (left(stage), stage.world.gate.open_stops()) == (0, ())


def test_deletion_that_is_refused_is_done_by_the_next_try(stage: Stage) -> None:
    ada = stage.world.caller()
    stage.consent(ada)
    stage.create(stage.searched(ada))
    stage.world.server.script.fail("DeleteVoiceProfile", error="AccessDeniedException")
    _, order = stage.world.ivr.withdraw(ada, method="web_form").orders
    assert (order.does, order.said, left(stage)) == ("delete", "AccessDeniedException", 1)
    assert (stage.world.gate.carry_out_stops(), left(stage)) == ((), 0)
