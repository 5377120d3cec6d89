"""Guarded functions: they get the permit in the place of the people and the request."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from consentgate import ConsentDenied, Speaker
from consentgate.errors import InvalidInput
from consentgate.gate.heldpermits import AsyncGuardedPermit, GuardedPermit
from tests.functional.gate.conftest import World
from tests.functional.gate.guarded.conftest import Engine

KNOWN: Any = {"purpose": "authentication", "recording_consent": "all_parties"}


def test_function_is_called_with_the_permit(world: World, willing: Speaker, engine: Engine) -> None:
    @world.gate.guards("search", **KNOWN)
    def identify(permit: GuardedPermit, top: int, *, model: str) -> str:
        """Compare a voice."""
        permit.answered(permit.send(engine), summary={"top": top, "model": model})
        return permit.entry

    assert identify.__name__ == "identify"
    assert identify.__doc__ == "Compare a voice."
    assert [*inspect.signature(identify).parameters][:2] == ["people", "request"]
    entry = identify([willing], b"voice", 3, model="m-2")
    assert str(world.opened("intent")[0][0].id) == entry
    assert world.exchange("outcome")["summary"] == {"top": 3, "model": "m-2"}
    with pytest.raises(ConsentDenied):
        identify([world.caller("1002")], b"voice", 3, model="m-2")
    assert len(engine.got) == 1


def test_coroutine_function_stays_one(world: World, willing: Speaker, engine: Engine) -> None:
    @world.gate.guards("search", **KNOWN)
    async def identify(permit: AsyncGuardedPermit) -> bytes:
        answer = await permit.send(engine.later)
        permit.answered(answer)
        return answer

    class Identify:
        async def __call__(self, permit: AsyncGuardedPermit) -> bytes:
            permit.failed(sent=False)
            return b""

    assert inspect.iscoroutinefunction(identify)
    assert asyncio.run(identify(willing, b"voice")) == engine.answer
    of_object = world.gate.guards("search", **KNOWN)(Identify())
    assert inspect.iscoroutinefunction(of_object)
    assert asyncio.run(of_object(willing, b"voice")) == b""
    assert world.ends() == ["succeeded", "not_sent"]


def test_partial_and_method_can_be_guarded(world: World, willing: Speaker, engine: Engine) -> None:
    class Line:
        def ask(self, permit: GuardedPermit, more: str) -> str:
            permit.answered(permit.send(engine))
            return more

    line = Line()
    assert world.gate.guards("search", **KNOWN)(line.ask)(willing, b"voice", "one") == "one"
    part = functools.partial(line.ask, more="two")
    assert world.gate.guards("search", **KNOWN)(part)(willing, b"voice") == "two"
    assert world.ends() == ["succeeded", "succeeded"]


def test_what_would_run_on_after_the_block_is_refused(world: World, willing: Speaker, engine: Engine) -> None:
    decorate: Any = world.gate.guards("search", **KNOWN)

    def frames(permit: GuardedPermit) -> Iterator[bytes]:
        yield permit.send(engine)

    async def later(permit: AsyncGuardedPermit) -> AsyncIterator[bytes]:
        yield await permit.send(engine.later)

    async def coroutine(permit: GuardedPermit) -> bytes:
        return permit.send(engine)

    for each in (frames, later, 7):
        with pytest.raises(InvalidInput):
            decorate(each)
    for inner in (frames, later, coroutine):
        with pytest.raises(InvalidInput, match="returns when"):
            decorate(lambda permit, inner=inner: inner(permit))(willing, b"voice")
    assert engine.got == []
    assert world.ends() == ["not_sent"] * 3


@pytest.mark.parametrize(
    ("people", "request_", "more"),
    [
        (None, b"voice", {}),
        ([], b"voice", {}),
        (["C-1"], b"voice", {}),
        ("willing", "text", {}),
        ("willing", object(), {}),
        ("willing", {"n": float("nan")}, {}),
        ("willing", b"voice", {"lasts": 0}),
        ("willing", b"voice", {"lasts": 601}),
        ("willing", b"voice", {"operation": "listen"}),
        ("willing", b"voice", {"not_sent": OSError}),
        ("willing", b"voice", {"not_sent": ("OSError",)}),
        ("willing", b"voice", {"stop": "halt"}),
        ("willing", b"voice", {"purpose": ""}),
    ],
)
def test_what_cannot_be_guarded_is_refused(
    world: World, willing: Speaker, people: Any, request_: Any, more: Any
) -> None:
    people = willing if people == "willing" else people
    with (
        pytest.raises(InvalidInput),
        world.gate.guarded(speakers=people, request=request_, **{"operation": "search", **more}),
    ):
        pytest.fail("it was let in")
    assert world.opened("intent", "denial") == []
