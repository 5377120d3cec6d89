"""The deployment guide does what it says on one host, and on Lambda; many hosts are in `tests/integration`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consentgate import ConsentGate
from consentgate.config.setup import make_home
from tests.databases import Server
from tests.functional.docs.pages import text_of
from tests.functional.docs.shell import Player, reader

PAGE = text_of("docs/howto/deploy.md")


@pytest.mark.timeout(300)
def test_commands_for_one_host_do_what_the_guide_says(tmp_path: Path) -> None:
    player = Player(tmp_path, reader(tmp_path, "consentgate"), working=tmp_path)
    assert player.play(PAGE) > 3


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """An empty database."""
    url = postgres.empty()
    yield url
    postgres.drop(url)


@pytest.mark.postgres
def test_no_thread_keeps_the_log_on_lambda(database: str, tmp_path: Path) -> None:
    made = make_home(tmp_path / "home", controller="acme", database=database)
    for key in (made.settings.log_key, made.settings.log_state):
        key.unlink()  # they do not belong there
    with ConsentGate(replace(made.settings, on_lambda=True)) as gate:
        gate.add_issuer("https://ivr.acme.example", name="Acme IVR")
        gate.ready()
        assert gate._parts.service is None
