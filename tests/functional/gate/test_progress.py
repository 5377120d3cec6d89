"""What is seen of a task is kept once, in whatever order it comes, and ends what it ends."""

from datetime import timedelta
from itertools import count
from threading import Event, Thread
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ConnectionClosedError
from sqlalchemy import Connection

from consentgate import Speaker
from consentgate.canonical import unb64
from consentgate.entries.leaf import Answer
from consentgate.errors import InvalidInput, Malformed
from consentgate.gate import progress as gate_progress
from consentgate.gate.progress import Progress, observe
from consentgate.ledger import progress, stops
from consentgate.ledger.book import Content
from consentgate.ledger.progress import TaskState
from consentgate.storage import entries
from consentgate.testing.clock import START
from consentgate.testing.tasks import TaskBook
from tests.functional.gate.conftest import World


@pytest.fixture
def caller(world: World, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    """A caller who may be searched on call tx-1, which starts task-1."""
    numbers, voice = count(1), world.server._behaviours["chime-sdk-voice"]
    monkeypatch.setattr(voice, "searches", TaskBook(world.clock, lambda: f"task-{next(numbers)}"))
    speaker = world.caller()
    world.ivr.grant(speaker, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", speaker)
    return speaker


def searched(world: World) -> UUID:
    """Search, and give the intent."""
    world.search("tx-1")
    return world.opened("intent")[-1][0].id


def seen(status: str = "IN_PROGRESS", *, minute: int = 1, **more: Any) -> Progress:
    """Something that was seen of a task."""
    given = {
        "source": "poll",
        "body": f"{status} {minute}".encode(),
        "at": START + timedelta(minutes=minute),
        "task": "task-1",
    }
    return Progress(status=status, **{**given, **more})


def keep(world: World, intent: UUID, *sightings: Progress) -> list[bool]:
    """Keep what was seen, one after the other."""
    return [observe(world.gate._parts.gate, intent, each) for each in sightings]


def state(world: World, intent: UUID) -> TaskState:
    """Give what is known of what an intent started."""
    with world.gate._parts.database.read() as connection:
        return progress.state_of(world.gate._parts.book, connection, intent)


def observations(world: World) -> list[dict[str, Any]]:
    """Give the parts of every observation."""
    return [parts for _, parts in world.opened("observation")]


def test_a_sighting_is_kept_under_the_key_of_the_speaker(world: World, caller: Speaker) -> None:
    intent = searched(world)
    assert keep(world, intent, seen()) == [True]
    (row, parts), *_ = world.opened("observation")
    assert (row.re, row.end) == (intent, "succeeded")
    assert sorted(parts) == ["exchange.0"]
    kept = parts["exchange.0"]
    assert unb64(kept["response"]) == b"IN_PROGRESS 1"
    assert (kept["source"], kept["status"], kept["task"]) == ("poll", "IN_PROGRESS", "task-1")
    assert kept["seen_at"] == "2026-11-22T12:01:00.000Z"


def test_every_speaker_of_the_leg_has_a_copy(world: World, caller: Speaker) -> None:
    second = world.caller("1002")
    world.ivr.grant(second, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", second)
    keep(world, searched(world), seen())
    assert sorted(observations(world)[-1]) == ["exchange.0", "exchange.1"]


def test_results_lie_under_the_key_of_the_month_alone(world: World, caller: Speaker) -> None:
    body = b'{"results":[{"voiceProfileId":"vp-of-somebody"}]}'
    intent = searched(world)
    keep(world, intent, seen("SUCCEEDED", results=True, body=body, summary={"status": "SUCCEEDED"}))
    parts = observations(world)[-1]
    assert unb64(parts["matches.0"]["response"]) == body
    assert "response" not in parts["exchange.0"]
    assert parts["exchange.0"]["summary"] == {"status": "SUCCEEDED"}
    assert "vp-of-somebody" not in str(parts["exchange.0"])
    assert state(world, intent).results


def test_the_same_thing_seen_again_is_not_written_again(world: World, caller: Speaker) -> None:
    intent = searched(world)
    first, again = seen(), seen(source="notification")
    assert keep(world, intent, first, again, first) == [True, False, False]
    assert len(observations(world)) == 1


def test_the_id_of_an_observation_is_another_for_another_intent(world: World, caller: Speaker) -> None:
    intent = searched(world)
    world.server.finish(world.exchange("outcome")["task"])
    other = searched(world)
    assert keep(world, intent, seen()) == [True]
    assert keep(world, other, seen()) == [True]


def test_nothing_is_kept_about_what_the_ledger_does_not_know(world: World, caller: Speaker) -> None:
    searched(world)
    outcome = world.opened("outcome")[-1][0].id
    assert keep(world, uuid4(), seen()) == [False]
    assert keep(world, outcome, seen()) == [False]
    assert observations(world) == []


def test_nothing_is_kept_about_somebody_whose_key_was_destroyed(world: World, caller: Speaker) -> None:
    intent = searched(world)
    with world.raw() as raw:
        raw.execute("DELETE FROM data_key")
    assert keep(world, intent, seen()) == [False]


def test_a_withdrawal_after_the_end_leaves_no_stop_order(world: World, caller: Speaker) -> None:
    intent = searched(world)
    keep(world, intent, seen("SUCCEEDED"))
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert world.opened("stop") == []
    assert state(world, intent).ended


@pytest.mark.parametrize("status", ["IN_PROGRESS", "PARTIAL_SUCCESS", "Stopping", "IdentificationSuccessful"])
def test_a_withdrawal_before_the_end_leaves_one(world: World, caller: Speaker, status: str) -> None:
    keep(world, searched(world), seen(status))
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert len(world.opened("stop")) == 1


def test_an_end_that_is_seen_after_a_withdrawal_closes_the_stop_order(world: World, caller: Speaker) -> None:
    intent = searched(world)
    world.client.meta.events.register_first("before-call", refuse)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert [each.intent for each in world.gate.open_stops()] == [intent]
    assert keep(world, intent, seen("FAILED"), seen("FAILED")) == [True, False]
    assert world.gate.open_stops() == ()


def test_what_does_not_end_a_task_leaves_the_stop_order_open(world: World, caller: Speaker) -> None:
    intent = searched(world)
    world.client.meta.events.register_first("before-call", refuse)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    keep(world, intent, seen("IN_PROGRESS"))
    assert len(world.gate.open_stops()) == 1


def test_a_damaged_observation_keeps_no_stop_order_away(world: World, caller: Speaker) -> None:
    keep(world, searched(world), seen("SUCCEEDED"))
    with world.raw() as raw:
        raw.unguarded("UPDATE entry SET parts = 'x' WHERE kind = 'observation'")
    world.ivr.withdraw(caller, method="ivr_dtmf")
    assert len(world.opened("stop")) == 1


@pytest.mark.parametrize("status", ["", "x" * 129, "näh", "a\n"])
def test_a_status_is_a_plain_word(status: str) -> None:
    with pytest.raises(InvalidInput):
        seen(status)


def refuse(**_: Any) -> None:
    """The vendor is out of reach."""
    raise OSError("out of reach")


def test_an_observation_that_says_no_status_cannot_be_read(world: World, caller: Speaker) -> None:
    intent = searched(world)
    book = world.gate._parts.book

    def odd(connection: Connection) -> None:
        row = entries.by_id(connection, book.tenant, intent)
        assert row is not None
        owner = progress.owners_of(book, connection, row)[0]
        part = Content(name="exchange.0", data_key=owner.data_key, members={"source": "poll"})
        answer = Answer(id=row.id, h=row.hash)
        book.write(connection, "observation", book.now(), [part], [owner.id], re=answer, end="unknown")

    world.gate._parts.database.write(odd)
    with pytest.raises(Malformed):
        state(world, intent)


def test_what_answers_an_intent_and_is_no_sighting_is_passed_over(world: World, caller: Speaker) -> None:
    world.server.script.drop_after_accepting(times=None)
    with pytest.raises(ConnectionClosedError):
        world.search("tx-1")
    intent = world.opened("intent")[-1][0].id
    assert len(observations(world)) == 1
    assert state(world, intent) == TaskState()


def meet(monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str) -> tuple[Event, Event]:
    """Let a step inside a transaction say that it is there, and wait until it may go on, but not for ever."""
    there, go, real = Event(), Event(), getattr(where, name)

    def waiting(*arguments: Any) -> Any:
        found = real(*arguments)
        there.set()
        go.wait(0.4)
        return found

    monkeypatch.setattr(where, name, waiting)
    return there, go


def test_a_withdrawal_waits_for_an_end_that_is_being_written(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = searched(world)
    world.client.meta.events.register_first("before-call", refuse)
    there, go = meet(monkeypatch, gate_progress, "is_end")
    thread = Thread(target=lambda: keep(world, intent, seen("STOPPED")))
    thread.start()
    assert there.wait(10)
    world.ivr.withdraw(caller, method="ivr_dtmf")
    go.set()
    thread.join()
    assert world.opened("stop") == []


def test_an_end_waits_for_a_withdrawal_that_is_being_written(
    world: World, caller: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    intent = searched(world)
    world.client.meta.events.register_first("before-call", refuse)
    there, go = meet(monkeypatch, stops, "state_of")
    thread = Thread(target=lambda: world.ivr.withdraw(caller, method="ivr_dtmf"))
    thread.start()
    assert there.wait(10)
    assert keep(world, intent, seen("STOPPED")) == [True]
    go.set()
    thread.join()
    assert len(world.opened("stop")) == 1
    assert world.gate.open_stops() == ()
