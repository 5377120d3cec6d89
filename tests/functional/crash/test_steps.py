"""A process is killed at every step of what it does to the log; whoever comes next goes on by the normal path."""

import pytest

from consentgate.config.settings import Settings
from tests.functional.crash.operations import OPERATIONS
from tests.functional.crash.walk import Operation, walk


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_kill_at_every_step_leaves_only_what_the_table_allows(home: Settings, operation: Operation) -> None:
    walked = walk(home, operation)
    # Before each of its effects, and after the last.
    assert len(walked.steps) >= len(operation.states)
