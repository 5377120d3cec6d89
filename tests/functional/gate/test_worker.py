"""Stop orders are carried out by a worker: tasks stopped, profiles deleted, each step on record, whatever happens."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from consentgate import ConsentGate
from consentgate.errors import LogRefused, Unavailable
from consentgate.gate.orders import StopOrder, next_try, overdue
from consentgate.gate.ports import Told
from consentgate.gate.request import Started
from consentgate.gate.stopping import Stopping
from consentgate.gate.worker import IDLE_LOOK, SHORTEST_LOOK, Worker
from consentgate.storage import orders
from consentgate.storage.orders import OrderRow
from tests.functional.gate.conftest import World

CONFIRMED = Told(confirmed=True, said="stopped")
REFUSED = Told(confirmed=False, said="AccessDeniedException")


class Vendor:
    """A vendor that answers what it is told to, and confirms when that is used up."""

    def __init__(self, *answers: Told, region: str = "us-east-1") -> None:
        self._region = region
        self.answers = list(answers)
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def serves(self, started: Started) -> bool:
        return started.region == self._region

    def stop(self, started: Started) -> bool:
        return self.carry_out(started).confirmed

    def carry_out(self, started: Started) -> Told:
        self.asked.append(started.task)
        self.meanwhile()
        return self.answers.pop(0) if self.answers else CONFIRMED


class Plain:
    """One that only says yes or no."""

    def __init__(self) -> None:
        self.asked = 0

    def serves(self, started: Started) -> bool:  # noqa: ARG002  # the port's
        return True

    def stop(self, started: Started) -> bool:  # noqa: ARG002  # the port's
        self.asked += 1
        return self.asked > 1


@pytest.fixture
def task(world: World) -> str:
    """A running task whose speaker withdrew where no client was at hand."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    started: str = world.search("tx-1")["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    withdraw_elsewhere(world)
    return started


def withdraw_elsewhere(world: World, number: str = "1001", **more: Any) -> None:
    """Take a withdrawal in by a process that has no client."""
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=False) as other:
        other.issuer(world.ivr.iss).withdraw(world.caller(number), method="web_form", **more)


def working(world: World, vendor: Any) -> tuple[Worker, Stopping]:
    """A worker of this deployment with a client of its own."""
    stopping = Stopping(world.gate._parts.gate)
    stopping.take(vendor)
    return Worker(stopping, world.clock), stopping


def noted(world: World) -> list[tuple[str | None, dict[str, Any]]]:
    """What was noted about stop orders, in order."""
    stops = {row.id for row, _ in world.opened("stop")}
    return [
        (row.end, {k: v for k, v in parts["exchange.0"].items() if k not in ("v", "end")})
        for row, parts in world.opened("observation")
        if row.re in stops
    ]


def test_worker_carries_out_what_was_left(world: World, task: str) -> None:
    vendor = Vendor()
    worker, stopping = working(world, vendor)
    done = worker.once()
    assert (done.tried, done.done, done.left, done.next_at) == (1, 1, 0, None)
    assert vendor.asked == [task]
    assert noted(world) == [("succeeded", {"stopped": True, "said": "stopped"})]
    assert (stopping.open(), worker.once().tried) == ((), 0)


def test_vendor_that_does_not_explain_itself_will_do(world: World, task: str) -> None:
    vendor = Plain()
    _, stopping = working(world, vendor)
    stopping.carry_out()
    assert [each.said for each in stopping.open()] == ["not confirmed"]
    stopping.carry_out()
    assert noted(world) == [("unknown", {"stopped": False}), ("succeeded", {"stopped": True})]


def test_refused_stop_is_tried_again_after_waits_that_grow(world: World, task: str) -> None:
    vendor = Vendor(*[REFUSED] * 12)
    worker, stopping = working(world, vendor)
    waits: list[float] = []
    for _ in range(12):
        done = worker.once()
        assert (done.tried, done.done, done.left) == (1, 0, 1)
        [order] = stopping.open()
        assert order.tried_at == world.clock()
        assert order.next_at is not None
        waits.append((order.next_at - world.clock()).total_seconds())
        # Not before it is due, and then it is.
        world.clock.advance(order.next_at - world.clock() - timedelta(milliseconds=1))
        assert worker.once().tried == 0
        world.clock.advance(timedelta(milliseconds=1))
    assert all(2**n / 2 * 2 <= wait <= 2 * 2**n for n, wait in enumerate(waits) if 2 * 2**n < 900)
    assert waits[-1] <= 900
    assert worker.once().done == 1
    assert [end for end, _ in noted(world)] == ["unknown"] * 12 + ["succeeded"]


def test_waits_differ_between_orders_and_are_the_same_for_every_worker() -> None:
    rows = [row(UUID(int=n), tries=3) for n in range(50)]
    assert len({next_try(each) for each in rows}) > 20
    assert [next_try(each) for each in rows] == [next_try(each) for each in rows]


def row(entry: UUID, tries: int) -> OrderRow:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return OrderRow(
        ordinal=1,
        id=entry,
        hash=b"",
        at=at,
        intent=entry,
        intent_at=at,
        tries=tries,
        tried_at=at,
        last=None,
        closed=False,
    )


