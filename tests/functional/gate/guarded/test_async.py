"""Guarded blocks of an event loop: it never waits for the ledger, and a cancellation leaves nothing half done."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from consentgate import ConsentDenied, Speaker
from consentgate.canonical import unb64
from consentgate.errors import InvalidInput
from consentgate.gate.inthread import in_thread
from tests.functional.gate.conftest import World
from tests.functional.gate.guarded.conftest import Engine, guarded, identify


@pytest.fixture
def writers(world: World, monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that wrote to the ledger."""
    found: list[threading.Thread] = []
    write = world.gate._parts.database.write

    def noted(*args: Any, **more: Any) -> Any:
        found.append(threading.current_thread())
        return write(*args, **more)

    monkeypatch.setattr(world.gate._parts.database, "write", noted)
    return found


def test_ledger_is_written_beside_the_loop(
    world: World, willing: Speaker, engine: Engine, writers: list[threading.Thread]
) -> None:
    async def search() -> str:
        async with guarded(world, willing, b"voice") as permit:
            permit.answered(await permit.send(engine.later))
            return permit.entry

    entry = asyncio.run(search())
    assert world.ends() == ["succeeded"]
    assert str(world.opened("intent")[0][0].id) == entry
    assert engine.got == [b"voice"]
    assert len(writers) >= 3
    assert threading.main_thread() not in writers


