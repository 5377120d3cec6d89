"""A deployment whose callers may consent to every operation, and clients of both services."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from consentgate import ConsentDenied, Speaker
from tests.functional.gate.conftest import CONNECTOR, NOTICE, World

PIPELINE = "5d3a1bd0-2c2e-4b1d-9d4c-6a1f0d5b7c11"
STREAM = "arn:aws:kinesisvideo:us-east-1:111122223333:stream/leg-1/1767225600000"
DOMAIN_ARN = "arn:aws:chime:us-east-1:111122223333:voice-profile-domain/d-1"
KEY = {"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k-1"}
OPERATIONS = ["search", "enrol", "update", "tone_analysis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A world, with what these tests do over and over."""

    world: World
    voice: Any
    pipelines: Any

    def consent(self, speaker: Speaker, *operations: str) -> None:
        """Grant operations, all where none is named."""
        named = operations or OPERATIONS
        self.world.ivr.grant(speaker, notice="everything", method="ivr_dtmf", operations=named)

    def searched(self, *speakers: Speaker, transaction: str = "tx-1", **more: Any) -> str:
        """Register a call, search its caller leg, let that succeed, and give the task."""
        self.world.register(transaction, *speakers)
        task: str = self.world.search(transaction, **more)["SpeakerSearchTask"]["SpeakerSearchTaskId"]
        self.world.server.finish(task)
        return task

    def create(self, task: str) -> dict[str, Any]:
        """Make a profile of a task."""
        made: dict[str, Any] = self.voice.create_voice_profile(SpeakerSearchTaskId=task)["VoiceProfile"]
        return made

    def sent(self, name: str) -> int:
        """How many requests of an operation reached the service."""
        return sum(1 for each in self.world.server.requests if each.operation == name)


def reasons(act: Callable[[], object]) -> list[str]:
    """Do something that is denied, and give the codes."""
    with pytest.raises(ConsentDenied) as denied:
        act()
    return sorted(each.code for each in denied.value.reasons)


def tone(transaction: str = "tx-1") -> dict[str, str]:
    """What a tone analysis of a call is asked with."""
    return {"VoiceConnectorId": CONNECTOR, "TransactionId": transaction, "LanguageCode": "en-US"}


def source(channel: int = 0, **more: Any) -> dict[str, Any]:
    """Which channel a pipeline is asked to analyse."""
    return {"KinesisVideoStreamSourceTaskConfiguration": {"StreamArn": STREAM, "ChannelId": channel, **more}}


@pytest.fixture
def stage(world: World) -> Iterator[Stage]:
    """The stage."""
    notice = {**NOTICE, "id": "everything", "operations": OPERATIONS}
    world.gate.add_notice(
        b"Acme makes and keeps a voiceprint, and listens to the tone, for two years.", **notice
    )
    pipelines = world.gate.protect(world.server.client("chime-sdk-media-pipelines"))
    yield Stage(world=world, voice=world.client, pipelines=pipelines)
    pipelines.close()
