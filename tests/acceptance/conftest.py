"""A deployment with a little of everything in it, made once and copied for each test that drives the program.

There is one on each database, and whoever asks for it runs on both.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.deployment import Deployment, Program, build
from tests.databases import Kind, Server
from tests.once import Once

_YOUNG_S: Final = 300


@pytest.fixture(scope="session")
def template(
    kind: Kind, once: Once, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Deployment:
    """The deployment that tests copy; nobody writes to it. It is never old: programs warn of what waits for long."""
    server: Server | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    young = str(time.monotonic() // _YOUNG_S)
    return once.made("deployment", kind, young, by=lambda: build(tmp_path_factory.mktemp("template"), server))


@pytest.fixture
def deployed(template: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """A copy of the deployment, for this test alone."""
    with template.copied(tmp_path / "deployed") as copy:
        yield copy


@pytest.fixture
def program(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program, in this process, on the copy."""
    return Program(deployed.home, capsys)


@pytest.fixture
def empty(database_url: str | None) -> str:
    """Where a home that a test makes keeps its ledger."""
    return database_url or "sqlite:///consentgate.db"
