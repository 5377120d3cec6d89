"""How far the time of a checkpoint or tree state may be moved before it is found: the bounds that there are."""

from datetime import UTC, datetime, timedelta

import pytest

from consentgate.moment import to_millis
from consentgate.verify.order import Times

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def hours(ago: float) -> int:
    return to_millis(NOW - timedelta(hours=ago))


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        # Signed as soon as its entries were there, both.
        (hours(24), hours(23), []),
        # Moved as far as the next row, or the clock of whoever verifies.
        (hours(23.1), hours(23), []),
        (hours(24), hours(0), []),
        # Beyond them, or before their entries.
        (hours(22.9), hours(23), [5]),
        (hours(24), hours(-0.1), [9]),
        (hours(24.1), hours(23), [5]),
        (hours(24), hours(23.1), [9]),
    ],
)
def test_time_lies_between_its_entries_and_what_came_next(first: int, last: int, found: list[int]) -> None:
    times = Times("checkpoint")
    times.take(5, first, hours(24))
    times.take(9, last, hours(23))
    assert [each.where for each in times.findings(NOW)] == [
        f"checkpoint of size {size}, column at" for size in found
    ]
