"""A deployment to race on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.races.place import Ground, ground_at


@pytest.fixture
def ground(tmp_path: Path, on_database: None) -> Iterator[Ground]:
    """A deployment by the machine's clock."""
    with ground_at(tmp_path) as made:
        yield made
