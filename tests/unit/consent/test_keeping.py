"""What covers keeping a voiceprint: a grant that stands, names enrolment, and names what it was made for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.consent.details import CallContext
from consentgate.consent.keeping import Made, kept_by
from consentgate.consent.state import Consent, Ending, Grant, State

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
GRANT = Grant(
    given_at=AT - timedelta(days=30),
    sound=True,
    form="written_release",
    method="web_esign",
    signature="electronic",
    separate=True,
    disclosure_consent="none",
    purposes=("authentication",),
    operations=("enrol", "search"),
    controllers=("acme",),
    notice_in_writing=True,
    notice_elements=frozenset(),
)
MADE = Made(purpose="authentication", controller="acme", grant="e1")
ENDED = (Ending(kind="withdrawn", at=AT, entry="no"),)


def kept(*grants: Grant, made: Made = MADE) -> str | None:
    consents = tuple(Consent(entry=f"e{n}", grant=grant) for n, grant in enumerate(grants, 1))
    found = kept_by(State(consents=consents), made, AT)
    return found.entry if found is not None else None


def test_newest_grant_that_covers_it_is_named() -> None:
    assert kept(GRANT) == "e1"
    assert kept(GRANT, GRANT) == "e2"
    assert kept(GRANT, replace(GRANT, operations=("search",))) == "e1"


@pytest.mark.parametrize(
    "changes",
    [
        {"sound": False},
        {"issuer_problems": ("issuer:unknown",)},
        {"valid_until": AT},
        {"purposes": ("fraud_watchlist",)},
        {"operations": ("search",)},
        {"controllers": ("other",)},
    ],
)
def test_grant_that_does_not_cover_it_keeps_nothing(changes: dict[str, Any]) -> None:
    assert kept(replace(GRANT, **changes)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": AT + timedelta(seconds=1)},
        {"purposes": ("authentication", "fraud_watchlist")},
        {"operations": None},
        {"controllers": None},
        {"max_uses": 1},
    ],
)
def test_grant_that_covers_it_keeps_it(changes: dict[str, Any]) -> None:
    assert kept(replace(GRANT, **changes)) == "e1"


def test_grant_for_one_call_keeps_what_was_made_on_it_and_nothing_else() -> None:
    of_a_call = replace(GRANT, context=CallContext(transaction_id="tx-1"))
    assert kept(of_a_call) == "e1"
    assert kept(of_a_call, made=replace(MADE, grant="e2")) is None


def test_what_was_taken_away_or_never_given_keeps_nothing() -> None:
    assert kept_by(State(), MADE, AT) is None
    gone = State(consents=(Consent(entry="e1", grant=GRANT, endings=ENDED),))
    assert kept_by(gone, MADE, AT) is None
    refused = State(consents=(Consent(entry="e1", grant=None),))
    assert kept_by(refused, MADE, AT) is None


GRANTS = st.builds(
    lambda purposes, operations, sound: replace(GRANT, purposes=purposes, operations=operations, sound=sound),
    st.sampled_from([("authentication",), ("fraud_watchlist",), ("authentication", "fraud_watchlist")]),
    st.sampled_from([None, ("search",), ("enrol",)]),
    st.booleans(),
)
CONSENTS = st.lists(st.tuples(GRANTS, st.booleans()), max_size=5)


@given(CONSENTS, st.integers(0, 4))
def test_another_no_never_keeps_more(consents: list[tuple[Grant, bool]], place: int) -> None:
    before = tuple(
        Consent(entry=f"e{n}", grant=grant, endings=ENDED if gone else ())
        for n, (grant, gone) in enumerate(consents)
    )
    after = tuple(replace(c, endings=ENDED) if n == place else c for n, c in enumerate(before))
    if kept_by(State(consents=before), MADE, AT) is None:
        assert kept_by(State(consents=after), MADE, AT) is None
