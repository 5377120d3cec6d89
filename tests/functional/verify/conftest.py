from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.databases import Kind, Server
from tests.functional.verify import longer
from tests.functional.verify.place import Place, build

Story: TypeAlias = Callable[[str], Place]
"""``story(table)``: a copy of a place that has several rows in that table, for one test alone."""

_STORIES: Final = {"deployment": "recovered", "anchor": "anchored"}


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


@contextmanager
def _told(place: Place, folder: Path, tell: Callable[[Place], None]) -> Iterator[Place]:
    with place.copied(folder / "copy") as copy:
        tell(copy)
        yield copy


@pytest.fixture(scope="session")
def lengthened(pristine: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with _told(pristine, tmp_path_factory.mktemp("lengthened"), longer.lengthened) as place:
        yield place


@pytest.fixture(scope="session")
def anchored(pristine: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with _told(pristine, tmp_path_factory.mktemp("anchored"), longer.anchored) as place:
        yield place


@pytest.fixture(scope="session")
def recovered(pristine: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with _told(pristine, tmp_path_factory.mktemp("recovered"), longer.recovered) as place:
        yield place


@pytest.fixture
def story(pristine: Place, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Story]:
    """Makes the copy; the story itself is made once."""
    with ExitStack() as copies:

        def tell(table: str) -> Place:
            told: Place = request.getfixturevalue(_STORIES.get(table, "lengthened"))
            return copies.enter_context(told.copied(tmp_path / "story"))

        yield tell
