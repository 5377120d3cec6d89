from pathlib import Path

import pytest

from tests.functional.verify.place import Place, build


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A home that nobody touches."""
    return build(tmp_path_factory.mktemp("pristine"))


@pytest.fixture
def place(pristine: Place, tmp_path: Path) -> Place:
    """A copy of it, for this test alone."""
    return pristine.copied(tmp_path / "copy")
