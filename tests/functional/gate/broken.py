"""Databases that fail when they are told to, and a deployment with a spool."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.upkeep import keep_log
from consentgate.config.verification import verify_deployment
from consentgate.errors import Unavailable
from tests.functional.gate.conftest import World

BUDGET = timedelta(milliseconds=120)


@contextmanager
def another_gate(world: World, *, spool: Path | None, limit: int = 1000) -> Iterator[World]:
    """The same deployment as another process sees it: with a spool, and little patience."""
    settings = replace(load_settings(world.home), outcome_budget=BUDGET, spool=spool, spool_limit=limit)
    with ConsentGate(settings, clock=world.clock, background=False) as gate:
        client = gate.protect(world.server.client())
        yield replace(world, gate=gate, client=client)
        client.close()


@dataclass(slots=True)
class Outage:
    """A database that can be taken away and given back."""

    world: World
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def begin(self, *, reads: bool = True, error: type[BaseException] = Unavailable) -> None:
        """Take it away, for writes and, if told, for reads."""

        def failing(*_: Any, **__: Any) -> Any:
            raise error

        database = self.world.gate._parts.database
        self.patch.setattr(database, "write", failing)
        if reads:
            self.patch.setattr(database, "read", failing)

    def end(self) -> None:
        """Give it back."""
        self.patch.undo()

    def before_the_answer(self, **how: Any) -> None:
        """Take it away when a request is about to leave, so that the intent is there and the outcome cannot be."""

        def handler(**_: Any) -> None:
            self.world.client.meta.events.unregister("before-send", handler)
            self.begin(**how)

        self.world.client.meta.events.register_first("before-send", handler)


def require_sound(world: World) -> None:
    """Sequence and sign what is there, and verify it: whatever ended badly before, nothing is broken."""
    settings = load_settings(world.home)
    assert keep_log(settings) is None
    verified = verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification
    assert [level for level in verified.levels if level.verdict not in ("holds", "incomplete")] == []
    assert {finding.kind for finding in verified.findings} <= {"open"}, verified.findings
