"""The life of tasks and voice profiles, from the ledger's entries alone.

On SQLite alone: what is asked of a database here is asked on both by test_linking.py and test_cli_task.py.
"""

from datetime import timedelta
from uuid import UUID

import pytest

from consentgate.config.tasks import task_list, task_shown
from consentgate.errors import InvalidInput, Malformed
from consentgate.ledger.lifetimes import Lifetime
from consentgate.testing import events
from consentgate.testing.clock import START
from tests.functional.gate import profiles
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

pytestmark = pytest.mark.sqlite_file

CREATE, UPDATE = "CreateVoiceProfile", "UpdateVoiceProfile"


def shown(world: World, text: str) -> Lifetime:
    """Find one."""
    return task_shown(world.gate._parts, text)


def listed(world: World, *, everything: bool = False) -> list[str]:
    """Give what is listed."""
    page = task_list(world.gate._parts, after=None, limit=100, everything=everything)
    return [each.task for each in page.items]


def searched(world: World) -> str:
    """Search, and give the task."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    task: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return task


def test_a_profile_is_held_until_the_vendor_says(world: World) -> None:
    expires = START + timedelta(days=1000)
    profiles.answered(world, profiles.asked(world, CREATE), "vp-1", expires=expires)
    (held,) = shown(world, "vp-1").held
    assert (held.what, held.until, held.told) == ("profile", expires, True)


@pytest.mark.parametrize("readable", [True, False])
def test_where_the_vendor_does_not_say_three_years_are_reckoned(world: World, readable: bool) -> None:
    profiles.answered(world, profiles.asked(world, CREATE), "vp-1", readable=readable)
    (held,) = shown(world, "vp-1").held
    assert (held.until, held.told) == (START.replace(year=2029), False)


def test_an_update_counts_the_years_anew(world: World) -> None:
    made = profiles.answered(world, profiles.asked(world, CREATE), "vp-1")
    world.clock.advance(timedelta(days=400))
    profiles.answered(world, profiles.asked(world, UPDATE), "vp-1")
    for name in ("vp-1", str(made)):
        (held,) = shown(world, name).held
        assert held.until == (START + timedelta(days=400)).replace(year=2030)


def test_a_profile_that_was_deleted_is_held_no_more(world: World) -> None:
    intent = profiles.asked(world, CREATE)
    profiles.answered(world, intent, "vp-1")
    assert listed(world) == ["vp-1"]
    world.clock.advance(5)
    profiles.deleted(world, intent)
    found = shown(world, "vp-1")
    assert (found.held, found.deleted_at) == ((), world.clock())
    assert listed(world) == []
    assert listed(world, everything=True) == ["vp-1"]


@pytest.mark.parametrize(("operation", "gone"), [("DeleteVoiceProfile", True), ("GetVoiceProfile", False)])
def test_so_is_one_that_the_backend_deleted(world: World, operation: str, gone: bool) -> None:
    intent = profiles.asked(world, CREATE)
    profiles.answered(world, intent, "vp-1")
    profiles.deleted_by_the_backend(world, intent, operation=operation)
    found = shown(world, "vp-1")
    assert (found.held == (), found.deleted_at is not None) == (gone, gone)
    assert found.state.sightings == ()


def test_a_deletion_that_was_not_confirmed_is_none(world: World) -> None:
    intent = profiles.asked(world, CREATE)
    profiles.answered(world, intent, "vp-1")
    profiles.deleted(world, intent, end="unknown")
    found = shown(world, "vp-1")
    assert (len(found.held), found.deleted_at) == (1, None)


def test_a_task_is_listed_until_its_last_trace_is_gone(world: World) -> None:
    task = searched(world)
    world.gate.notify(events.search_event(task, "STOPPED", at=world.clock()))
    for days, there in ((0, True), (2, True), (6, False)):
        world.clock.advance(timedelta(days=days))
        assert (listed(world) == [task]) is there
    assert listed(world, everything=True) == [task]


def test_what_nobody_can_read_any_more_is_left_out(world: World) -> None:
    task = searched(world)
    with world.raw() as raw:
        raw.execute("DELETE FROM data_key")
    assert listed(world, everything=True) == []
    with pytest.raises(InvalidInput):
        shown(world, task)


@pytest.mark.parametrize("text", ["\ud800", "of-nobody", "00000000-0000-7000-8000-000000000000"])
def test_what_nobody_knows_is_refused(world: World, text: str) -> None:
    with pytest.raises(InvalidInput):
        shown(world, text)


def test_a_page_begins_after_an_outcome_that_is_there(world: World) -> None:
    searched(world)
    with pytest.raises(InvalidInput, match="no such entry"):
        task_list(world.gate._parts, after=UUID(int=7), limit=5, everything=False)


def test_an_outcome_whose_intent_is_gone_cannot_be_read(world: World) -> None:
    task = searched(world)
    with world.raw() as raw:
        raw.unguarded("DELETE FROM entry WHERE kind = 'intent'")
    with pytest.raises(Malformed):
        shown(world, task)
