"""The pytest plugin, as a user's project has it, and its clock."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consentgate.errors import InvalidInput
from consentgate.testing.clock import START, FrozenClock

pytest_plugins = ["pytester"]

USERS_TEST = """
import pytest


def test_search(chime, chime_client, frozen_clock):
    frozen_clock.advance(60)
    task = chime_client.start_speaker_search_task(
        VoiceConnectorId="abcdefghij0123456789a", TransactionId="t-1", VoiceProfileDomainId="d-1"
    )["SpeakerSearchTask"]
    assert task["CreatedTimestamp"] == frozen_clock()
    assert len(chime.requests) == 1


@pytest.mark.parametrize("chime_client", [{"total_max_attempts": 2, "mode": "standard"}], indirect=True)
def test_retries_as_given(chime, chime_client):
    chime.script.fail(error="ServiceFailureException", times=2)
    with pytest.raises(chime_client.exceptions.ServiceFailureException):
        chime_client.start_speaker_search_task(
            VoiceConnectorId="abcdefghij0123456789a", TransactionId="t-1", VoiceProfileDomainId="d-1"
        )
    assert len(chime.requests) == 2
"""


def test_fixtures_work_in_another_project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    pytester.makepyfile(USERS_TEST)
    result = pytester.runpytest_subprocess(
        "-p", "no:consentgate", "-p", "consentgate.testing.plugin", "-W", "error"
    )
    result.assert_outcomes(passed=2)


def test_plugin_imports_nothing_heavy() -> None:
    heavy = "{'boto3', 'botocore', 'sqlalchemy', 'cryptography', 'alembic'}"
    code = f"import consentgate.testing.plugin, sys; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_frozen_clock_moves_only_by_hand() -> None:
    clock = FrozenClock()
    assert clock() == clock() == START
    assert clock.advance(0.0015) == START + timedelta(milliseconds=1)
    assert clock.advance(timedelta(hours=-1)) == START + timedelta(milliseconds=1, hours=-1)
    clock.set(datetime(2027, 1, 1, tzinfo=UTC))
    assert clock() == datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidInput):
        clock.set(datetime(2027, 1, 1))  # noqa: DTZ001  # naive on purpose
