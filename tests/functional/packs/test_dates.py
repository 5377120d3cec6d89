"""Law takes effect on its day: not before, and what was decided before keeps what was in force then."""

from datetime import date, timedelta

import pytest

from consentgate.packs.packset import shipped
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import Requirements
from consentgate.policy.requirements import merge

PACKS = shipped()
DAY = timedelta(days=1)

# Code, first day, and what is asked from then on and was not the day before, as far as somebody there is concerned.
COMING = [
    ("EG", "2026-11-01", "filings"),
    ("CL", "2026-12-01", "elements"),
    ("US-OK", "2027-01-01", "demands"),
    ("US-LA", "2027-01-01", "demands"),
    ("US-AL", "2027-05-01", "demands"),
    ("IN", "2027-05-13", "elements"),
    ("PY", "2027-11-27", "form"),
    ("US-VT", "2028-01-01", "demands"),
]


def asked(code: str, day: date) -> Requirements:
    return merge((code,), PACKS, day=day, purpose="authentication", standing=Standing())


@pytest.mark.parametrize(("code", "first", "field"), COMING)
def test_future_law_counts_from_its_first_day(code: str, first: str, field: str) -> None:
    day = date.fromisoformat(first)
    before, after = asked(code, day - DAY), asked(code, day)
    assert {used.code: used.since for used in after.packs}[code] == first
    assert {used.code: used.since for used in before.packs}.get(code) != first
    assert getattr(before, field) != getattr(after, field)


def test_every_law_that_was_still_to_come_when_the_research_was_done_is_listed() -> None:
    coming = {
        (code, str(version.since))
        for code in PACKS.codes
        for version in PACKS.pack(code).versions
        if version.since > date(2026, 10, 31)
    }
    assert coming == {(code, first) for code, first, _ in COMING}


def test_chile_asks_for_writing_until_the_last_day_of_the_old_law() -> None:
    assert [asked("CL", date(2026, 11, 30)).form, asked("CL", date(2026, 12, 1)).form] == [
        "written_release",
        "explicit",
    ]


def test_india_leaves_writing_and_takes_up_separate_consent() -> None:
    forms = [
        (r.form, bool(r.demand("separate_consent")))
        for r in (asked("IN", date(2027, 5, d)) for d in (12, 13))
    ]
    assert forms == [("written_release", False), ("opt_in", True)]


def test_the_ban_on_tone_analysis_at_work_has_a_first_day() -> None:
    (use,) = PACKS.pack("EU").versions[-1].rules.prohibited_uses or ()
    assert (use.operation, use.since) == ("tone_analysis", date(2025, 2, 2))


@pytest.mark.parametrize("code", PACKS.codes)
def test_each_version_is_in_force_from_its_first_to_its_last_day(code: str) -> None:
    pack = PACKS.pack(code)
    for i, version in enumerate(pack.versions):
        assert pack.in_force(version.since) is version
        earlier = pack.versions[i - 1] if i else None
        adjoins = earlier is not None and earlier.until == version.since - DAY
        assert pack.in_force(version.since - DAY) is (earlier if adjoins else None)
        if version.until is not None:
            assert pack.in_force(version.until) is version
            assert pack.in_force(version.until + DAY) is not version


def test_what_was_decided_in_the_past_asked_what_was_in_force_then() -> None:
    days = (date(2008, 10, 2), date(2008, 10, 3), date(2024, 8, 1), date(2024, 8, 2), date(2026, 11, 22))
    since = [{used.code: used.since for used in asked("US-IL", day).packs}.get("US-IL") for day in days]
    assert since == [None, "2008-10-03", "2008-10-03", "2024-08-02", "2024-08-02"]
    electronic = [PACKS.stack("US-IL", day)[0].version.rules.electronic_signature_ok for day in days[2:4]]
    assert electronic == ["unclear", "yes"]
