"""What tests of packages share: one browser, the small package, and the one that reads like a real one."""

from collections.abc import Iterator
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from consentgate.export import verifier
from consentgate.export.page import verify_html
from tests.browser import PROGRAM, Browser
from tests.package.story import story
from tests.package.tiny import tiny


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="session")
def program() -> ModuleType:
    """The program as a module, from its file, as a reader has it."""
    file = Path(str(verifier.__path__[0])) / "verify.py"
    spec = util.spec_from_file_location("consentgate.export.verifier.verify", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def base(small: Path) -> Path:
    """The small package as a folder, which mutations share files with."""
    return small
