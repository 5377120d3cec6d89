"""A death at any step of reconciling loses nothing: doing it again goes on, and each intent gets one final outcome.

On SQLite alone: the steps are the same code; what a database does with a dead process is the matter of
`tests/functional/crash`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from consentgate.aws.vendor import ChimeVendor
from consentgate.gate import finish, progress, reconcile, replay
from consentgate.ledger.book import Book
from consentgate.storage.database import Database
from consentgate.testing.cloudtrail import record_of, trail_file
from consentgate.testing.events import search_event
from tests.functional.gate.conftest import World
from tests.functional.gate.reconciling import caller_of, died, finals, gated


class Died(BaseException):
    """The process is gone: nobody catches it."""


def before(_real: Callable[..., Any]) -> Callable[..., Any]:
    """Die before the step."""

    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    return dies


def after(real: Callable[..., Any]) -> Callable[..., Any]:
    """Die after the step."""

    def dies(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        raise Died

    return dies


STEPS = [
    (reconcile, "_open"),
    (reconcile, "read_unsettled"),
    (ChimeVendor, "look"),
    (reconcile, "observe"),
    (progress, "derived_id"),
    (reconcile, "judge"),
    (reconcile, "append"),
    (Book, "write"),
    (Database, "write"),
    (reconcile, "unanswered"),
    (reconcile, "carry_out"),
    (ChimeVendor, "stop"),
    (replay, "record_stops"),
    (finish, "_write"),
]


@pytest.mark.parametrize("way", [before, after])
@pytest.mark.parametrize(("place", "name"), STEPS, ids=lambda each: getattr(each, "__name__", each))
def test_a_death_at_any_step_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, way: Callable[..., Any]
) -> None:
    left = caller_of(world, "1", "tx-1")
    caller_of(world, "2", "tx-2")
    _, task = died(world, "tx-1")
    died(world, "tx-2")
    world.ivr.withdraw(left, method="ivr_dtmf")
    world.gate.notify(search_event(task, "IdentificationNoMatchesFound", transaction="tx-1"))
    world.clock.advance(timedelta(hours=1))
    sent = gated(world)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, way(getattr(place, name)))
        with pytest.raises(Died):
            world.gate.reconcile()
    world.gate.reconcile()
    world.gate.carry_out_stops()
    assert sorted(str(each) for each in finals(world)) == ["succeeded", "undetermined"]
    assert {row.re for row, _ in world.opened("outcome")} == {row.id for row, _ in world.opened("intent")}
    assert world.gate.open_stops() == ()
    assert "StopSpeakerSearchTask" in [each.operation for each in world.server.requests]
    assert gated(world) == sent
    assert world.gate.reconcile().closed == ()


def test_a_death_between_two_files_closes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    caller_of(world)
    _, task = died(world)
    (tmp_path / "1.json").write_bytes(trail_file(record_of(world.server.requests[-1], made=task)))
    world.clock.advance(timedelta(hours=1))
    with monkeypatch.context() as patch:
        patch.setattr("consentgate.config.reconcile.records_in", before(lambda: None))
        with pytest.raises(Died):
            world.gate.reconcile(cloudtrail=[tmp_path / "1.json"])
    assert finals(world) == []
    assert world.gate.reconcile(cloudtrail=[tmp_path / "1.json"]).closed[0].end == "succeeded"
