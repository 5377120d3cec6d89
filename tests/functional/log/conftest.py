"""Everything here runs on both databases."""

from collections.abc import Iterator

import pytest

from tests.functional.log.states import Files, objects


@pytest.fixture(autouse=True)
def both(on_database: None) -> None:
    """Run each test on SQLite and on PostgreSQL."""


@pytest.fixture(params=["file", "s3"])
def states(request: pytest.FixtureRequest) -> Iterator[Files]:
    """Where signers keep what they signed last: what is refused with the one is refused with the other."""
    if request.param == "file":
        yield Files()
        return
    with objects() as made:
        yield made
