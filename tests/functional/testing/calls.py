"""What the tests of the loopback service ask of it."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from consentgate.testing.chime import ChimeServer

CONNECTOR: Final = "abcdefghij0123456789a"
SEARCHES: Final = f"/voice-connectors/{CONNECTOR}/speaker-search-tasks"
ONCE: Final = {"total_max_attempts": 1, "mode": "standard"}


def start(client: Any, **more: str) -> Any:
    request = {"VoiceConnectorId": CONNECTOR, "TransactionId": "t-1", "VoiceProfileDomainId": "d-1"} | more
    return client.start_speaker_search_task(**request)["SpeakerSearchTask"]


def get(client: Any, task_id: str) -> Any:
    answer = client.get_speaker_search_task(VoiceConnectorId=CONNECTOR, SpeakerSearchTaskId=task_id)
    return answer["SpeakerSearchTask"]


def stop(client: Any, task_id: str) -> Any:
    return client.stop_speaker_search_task(VoiceConnectorId=CONNECTOR, SpeakerSearchTaskId=task_id)


def code_of(act: Callable[..., object], *given: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as caught:
        act(*given, **named)
    return str(caught.value.response["Error"]["Code"])


def post(chime: ChimeServer, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(chime.url + path, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def refused(chime: ChimeServer, path: str, body: bytes) -> tuple[int, str, str]:
    status, answer = post(chime, path, body)
    read = json.loads(answer)
    return status, read["Code"], read["Message"]
