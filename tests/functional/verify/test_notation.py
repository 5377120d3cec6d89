"""The notation loses nothing: what is written as one line is only what follows from it."""

import pytest

from tests.functional.verify.notation import written


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["b: 2", "a: 1"], ["a: 1", "b: 2"]),
        (["a: 1", "a: 1"], ["a: 1 (x2)"]),
        (["a: 10", "a: 9", "a: 12"], ["a: 9-10", "a: 12"]),
        (["a: 3 at 2", "a: 4 at 3", "a: 5 at 4"], ["a: 3-5 at 2-4"]),
        (["a: 1", "a: 2", "a: 2", "a: 3"], ["a: 1", "a: 2 (x2)", "a: 3"]),
        (["a: 1", "a: 2", "a: 2", "a: 3", "a: 3"], ["a: 1", "a: 2-3 (x2)"]),
    ],
)
def test_lines_are_written_in_order_and_runs_as_one(lines: list[str], expected: list[str]) -> None:
    assert written(lines) == expected


def test_lines_that_count_on_in_turns_are_not_one_run() -> None:
    """Else two sets of lines would be written alike."""
    assert written(["a: 1 at 5", "a: 2 at 5", "a: 2 at 6"]) == ["a: 1-2 at 5", "a: 2 at 6"]
    assert written(["a: 1 at 5", "a: 2 at 6"]) == ["a: 1-2 at 5-6"]
