from datetime import UTC, date, datetime
from typing import Any

import pytest

from consentgate.errors import InvalidInput
from consentgate.policy.members import Part

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22T12:00:00.000Z", NOON),
        ("2026-11-22T12:00:00+00:00", NOON),
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
        ("2026-11-22", NOON.replace(hour=0)),
        (date(2026, 11, 22), NOON.replace(hour=0)),
        (None, None),
    ],
)
def test_a_time_is_read_as_yaml_and_people_write_it(written: Any, read: datetime | None) -> None:
    assert Part({"at": written}, "facts").time_or_none("at") == read


@pytest.mark.parametrize("written", ["", "noon", 5, True, [], {}, "2026-13-22", "2026-02-30T00:00:00Z"])
def test_what_is_no_time_is_refused_by_path(written: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^facts\.at is no time"):
        Part({"at": written}, "facts").time_or_none("at")


def test_a_missing_time_says_how_to_write_one() -> None:
    with pytest.raises(InvalidInput, match="at is missing; write a time such as"):
        Part({}, "").time("at")


def test_a_country_that_yaml_took_for_false_is_explained() -> None:
    with pytest.raises(InvalidInput, match=r'jurisdictions\[1\]\.code .* write "NO" in quotes'):
        Part({"jurisdictions": [{"code": "SE"}, {"code": False}]}, "").parts("jurisdictions")[1].text("code")


@pytest.mark.parametrize("value", [[], {}, 5, True, "other"])
def test_a_word_is_one_of_the_list(value: Any) -> None:
    with pytest.raises(InvalidInput, match="status is none of granted, refused"):
        Part({"status": value}, "consent").word("status", ("granted", "refused"), "granted")


def test_null_and_absent_are_the_same() -> None:
    for part in (Part({}, ""), Part({"a": None}, "")):
        assert "a" not in part
        assert part.items("a") == []
        assert part.texts("a") == ()
        assert part.text_or_none("a") is None
        assert part.truth_or_none("a") is None
        assert part.truth("a") is False
        assert part.count("a") is None
        assert part.part_or_none("a") is None
        assert part.part("a").times() == ()


def test_an_object_of_times_leaves_out_what_is_null() -> None:
    filings = Part({"KE": "2026-11-22T12:00:00Z", "CA-QC": None, "AM": NOON}, "facts.authority_filings")
    assert filings.times() == (("AM", NOON), ("KE", NOON))
