"""Gates with little patience, and outages of their databases."""

from collections.abc import Iterator

import pytest

from tests.functional.gate.broken import Outage, another_gate
from tests.functional.gate.conftest import World
from tests.functional.gate.recording.place import caller_of


@pytest.fixture
def hasty(world: World) -> Iterator[World]:
    """A gate with little patience and no spool, and a caller who may be searched on call tx-1."""
    with another_gate(world, spool=None) as other:
        caller_of(other)
        yield other


@pytest.fixture
def spooling(world: World) -> Iterator[World]:
    """The same with a spool."""
    with another_gate(world, spool=world.home / "spool") as other:
        caller_of(other)
        yield other


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Iterator[Outage]:
    """An outage of that gate's database, when the test says so."""
    name = "spooling" if "spooling" in request.fixturenames else "hasty"
    outage = Outage(request.getfixturevalue(name))
    yield outage
    outage.end()