def test_crash_between_vendor_and_record_is_made_good_by_the_next_one(
    world: World, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = Vendor(CONFIRMED, Told(confirmed=True, said="gone"))
    worker, _ = working(world, vendor)

    def crash(*_: object, **__: object) -> None:
        raise Unavailable("crashed")

    with monkeypatch.context() as patch:
        patch.setattr(world.gate._parts.gate.database, "write", crash)
        with pytest.raises(Unavailable):
            worker.once()
    assert noted(world) == []
    # Another process finds the order as it was.
    after, _ = working(world, vendor)
    assert after.once().done == 1
    assert vendor.asked == [task, task]
    assert noted(world) == [("succeeded", {"stopped": True, "said": "gone"})]


def test_two_workers_at_once_do_no_harm(world: World, task: str) -> None:
    both = threading.Barrier(2)
    vendor = Vendor()
    vendor.meanwhile = lambda: both.wait(20)
    workers = [working(world, vendor) for _ in range(2)]
    threads = [threading.Thread(target=worker.once) for worker, _ in workers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert vendor.asked == [task, task]
    assert {end for end, _ in noted(world)} == {"succeeded"}
    assert workers[0][1].open() == ()


def test_order_that_somebody_carried_out_meanwhile_is_left_alone(world: World, task: str) -> None:
    quick, slow = Vendor(), Vendor(REFUSED)
    slow.meanwhile = working(world, quick)[0].once
    working(world, slow)[0].once()
    # The other's refusal came after ours was done: it is no news any more.
    assert noted(world) == [("succeeded", {"stopped": True, "said": "stopped"})]
    stopping = Stopping(world.gate._parts.gate)
    found = rows(world)
    assert [stopping._carry_out(each, (slow,)) for each in found] == [None] * len(found)


def rows(world: World) -> tuple[OrderRow, ...]:
    with world.gate._parts.database.read() as connection:
        named = [entry.id for entry, _ in world.opened("stop")]
        return orders.orders_named(connection, "default", named)


def test_order_of_which_no_client_serves_the_region_waits(world: World, task: str) -> None:
    vendor = Vendor(region="eu-central-1")
    worker, stopping = working(world, vendor)
    assert (worker.once().tried, vendor.asked) == (0, [])
    assert [each.tries for each in stopping.open()] == [0]


def test_stop_that_came_too_late_is_closed_and_says_so(world: World, task: str) -> None:
    vendor = Vendor(REFUSED)
    worker, stopping = working(world, vendor)
    worker.once()
    world.clock.advance(timedelta(days=1))
    assert (overdue(stopping.open(), world.clock()), stopping.open()) == (0, ())
    lonely = Worker(Stopping(world.gate._parts.gate), world.clock)
    assert lonely.once().done == 1
    assert noted(world)[-1] == ("undetermined", {"stopped": False, "said": "too late"})
    assert lonely.once().left == 0


def test_closed_orders_of_long_ago_are_not_looked_at_again(world: World, task: str) -> None:
    vendor = Vendor()
    worker, stopping = working(world, vendor)
    worker.once()
    assert stopping._settled == 0
    world.clock.advance(timedelta(minutes=2))
    worker.once()
    [closed] = rows(world)
    assert stopping._settled == closed.ordinal
    # An order that comes later is seen.
    caller = world.caller("2002")
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-2", caller)
    world.search("tx-2")
    withdraw_elsewhere(world, "2002")
    world.clock.advance(timedelta(minutes=2))
    assert worker.once().done == 1


def test_open_order_of_long_ago_is_looked_at_again(world: World, task: str) -> None:
    vendor = Vendor(REFUSED, REFUSED)
    worker, stopping = working(world, vendor)
    worker.once()
    world.clock.advance(timedelta(minutes=2))
    assert worker.once().tried == 1
    [waiting] = rows(world)
    assert stopping._settled == waiting.ordinal - 1
    world.clock.advance(timedelta(minutes=2))
    assert worker.once().done == 1


def test_withdrawal_tells_what_is_stopped_and_what_is_open_until_when(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    for number in (1, 2):
        world.register(f"tx-{number}", caller)
        world.search(f"tx-{number}")
    world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException")
    token = world.ivr._signed(world.ivr._statement(caller, "ConsentWithdrawn", "web_form", None))
    told = world.gate.withdraw(token)
    assert (told.new, told.known, len(told.orders)) == (True, True, 2)
    [left], [done] = told.open, told.stopped
    intents = {row.id: row.at for row, _ in world.opened("intent")}
    assert {left.intent, done.intent} == {*told.stops} == {*intents}
    assert (left.does, left.said, left.done_at) == ("stop", "ForbiddenException", None)
    assert left.until == intents[left.intent] + timedelta(hours=24)
    assert (done.said, done.done_at, done.next_at) == ("stopped", world.clock(), None)
    assert (told.deleted, left.tried) == ((), True)
    # The same token again tells how far it is by now.
    world.gate.carry_out_stops()
    again = world.gate.withdraw(token)
    assert (again.new, again.stops, again.open, len(again.stopped)) == (False, (), (), 2)


def test_issuer_that_withdraws_is_told_the_same(world: World) -> None:
    caller = world.caller()
    granted = world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    world.search("tx-1")
    assert granted.orders == ()
    issued = world.ivr.withdraw(caller, method="web_form")
    assert [(str(each.intent), each.said) for each in issued.orders] == [(issued.stops[0], "stopped")]


def test_withdrawal_stands_also_where_nobody_can_read_what_became_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    world.search("tx-1")

    def gone(*_: object) -> None:
        raise Unavailable("gone")

    token = world.ivr._signed(world.ivr._statement(caller, "ConsentWithdrawn", "web_form", None))
    monkeypatch.setattr("consentgate.gate.stopping.caused_by", gone)
    told = world.gate.withdraw(token)
    assert (told.known, told.orders, len(told.stops)) == (False, (), 1)


@contextmanager
def background(world: World) -> Iterator[ConsentGate]:
    """A gate that works in the background, by the machine's clock as far as threads go."""
    with ConsentGate(world.gate._parts.settings, clock=world.clock, background=True) as gate:
        yield gate


def until(wanted: Callable[[], bool]) -> bool:
    """Wait for something that a thread does."""
    ends = time.monotonic() + 20
    while not wanted() and time.monotonic() < ends:
        time.sleep(0.02)
    return wanted()


def test_gate_carries_out_in_the_background_what_others_left(world: World, task: str) -> None:
    with background(world) as gate:
        assert len(gate.ready().stops) == 1
        assert gate._worker._runs == {}
        client = gate.protect(world.server.client())
        assert until(lambda: gate.ready().stops == ())
        client.close()
    assert noted(world) == [("succeeded", {"stopped": True, "said": "stopped"})]


def test_gate_tries_again_in_the_background_what_it_could_not_do_at_once(world: World) -> None:
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    world.register("tx-1", caller)
    world.search("tx-1")
    with background(world) as gate:
        client = gate.protect(world.server.client())
        assert until(lambda: gate._worker._runs != {})
        world.server.script.fail("StopSpeakerSearchTask", error="ForbiddenException")
        assert len(gate.issuer(world.ivr.iss).withdraw(caller, method="web_form").stops) == 1
        world.clock.advance(timedelta(minutes=20))
        gate._worker.wake()
        assert until(lambda: gate.open_stops() == ())
        client.close()
    # A gate that is closed works no more, whatever it is told.
    gate._worker.wake()
    assert not any(run.thread and run.thread.is_alive() for run in gate._worker._runs.values())


def test_worker_that_fails_shows_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with background(world) as gate:
        stopping = gate._stopping

        def gone(*_: object) -> None:
            raise Unavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(stopping, "carry_out_due", gone)
            client = gate.protect(world.server.client())
            assert until(lambda: gate._worker.failure is not None)
            with pytest.raises(Unavailable, match="not being carried out"):
                gate.ready()
        gate._worker.wake()
        assert until(lambda: gate._worker.failure is None)
        assert gate.ready().stops == ()
        client.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_worker_that_dies_shows_and_is_started_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with background(world) as gate:

        def bug(*_: object) -> None:
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(gate._stopping, "carry_out_due", bug)
            client = gate.protect(world.server.client())
            assert until(lambda: isinstance(gate._worker.failure, ZeroDivisionError))
        assert until(lambda: not any(r.thread and r.thread.is_alive() for r in gate._worker._runs.values()))
        gate._worker.start()
        assert until(lambda: gate._worker.failure is None)
        client.close()


def test_gate_without_background_starts_no_thread(world: World, task: str) -> None:
    world.gate.carry_out_stops()
    assert world.gate._worker._runs == {}


def test_log_that_is_not_kept_is_told_first(world: World) -> None:
    with background(world) as gate:
        service = gate._parts.service
        assert service is not None
        service._failures["sign"] = Unavailable("gone")
        with pytest.raises(LogRefused):
            gate.ready()


@pytest.mark.parametrize(
    ("ahead", "rests"),
    [(timedelta(0), SHORTEST_LOOK), (timedelta(seconds=3), 3.0), (timedelta(hours=1), IDLE_LOOK)],
)
def test_next_look_is_when_the_next_order_is_due(world: World, ahead: timedelta, rests: float) -> None:
    worker, _ = working(world, Vendor())
    done = worker.once()
    assert worker.rest(None) == worker.rest(done) == IDLE_LOOK
    due = type(done)(tried=0, done=0, left=1, next_at=world.clock() + ahead)
    assert worker.rest(due) == rests


def test_worker_stops_between_two_orders_when_it_is_told_to(world: World, task: str) -> None:
    vendor = Vendor()
    worker, _ = working(world, vendor)
    assert worker.look(lambda: False) is not None
    assert vendor.asked == []


def test_orders_tell_their_kind(world: World, task: str) -> None:
    [order] = world.gate.open_stops()
    assert isinstance(order, StopOrder)
    assert (order.does, order.tried, order.said, overdue((order,), order.until)) == ("stop", False, "", 1)
