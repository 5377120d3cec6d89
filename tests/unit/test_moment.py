import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate import moment
from consentgate.errors import InvalidInput, Malformed

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)))
def test_stored_text_round_trips_and_sorts_like_the_time(at: datetime) -> None:
    at = moment.floor(at)
    assert moment.from_text(moment.to_text(at)) == at
    assert moment.from_any(moment.to_text(at)) == at
    assert moment.from_millis(moment.to_millis(at)) == at
    assert (moment.to_text(at) < moment.to_text(NOON)) == (at < NOON)


def test_times_are_written_in_utc_and_rounded_down() -> None:
    at = datetime(2026, 11, 22, 13, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert moment.to_text(at) == "2026-11-22T12:00:00.999Z"
    assert moment.floor(at).tzinfo is UTC
    assert moment.to_millis(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


@given(
    st.datetimes(
        min_value=datetime(1, 1, 2),  # noqa: DTZ001  # bounds have no zone
        max_value=datetime(9999, 12, 30),  # noqa: DTZ001  # bounds have no zone
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_times_of_any_zone_are_rounded_like_their_time_in_utc(at: datetime) -> None:
    there = at.astimezone(UTC)
    assert moment.floor(at) == moment.floor(there) == there.replace(microsecond=at.microsecond // 1000 * 1000)
    assert moment.to_text(at) == moment.to_text(there) == moment.to_text(moment.floor(at))
    assert moment.to_millis(at) == moment.to_millis(there)


def test_a_time_in_utc_is_not_folded() -> None:
    assert moment.floor(NOON.replace(fold=1)).fold == 0


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 9))
def test_times_of_others_are_read_digit_by_digit(at: datetime, digits: int) -> None:
    fraction = f".{at.microsecond:06}000"[: digits + 1] if digits else ""
    kept = int(fraction[1:4].ljust(3, "0")) * 1000 if digits else 0
    text = at.strftime("%m-%dT%H:%M:%S")
    for zone in ("Z", "+00:00"):
        assert moment.from_any(f"{at.year:04}-{text}{fraction}{zone}") == at.replace(microsecond=kept)


@pytest.mark.parametrize("at", [datetime(2026, 1, 1), "2026-01-01T00:00:00.000Z", None])  # noqa: DTZ001  # the point
def test_times_without_a_zone_are_refused(at: object) -> None:
    for read in (moment.floor, moment.to_text, moment.to_millis):
        with pytest.raises(InvalidInput):
            read(cast("datetime", at))


def test_times_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput):
        moment.floor(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    with pytest.raises(InvalidInput):
        moment.from_millis(10**18)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00.0000Z",
        "2026-11-22T12:00:00.000+00:00",
        "2026-11-22 12:00:00.000Z",
        "2026-11-22T12:00:00.000z",
        "2026-11-22T12:00:00.000Z\n",
        "2026-02-30T12:00:00.000Z",
        "2026-11-22T24:00:00.000Z",
        "2026-11-22T12:00:60.000Z",
        "0000-11-22T12:00:00.000Z",
        "٢٠٢٦-11-22T12:00:00.000Z",
        "",
        None,
        0,
    ],
)
def test_other_forms_of_a_stored_time_are_refused(text: object) -> None:
    with pytest.raises(Malformed):
        moment.from_text(cast("str", text))


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-11-22T12:00:00Z", 0),
        ("2026-11-22T12:00:00.5Z", 500_000),
        ("2026-11-22T12:00:00.123456789Z", 123_000),
        ("2026-11-22T12:00:00.000+00:00", 0),
        ("2026-11-22T12:00:00+00:00", 0),
    ],
)
def test_times_that_others_wrote_are_read_and_rounded_down(text: str, micros: int) -> None:
    assert moment.from_any(text) == NOON.replace(microsecond=micros)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00",
        "2026-11-22T12:00:00+01:00",
        "2026-11-22",
        "2026-11-22T12:00:00.Z",
        "2026-13-01T00:00:00Z",
        7,
    ],
)
def test_times_without_utc_are_refused(text: object) -> None:
    with pytest.raises(Malformed):
        moment.from_any(cast("str", text))


def test_uuid7_matches_the_rfc_9562_example() -> None:
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    noise = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    made = moment.uuid7(at, lambda size: noise[:size])
    assert str(made) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    assert moment.parse_uuid(str(made)) == made


@given(st.binary(min_size=10, max_size=10), st.integers(0, 2**47))
def test_uuid7_is_version_7_and_carries_its_time(noise: bytes, millis: int) -> None:
    made = moment.uuid7(moment.from_millis(millis), lambda _size: noise)
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == millis
    assert moment.parse_uuid(moment.uuid7_text(moment.from_millis(millis), lambda _size: noise)) == made


def test_uuid7_before_1970_is_refused() -> None:
    with pytest.raises(InvalidInput):
        moment.uuid7(datetime(1969, 1, 1, tzinfo=UTC), bytes)


@pytest.mark.parametrize(
    "text",
    [
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e279b07cc398c4dc0c0c07398f",
        "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
        "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
        "",
        None,
    ],
)
def test_other_forms_of_an_id_are_refused(text: object) -> None:
    with pytest.raises(Malformed):
        moment.parse_uuid(cast("str", text))


def test_the_machines_clock_and_randomness() -> None:
    now = moment.system_clock()
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)
    assert now.microsecond % 1000 == 0
    assert len(moment.system_random(16)) == 16
    assert moment.system_random(16) != moment.system_random(16)
