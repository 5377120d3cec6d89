"""A PostgreSQL server that is cut off like by a power cut, and started again, in the middle of a request."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import server
from tests.functional.faults.conftest import behind_of
from tests.functional.faults.parts import Fault
from tests.functional.faults.place import place_at
from tests.functional.faults.runner import Seen, run

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600)]


def cut_off(fault: Fault) -> None:
    assert fault.place.behind is not None
    running = fault.place.behind.server
    running.crash()
    running.start()


def test_server_that_is_cut_off_and_started_again_costs_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(server())
        behind = stack.enter_context(behind_of(running))
        place = stack.enter_context(place_at(tmp_path, behind=behind))
        place.search()
        for moment in ("in 4", "before 6"):
            came = run(place, moment, cut_off)
            assert came == Seen(("start",), ("intent", "outcome succeeded"), "answer", ()), moment
