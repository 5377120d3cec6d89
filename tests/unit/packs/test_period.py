from datetime import UTC, datetime

import pytest

from consentgate.errors import InvalidInput
from consentgate.packs.period import Period


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("P0D", "2026-11-22T12:00:00", "2026-11-22T12:00:00"),
        ("P1M", "2026-01-31T10:00:00", "2026-02-28T10:00:00"),
        ("P1M", "2024-01-31T10:00:00", "2024-02-29T10:00:00"),
        ("P3Y", "2024-02-29T00:00:00", "2027-02-28T00:00:00"),
        ("P24M", "2024-11-22T12:00:00", "2026-11-22T12:00:00"),
        ("P1Y2M3D", "2026-12-30T00:00:00", "2028-03-03T00:00:00"),
        ("P2W", "2026-12-25T00:00:00", "2027-01-08T00:00:00"),
    ],
)
def test_calendar_periods_are_added_in_utc(period: str, start: str, end: str) -> None:
    assert Period.parse(period).after(at(start)) == at(end)


@pytest.mark.parametrize("text", ["", "P", "P1", "1Y", "PT1H", "P1D1M", "P-1D", "p1d", "P1Y ", "P٣D"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Period.parse(text)


@pytest.mark.parametrize("text", ["P9999Y", "P9999M", "P99999D"])
def test_a_period_beyond_the_calendar_is_never_reached(text: str) -> None:
    assert Period.parse(text).after(at("9998-12-31T00:00:00")).year == 9999
