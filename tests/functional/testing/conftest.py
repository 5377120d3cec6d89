"""These tests look at single requests, so that their client does not repeat any unless a test says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from consentgate.testing.chime import ChimeServer
from tests.functional.testing.calls import ONCE


@pytest.fixture
def chime_client(chime: ChimeServer, request: pytest.FixtureRequest) -> Iterator[Any]:
    client = chime.client(retries=getattr(request, "param", ONCE))
    yield client
    client.close()
