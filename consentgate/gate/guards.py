"""A function as a guarded block: called with the people and the request, it gets the permit in their place.

Invariant: the block is open exactly while the function runs. What would run on after it returned, a generator or
something that is still to be awaited, is refused before or instead of being run without a permit.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from consentgate.canonical import Json
from consentgate.errors import InvalidInput
from consentgate.gate.guarded import Guarded
from consentgate.gate.heldpermits import AsyncGuardedPermit, GuardedPermit
from consentgate.gate.vendorrequest import VendorRequest
from consentgate.ledger.speaker import Speaker

P = ParamSpec("P")
R = TypeVar("R")

People: TypeAlias = Speaker | list[Speaker] | tuple[Speaker, ...] | None
Request: TypeAlias = "VendorRequest | bytes | Json"

_RUNS_ON: Final = (
    "A guarded function returns when its request is over: it is no generator, and awaits by itself."
)


class Guards(Protocol):
    """Makes a guarded function of one that takes a permit first."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[AsyncGuardedPermit, P], Awaitable[R]], /
    ) -> Callable[Concatenate[People, Request, P], Awaitable[R]]: ...

    @overload
    def __call__(
        self, function: Callable[Concatenate[GuardedPermit, P], R], /
    ) -> Callable[Concatenate[People, Request, P], R]: ...


def guards(block: Callable[[People, Request], Guarded]) -> Guards:
    """Make the decorator.

    Args:
        block: makes the block for one request.

    Returns:
        The decorator.
    """

    def decorate(function: Any) -> Any:
        called = _called(function)
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            raise InvalidInput(_RUNS_ON)
        if inspect.iscoroutinefunction(called):

            async def awaiting(people: People, request: Request, /, *args: Any, **more: Any) -> Any:
                async with block(people, request) as permit:
                    return _over(await function(permit, *args, **more))

            return _named(awaiting, function)

        def waiting(people: People, request: Request, /, *args: Any, **more: Any) -> Any:
            with block(people, request) as permit:
                return _over(function(permit, *args, **more))

        return _named(waiting, function)

    return decorate


def _called(function: Any) -> Any:
    """What runs when something is called: an object's method, or a function itself."""
    if not callable(function):
        raise InvalidInput("guards() decorates a function that takes the permit first.")
    inner = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inner.func
    return inner if inspect.isroutine(inner) else type(inner).__call__


def _over(result: Any) -> Any:
    """Refuse a result that would begin to run only after the block."""
    if isinstance(result, Generator | AsyncGenerator) or inspect.isawaitable(result):
        if isinstance(result, Generator) or inspect.iscoroutine(result):
            result.close()
        raise InvalidInput(_RUNS_ON)
    return result


def _named(wrapper: Any, function: Any) -> Any:
    # Without annotations and without a way back to the function: its parameters are others.
    told = ("__module__", "__name__", "__qualname__", "__doc__")
    wrapper = functools.update_wrapper(wrapper, function, assigned=told, updated=())
    del wrapper.__wrapped__
    return wrapper
