"""Where in the order of effects a fault strikes.

What is after one step is before the next, so six steps have thirteen moments. *in 4* and *in 6* are inside the
transaction, before its statement; *in 5* the request is at the vendor.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import pytest

MOMENTS: Final = (*(f"{where} {step}" for step in range(1, 7) for where in ("before", "in")), "after 6")

# Where a step begins: the function that does it, by the name under which the step calls it. `>`: when it is over.
_PLACES: Final = {
    "in 1": "consentgate.gate.resolve.Resolver.resolve",
    "before 2": "consentgate.gate.begin._begin",
    "in 2": "consentgate.gate.begin.read_for",
    "before 3": "consentgate.gate.begin.judge",
    "in 3": "consentgate.gate.judge.decide",
    "before 4": ">consentgate.gate.begin.judge",
    "in 4": "consentgate.gate.begin._append",
    "before 5": "consentgate.aws.hooks.require_same",
    "before 6": "consentgate.gate.door.finish",
    "in 6": "consentgate.gate.finish.append",
    "after 6": ">consentgate.gate.door.finish",
}


class Struck(Protocol):
    """What is struck: a client that a gate protects, and the vendor, where it is in this process."""

    @property
    def client(self) -> Any: ...

    @property
    def server(self) -> Any: ...


class Once:
    """Does something the first time that it is called."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act: Callable[[], object] | None = act

    def __call__(self) -> None:
        act, self._act = self._act, None
        if act is not None:
            act()


def strike(
    place: Struck, patch: pytest.MonkeyPatch, moment: str, act: Callable[[], object], *, own: bool = False
) -> None:
    """Let something happen once, when a search comes to a moment; what happens to our own process, in its thread."""
    once = Once(act)
    if moment == "before 1":
        once()
    elif moment == "in 5" and own:
        _while_it_waits(place, patch, once)
    elif moment == "in 5":
        _at_the_vendor(place, patch, once)
    else:
        _wrap(patch, _PLACES[moment], once)


def _wrap(patch: pytest.MonkeyPatch, name: str, once: Once) -> None:
    target = name.removeprefix(">")
    inner = _found(target)

    def wrapper(*arguments: Any, **named: Any) -> Any:
        if name == target:
            once()
        done = inner(*arguments, **named)
        if name != target:
            once()
        return done

    patch.setattr(target, wrapper)


def _found(target: str) -> Any:
    import importlib

    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        holder, _, kind = module.rpartition(".")
        return getattr(getattr(importlib.import_module(holder), kind), name)


def _at_the_vendor(place: Struck, patch: pytest.MonkeyPatch, once: Once) -> None:
    http = place.server._loopback._http
    answer = http.answer

    def struck(request: Any) -> Any:
        if request.path.endswith("/speaker-search-tasks"):
            once()
        return answer(request)

    patch.setattr(http, "answer", struck)


def _while_it_waits(place: Struck, patch: pytest.MonkeyPatch, once: Once) -> None:
    """The request has left, and its answer is not looked at yet."""
    session = place.client._endpoint.http_session._session
    send = session.send

    def struck(request: Any) -> Any:
        answer = send(request)
        if request.url.endswith("/speaker-search-tasks"):
            once()
        return answer

    patch.setattr(session, "send", struck)