def test_loop_goes_on_while_the_ledger_is_slow(
    world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    begin = world.gate._door.begin

    def slow(request: Any) -> Any:
        assert free.wait(10)
        return begin(request)

    monkeypatch.setattr(world.gate._door, "begin", slow)

    async def search() -> None:
        async with guarded(world, willing, b"voice") as permit:
            permit.failed(sent=False)

    async def both() -> None:
        searching = asyncio.create_task(search())
        await asyncio.sleep(0.02)
        assert not searching.done()
        free.set()
        await searching

    asyncio.run(both())
    assert world.ends() == ["not_sent"]


def test_denial_is_raised_where_it_is_awaited(world: World) -> None:
    async def search() -> None:
        async with guarded(world, world.caller(), b"voice"):
            pytest.fail("it was let in")

    with pytest.raises(ConsentDenied):
        asyncio.run(search())
    assert len(world.opened("denial")) == 1


def cancelled_in(work: Callable[[asyncio.Event], Any]) -> None:
    """Run something that says when it is to be cancelled."""

    async def main() -> None:
        ready = asyncio.Event()
        task = asyncio.create_task(work(ready))
        await ready.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_cancelled_before_anything_was_sent(world: World, willing: Speaker) -> None:
    async def search(ready: asyncio.Event) -> None:
        async with guarded(world, willing, b"voice"):
            ready.set()
            await asyncio.sleep(10)

    cancelled_in(search)
    assert world.ends() == ["not_sent"]
    assert world.exchange("outcome")["error"] == "CancelledError"


def test_cancelled_while_the_answer_is_awaited(world: World, willing: Speaker) -> None:
    async def search(ready: asyncio.Event) -> None:
        async def send(_: bytes) -> None:
            ready.set()
            await asyncio.sleep(10)

        async with guarded(world, willing, identify()) as permit:
            await permit.send(send)

    cancelled_in(search)
    assert world.ends() == ["unknown"]
    assert world.exchange("observation")["attempts"][0]["cause"] == "CancelledError"


def held_up(
    monkeypatch: pytest.MonkeyPatch, door: Any, step: str, entered: Callable[[], object]
) -> threading.Event:
    """Let a step of the gate wait in its thread until it is told to go on."""
    free = threading.Event()
    inner = getattr(door, step)

    def slow(*args: Any, **more: Any) -> Any:
        entered()
        assert free.wait(10)
        return inner(*args, **more)

    monkeypatch.setattr(door, step, slow)
    return free


@pytest.mark.parametrize(
    ("step", "end"), [("begin", "not_sent"), ("recheck", "not_sent"), ("finish", "succeeded")]
)
def test_cancelled_while_the_ledger_works(
    world: World, willing: Speaker, monkeypatch: pytest.MonkeyPatch, step: str, end: str
) -> None:
    async def search() -> None:
        async with guarded(world, willing, b"voice") as permit:
            await permit.sending()
            permit.answered(b"{}")

    async def main() -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        free = held_up(monkeypatch, world.gate._door, step, partial(loop.call_soon_threadsafe, ready.set))
        task = asyncio.create_task(search())
        await ready.wait()
        # Twice: the second one must not tear the waiting apart either.
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        free.set()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert world.ends() == [end]
    assert len(world.opened("intent")) == 1


def test_time_out_around_a_block_is_a_cancellation(world: World, willing: Speaker) -> None:
    async def search() -> None:
        async with asyncio.timeout(None) as limit, guarded(world, willing, identify()) as permit:
            await permit.sending()
            limit.reschedule(asyncio.get_running_loop().time() + 0.01)
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        asyncio.run(search())
    assert world.ends() == ["unknown"]


def test_blocks_of_many_tasks_are_apart(world: World, willing: Speaker, engine: Engine) -> None:
    async def one(number: int) -> None:
        async with guarded(world, willing, f"voice {number}".encode()) as permit:
            permit.answered(await permit.send(engine.later))

    async def all_of_them() -> None:
        await asyncio.gather(*(one(n) for n in range(8)))

    asyncio.run(all_of_them())
    assert world.ends() == ["succeeded"] * 8
    bodies = sorted(unb64(parts["exchange.0"]["body"]) for _, parts in world.opened("intent"))
    assert bodies == sorted(engine.got)


def test_block_inside_another_is_refused_to_tasks_too(world: World, willing: Speaker) -> None:
    async def inner() -> None:
        async with guarded(world, willing, b"voice"):
            pytest.fail("it was let in")

    async def outer() -> None:
        async with guarded(world, willing, b"voice") as permit:
            permit.failed(sent=False)
            with pytest.raises(InvalidInput, match="open here"):
                await asyncio.gather(inner())

    asyncio.run(outer())
    assert world.ends() == ["not_sent"]


@pytest.mark.parametrize(
    ("steps", "ends"), [(0, ["not_sent"]), (1, ["not_sent"]), (2, ["unknown"])], ids=["enter", "send", "wait"]
)
def test_coroutine_that_nobody_resumes_leaves_no_intent_open(
    world: World, willing: Speaker, steps: int, ends: list[str]
) -> None:
    async def search() -> None:
        async with guarded(world, willing, b"voice") as permit:
            await permit.sending()
            await asyncio.get_running_loop().create_future()

    async def main() -> None:
        running = search()
        # The loop's part: wait for what the coroutine waits for, then resume it.
        waiting = running.send(None)
        for _ in range(steps):
            await asyncio.wait((waiting,))
            waiting = running.send(None)
        for _ in range(500):
            if steps or world.opened("intent"):
                break
            await asyncio.sleep(0.01)
        running.close()

    asyncio.run(main())
    assert world.ends() == ends


def test_coroutine_left_before_its_turn_came_writes_nothing(world: World, willing: Speaker) -> None:
    async def search() -> None:
        async with guarded(world, willing, b"voice"):
            pytest.fail("it was let in")

    async def main() -> None:
        loop, free = asyncio.get_running_loop(), threading.Event()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, free.wait, 10)
        running = search()
        running.send(None)
        running.close()
        free.set()
        await busy

    asyncio.run(main())
    assert world.opened("intent", "denial") == []


def test_asynchronous_generator_that_is_closed_leaves_no_intent_open(world: World, willing: Speaker) -> None:
    async def frames() -> AsyncIterator[bytes]:
        async with guarded(world, willing, b"voice") as permit:
            yield await permit.sending()

    async def main() -> None:
        running = frames()
        await anext(running)
        await running.aclose()  # type: ignore[attr-defined]  # it is a generator

    asyncio.run(main())
    assert world.ends() == ["unknown"]


def test_work_is_done_even_where_the_loop_takes_none_any_more() -> None:
    async def main() -> int:
        await asyncio.get_running_loop().shutdown_default_executor()
        return await in_thread(lambda: 7)

    assert asyncio.run(main()) == 7


def test_what_the_work_raises_is_raised_and_follows_a_cancellation() -> None:
    free = threading.Event()

    def fail() -> None:
        assert free.wait(10)
        raise LookupError

    async def failing() -> None:
        await in_thread(fail)

    async def main() -> None:
        task = asyncio.create_task(failing())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        free.set()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        assert isinstance(cancelled.value.__cause__, LookupError)
        with pytest.raises(LookupError):
            await failing()

    asyncio.run(main())
