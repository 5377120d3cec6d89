"""The deployment guide does what it says: its commands run, its server serves, its service survives a fork."""

from pathlib import Path

import pytest

from tests.functional.docs.pages import text_of
from tests.functional.docs.shell import Player, reader

PAGE = text_of("docs/howto/deploy.md")


@pytest.mark.timeout(300)
def test_commands_for_one_host_do_what_the_guide_says(tmp_path: Path) -> None:
    player = Player(tmp_path, reader(tmp_path, "consentgate"), working=tmp_path)
    assert player.play(PAGE) > 3
