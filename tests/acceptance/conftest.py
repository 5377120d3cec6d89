"""A deployment with a little of everything in it, made once and copied for each test that drives the program."""

import shutil
from pathlib import Path

import pytest

from tests.acceptance.deployment import Deployment, Program, build


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The deployment that tests copy; nobody writes to it."""
    return build(tmp_path_factory.mktemp("template"))


@pytest.fixture
def deployed(template: Deployment, tmp_path: Path) -> Deployment:
    """A copy of the deployment, for this test alone."""
    folder = tmp_path / "deployed"
    shutil.copytree(template.folder, folder)
    return template.moved(folder)


@pytest.fixture
def program(deployed: Deployment, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program, in this process, on the copy."""
    return Program(deployed.home, capsys)
