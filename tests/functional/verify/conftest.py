from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.databases import Kind, Server
from tests.functional.verify import longer
from tests.functional.verify.place import Place, build
from tests.once import Once

Story: TypeAlias = Callable[[str], Place]
"""``story(table)``: a copy of a place that has several rows in that table, for one test alone."""

_STORIES: Final = {"deployment": longer.recovered, "anchor": longer.anchored}


@pytest.fixture(scope="session")
def pristine(
    kind: Kind, once: Once, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Place:
    """A home that nobody touches, on each database."""
    server: Server | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    return once.made("pristine", kind, by=lambda: build(tmp_path_factory.mktemp("pristine"), server))


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


@pytest.fixture
def story(
    kind: Kind, once: Once, pristine: Place, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Makes the copy; the story itself is told once."""
    with ExitStack() as copies:

        def tell(table: str) -> Place:
            of = _STORIES.get(table, longer.lengthened)
            folder = tmp_path_factory.getbasetemp() / f"{of.__name__}-{kind}"
            told = once.opened(of.__name__, kind, by=lambda: _told(pristine, folder, of))
            return copies.enter_context(told.copied(tmp_path / "story"))

        yield tell
