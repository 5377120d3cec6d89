"""Clients of its own: where none can be made, nothing was asked and nothing was stopped."""

import pytest

from consentgate.aws.clients import OwnClients
from consentgate.errors import Unavailable
from consentgate.gate.request import Started

STARTED = Started(
    service="chime-sdk-voice",
    operation="StartSpeakerSearchTask",
    region="nowhere",
    path="/voice-connectors/vc/speaker-search-tasks",
    task="task-1",
)


class Nowhere:
    """A session that knows no such region."""

    def client(self, *_: object, **__: object) -> object:
        raise ValueError("no endpoint")


def test_a_region_that_there_is_not_is_out_of_reach() -> None:
    clients = OwnClients(connect=1, read=1, within=2, session=Nowhere())
    with pytest.raises(Unavailable, match="ValueError"):
        clients.look(STARTED)
    assert (clients.stop(STARTED), clients.carry_out(STARTED).said) == (False, "ValueError")
