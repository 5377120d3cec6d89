"""A key's state only ever gets stricter."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.consent.issuers import Issuer, IssuerKey, Registry, key_problems
from consentgate.consent.keystates import compromised, require_stricter, retired
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import InvalidInput
from tests.unit.consent.samples import AT

KEY, OTHER = (generate_signing_key().public for _ in range(2))
ISSUER = Issuer(iss="https://ivr.example", name="IVR", keys=(IssuerKey(public=KEY), IssuerKey(public=OTHER)))
TICK = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


def problems(issuer: Issuer, received_at: datetime) -> tuple[str, ...]:
    """Why the first key does not carry what was received at some time."""
    return key_problems(issuer.keys[0], received_at=received_at, trusted_at=None)


def test_retired_key_carries_what_was_received_until_then() -> None:
    after = retired(ISSUER, AT, KEY.kid)
    assert [key.state for key in after.keys] == ["retired", "active"]
    assert problems(after, AT) == ()
    assert problems(after, AT + TICK) == ("expired",)
    assert [key.state for key in retired(ISSUER, AT).keys] == ["retired", "retired"]


def test_retiring_never_makes_a_key_last_longer() -> None:
    ends = replace(ISSUER, keys=(IssuerKey(public=KEY, not_after=AT - HOUR),))
    assert retired(ends, AT).keys[0].not_after == AT - HOUR
    begins = replace(ISSUER, keys=(IssuerKey(public=KEY, not_before=AT + HOUR),))
    assert problems(retired(begins, AT), AT + HOUR) == ("expired",)


def test_compromised_key_carries_nothing_whose_time_is_weak() -> None:
    after = compromised(ISSUER, AT, KEY.kid, at=AT)
    assert problems(after, AT - HOUR) == ("compromised",)
    trusted = key_problems(after.keys[0], received_at=AT, trusted_at=AT - TICK)
    assert trusted == ()
    assert key_problems(after.keys[0], received_at=AT, trusted_at=AT) == ("compromised",)


def test_what_is_done_twice_is_done_once() -> None:
    once = retired(ISSUER, AT)
    assert retired(once, AT + HOUR) is once
    marked = compromised(once, AT, at=AT)
    assert compromised(marked, AT, at=AT + HOUR) is marked
    assert compromised(marked, AT + HOUR, at=AT + HOUR) is marked
    assert retired(marked, AT + HOUR) is marked


def test_compromise_moves_to_an_earlier_time_and_never_to_a_later_one() -> None:
    marked = compromised(ISSUER, AT, at=AT)
    assert compromised(marked, AT - HOUR, at=AT).keys[0].compromised_since == AT - HOUR
    with pytest.raises(InvalidInput, match="never moved"):
        compromised(marked, AT + HOUR, KEY.kid, at=AT + HOUR)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no such key"):
        retired(ISSUER, AT, "A" * 43)
    with pytest.raises(InvalidInput, match="no such key"):
        compromised(ISSUER, AT, "A" * 43, at=AT)
    with pytest.raises(InvalidInput, match="past"):
        compromised(ISSUER, AT + TICK, at=AT)
    with pytest.raises(InvalidInput, match="give that back"):
        retired(compromised(ISSUER, AT, at=AT), AT, KEY.kid)


def registry(*keys: IssuerKey) -> Registry:
    """A registry with one issuer of these keys, or with none."""
    return Registry(issuers=(replace(ISSUER, keys=keys),) if keys else ())


ACTIVE, SPARE = IssuerKey(public=KEY), IssuerKey(public=OTHER)
RETIRED = IssuerKey(public=KEY, state="retired", not_after=AT)
MARKED = IssuerKey(public=KEY, state="compromised", compromised_since=AT)


@pytest.mark.parametrize(
    ("before", "after", "fits"),
    [
        (ACTIVE, RETIRED, True),
        (ACTIVE, SPARE, True),
        (RETIRED, RETIRED, True),
        (RETIRED, MARKED, True),
        (RETIRED, ACTIVE, False),
        (RETIRED, SPARE, False),
        (RETIRED, replace(RETIRED, not_after=AT + HOUR), False),
        (MARKED, MARKED, True),
        (MARKED, replace(MARKED, compromised_since=AT - HOUR), True),
        (MARKED, replace(MARKED, compromised_since=AT + HOUR), False),
        (MARKED, RETIRED, False),
        (MARKED, ACTIVE, False),
        (MARKED, SPARE, False),
    ],
)
def test_registry_in_which_a_key_counts_for_more_is_refused(
    before: IssuerKey, after: IssuerKey, fits: bool
) -> None:
    if fits:
        require_stricter(registry(before), registry(after))
    else:
        with pytest.raises(InvalidInput, match="never counts again"):
            require_stricter(registry(before), registry(after))


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.sampled_from([KEY.kid, None])), max_size=6)


@given(STEPS, st.integers(-9, 20))
def test_no_sequence_of_steps_lets_a_key_carry_more(
    steps: list[tuple[bool, int, str | None]], hours: int
) -> None:
    issuer, received_at = ISSUER, AT + hours * HOUR
    for retire, since, kid in steps:
        before = problems(issuer, received_at)
        try:
            if retire:
                issuer = retired(issuer, AT + 9 * HOUR, kid)
            else:
                issuer = compromised(issuer, AT + since * HOUR, kid, at=AT + 9 * HOUR)
        except InvalidInput:
            continue
        assert {*before} <= {*problems(issuer, received_at)}
