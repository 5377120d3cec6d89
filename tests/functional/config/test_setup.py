"""Making a home where files of another one lie."""

import shutil
from pathlib import Path

import pytest

from consentgate.config.settings import Settings
from consentgate.config.setup import make_home
from consentgate.errors import Misconfigured


def only(kept: Path) -> None:
    """Lose all of a home but one file."""
    content = kept.read_bytes()
    shutil.rmtree(kept.parent)
    kept.parent.mkdir()
    kept.write_bytes(content)
    kept.chmod(0o600)


def test_key_without_its_state_makes_no_home(settings: Settings) -> None:
    """As after a restore of the keys, or where the state lies in S3."""
    only(settings.log_key)
    with pytest.raises(Misconfigured, match="log recover"):
        make_home(settings.home, controller="acme")
    assert list(settings.home.iterdir()) == [settings.log_key]


def test_state_of_a_log_that_signed_makes_no_home(settings: Settings) -> None:
    only(settings.log_state)
    with pytest.raises(Misconfigured, match="which signed already"):
        make_home(settings.home, controller="acme")
    assert list(settings.home.iterdir()) == [settings.log_state]
