from datetime import UTC, datetime, timedelta, timezone

import pytest

from consentgate.consent.period import Period
from consentgate.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P3Y", (2026, 11, 22), (2029, 11, 22)),
        ("P1Y", (2024, 2, 29), (2025, 2, 28)),
        ("P4Y", (2024, 2, 29), (2028, 2, 29)),
        ("P1M", (2026, 1, 31), (2026, 2, 28)),
        ("P1M", (2024, 1, 31), (2024, 2, 29)),
        ("P18M", (2026, 8, 31), (2028, 2, 29)),
        ("P1M1D", (2026, 1, 31), (2026, 3, 1)),
        ("P2W", (2026, 12, 25), (2027, 1, 8)),
        ("P90D", (2026, 11, 22), (2027, 2, 20)),
        ("P1Y2M3W4D", (2026, 1, 1), (2027, 3, 26)),
        ("P12M", (2026, 12, 31), (2027, 12, 31)),
    ],
)
def test_periods_end_by_the_calendar(
    text: str, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    clock = timedelta(hours=12, milliseconds=250)
    assert (
        Period.parse(text).after(datetime(*start, tzinfo=UTC) + clock) == datetime(*end, tzinfo=UTC) + clock
    )


def test_days_are_counted_in_utc() -> None:
    start = datetime(2026, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))  # still January in UTC
    assert Period.parse("P1M").after(start) == datetime(2026, 2, 28, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "P0D",
        "P0Y0M",
        "3Y",
        "P3",
        "PT1H",
        "P1YT1H",
        "P-1Y",
        "P1.5Y",
        "p1y",
        "P1D ",
        "P\u0661Y",
        "P99999Y",
    ],
)
def test_other_periods_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Period.parse(text)


@pytest.mark.parametrize("text", ["P9999Y", "P9000Y", "P7973Y99999D"])
def test_periods_beyond_the_calendar_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Period.parse(text).after(datetime(2026, 1, 1, tzinfo=UTC))
