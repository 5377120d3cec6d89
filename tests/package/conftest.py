"""What tests of packages share: one browser, the small package, and the one that reads like a real one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consentgate.export.page import verify_html
from tests.browser import PROGRAM, Browser
from tests.package.story import story
from tests.package.tiny import tiny


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("chromium is not installed")
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a file, opened as a reader opens it."""
    file = tmp_path_factory.mktemp("page") / "verify.html"
    file.write_bytes(verify_html())
    return file


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny().write(tmp_path_factory.mktemp("small") / "package")


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return story().write(tmp_path_factory.mktemp("told") / "package")
