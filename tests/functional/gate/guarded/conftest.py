"""A deployment whose engine is a stub of the test's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from consentgate import Speaker, VendorRequest
from consentgate.gate.guarded import Guarded
from consentgate.gate.request import Started
from tests.functional.gate.conftest import World, world

__all__ = ["world"]

URL = "https://voice.acme.example/v1/identify?top=3"


@dataclass
class Engine:
    """Compares voices, or says what a test wants; counts what reaches it."""

    answer: bytes = b'{"matches":[["vp-1",0.93]]}'
    got: list[bytes] = field(default_factory=list)
    before_answering: list[Callable[[], object]] = field(default_factory=list)
    stopped: list[Started] = field(default_factory=list)
    confirms: bool = True

    def __call__(self, body: bytes) -> bytes:
        self.got.append(body)
        for each in self.before_answering:
            each()
        return self.answer

    async def later(self, body: bytes) -> bytes:
        """The same, awaited."""
        return self(body)

    def stop(self, started: Started) -> bool:
        """Stop a task."""
        self.stopped.append(started)
        return self.confirms


@pytest.fixture
def engine() -> Engine:
    """An engine for each test."""
    return Engine()


@pytest.fixture
def willing(world: World) -> Speaker:
    """Somebody who consented to being searched."""
    caller = world.caller()
    world.ivr.grant(caller, notice="voiceprint", method="ivr_dtmf")
    return caller


def identify(**more: object) -> VendorRequest:
    """A request of an HTTP vendor."""
    arguments: dict[str, object] = {"url": URL, "body": {"audio": "s-1"}, "country": "US"}
    return VendorRequest(**{**arguments, **more})  # type: ignore[arg-type]  # as the tests say


def guarded(world: World, speakers: Any, request: Any, operation: str = "search", **more: Any) -> Guarded:
    """Guard a request for the purpose that people here consent to."""
    known = {"purpose": "authentication", "recording_consent": "all_parties"}
    return world.gate.guarded(operation, speakers, request, **{**known, **more})
