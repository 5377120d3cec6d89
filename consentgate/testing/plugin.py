"""pytest fixtures: a loopback voice service, a client for it, a clock that stands still.

pytest loads this module in every project that has consentgate installed, so it imports nothing that is heavy
before a fixture is asked for.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from consentgate.testing.chime import ChimeServer
    from consentgate.testing.clock import FrozenClock


@pytest.fixture
def frozen_clock() -> "FrozenClock":
    """A clock that moves only by hand.

    Returns:
        The clock; `chime` runs by it too.
    """
    from consentgate.testing.clock import FrozenClock

    return FrozenClock()


@pytest.fixture
def chime(frozen_clock: "FrozenClock") -> Iterator["ChimeServer"]:
    """A running voice service, fresh for each test.

    Args:
        frozen_clock: the server's clock.

    Yields:
        The server.
    """
    from consentgate.testing.chime import ChimeServer

    with ChimeServer(clock=frozen_clock) as server:
        yield server


@pytest.fixture
def chime_client(chime: "ChimeServer", request: pytest.FixtureRequest) -> Iterator[Any]:
    """A boto3 client of the voice service.

    Parametrise it indirectly with botocore's `retries` setting to choose how it retries.

    Args:
        chime: the server.
        request: brings the parameter, if there is one.

    Yields:
        The client.
    """
    client = chime.client(retries=getattr(request, "param", None))
    yield client
    client.close()
