from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Kind, Server
from tests.functional.verify.place import Place, build


@pytest.fixture(scope="session")
def pristine(kind: Kind, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Place:
    """A home that nobody touches, on each database."""
    server: Server | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    return build(tmp_path_factory.mktemp("pristine"), server)


@pytest.fixture
def place(pristine: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of it, for this test alone."""
    with pristine.copied(tmp_path / "copy") as copy:
        yield copy
