from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.canonical import Json
from consentgate.errors import InvalidInput
from consentgate.policy.assertions import DEFINITIONS, Assertion, Standing, in_force

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TIME = "2026-09-24T12:00:00.000Z"
FILED = datetime(2026, 9, 24, 12, tzinfo=UTC)


def said(
    name: str, value: Json, *, since: datetime = AT, about: str | None = None, entry: str = "a1"
) -> Assertion:
    return Assertion(name=name, value=value, by="counsel", since=since, about=about, entry=entry)


GOOD: dict[str, list[Json]] = {
    "alternative_offered": [True, False],
    "authority_filing": [
        {"jurisdiction": "CA-QC", "filed_at": TIME},
        {"jurisdiction": "CA-QC", "filed_at": None},
    ],
    "automated_decision": [True],
    "controller_type": ["contact_centre"],
    "cross_border": [False],
    "exemption": [{"jurisdiction": "US-IL", "id": "glba", "claimed": True}],
    "has_dpo": [False],
    "impact_assessment_done": [True],
    "provision_is_contractual": [True],
    "public_policy_published": [True],
    "recording_consent": ["all_parties", "one_party", "none"],
    "strictly_necessary": [True],
    "third_party_provision": [True],
    "employment_ended": [TIME, None],
    "purpose_satisfied": [TIME, None],
    "storage_unnecessary_determined": [TIME, None],
}
BAD: dict[str, list[Json]] = {
    "alternative_offered": [None, 1, "true"],
    "authority_filing": [
        None,
        {"jurisdiction": "CA-QC"},
        {"jurisdiction": "ca", "filed_at": TIME},
        {"jurisdiction": 1, "filed_at": TIME},
        {"jurisdiction": "CA-QC", "filed_at": "today"},
        {"jurisdiction": "CA-QC", "filed_at": TIME, "more": 1},
    ],
    "controller_type": ["Bank", "", None],
    "exemption": [
        [],
        {"jurisdiction": "US-IL", "id": "glba"},
        {"jurisdiction": "us", "id": "glba", "claimed": True},
        {"jurisdiction": "US-IL", "id": "", "claimed": True},
        {"jurisdiction": "US-IL", "id": 1, "claimed": True},
        {"jurisdiction": 2, "id": "glba", "claimed": True},
        {"jurisdiction": "US-IL", "id": "glba", "claimed": "yes"},
    ],
    "recording_consent": ["all_party", None, True],
    "purpose_satisfied": [True, "yesterday", 5],
}


def about(name: str) -> str | None:
    return "subject" if DEFINITIONS[name].scope == "subject" else None


def test_every_name_is_tried_here() -> None:
    assert GOOD.keys() == DEFINITIONS.keys()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in GOOD.items() for value in values]
)
def test_a_value_of_the_shape_is_taken(name: str, value: Json) -> None:
    assert said(name, value, about=about(name)).value == value


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_a_value_of_another_shape_is_refused(name: str, value: Json) -> None:
    with pytest.raises(InvalidInput, match=name):
        said(name, value, about=about(name))


@pytest.mark.parametrize(
    ("name", "value", "whom"),
    [("has_dpo", True, "subject"), ("purpose_satisfied", TIME, None), ("weather", True, None)],
)
def test_names_outside_the_list_and_of_the_other_scope_are_refused(
    name: str, value: Json, whom: str | None
) -> None:
    with pytest.raises(InvalidInput):
        said(name, value, about=whom)


def test_an_assertion_names_who_makes_it_and_has_a_zone() -> None:
    with pytest.raises(InvalidInput, match="by is not a text"):
        Assertion(name="has_dpo", value=True, by="", since=AT)
    with pytest.raises(InvalidInput, match="zone"):
        Assertion(name="has_dpo", value=True, by="x", since=AT.replace(tzinfo=None))


def test_nothing_asserted_is_nothing_known() -> None:
    assert in_force((), AT) == Standing()


def test_the_latest_wins_and_among_equals_the_later_commit() -> None:
    old, new = said("has_dpo", True, since=AT - 2 * DAY), said("has_dpo", False, since=AT - DAY, entry="a2")
    assert in_force((old, new), AT).has_dpo is False
    assert in_force((new, old), AT).has_dpo is False
    same = said("has_dpo", True, since=AT - DAY, entry="a3")
    assert in_force((new, same), AT).has_dpo is True
    assert [each.entry for each in in_force((new, same), AT).used] == ["a3"]


@pytest.mark.parametrize(("since", "known"), [(AT, True), (AT + timedelta(milliseconds=1), None)])
def test_an_assertion_holds_from_its_time_on(since: datetime, known: bool | None) -> None:
    assert in_force((said("has_dpo", True, since=since),), AT).has_dpo is known


def test_assertions_about_other_people_are_passed_over() -> None:
    mine = said("purpose_satisfied", TIME, about="s1")
    assert in_force((mine,), AT, about="s1").purpose_satisfied_at == FILED
    assert in_force((mine,), AT, about="s2") == Standing()
    assert in_force((mine,), AT) == Standing()


def test_a_time_can_be_taken_back() -> None:
    first = said("purpose_satisfied", TIME, about="s1", since=AT - DAY)
    back = said("purpose_satisfied", None, about="s1")
    assert in_force((first, back), AT, about="s1").purpose_satisfied_at is None


def test_filings_and_exemptions_are_one_per_jurisdiction() -> None:
    stated = (
        said("authority_filing", {"jurisdiction": "CA-QC", "filed_at": TIME}, since=AT - DAY),
        said("authority_filing", {"jurisdiction": "KE", "filed_at": TIME}, since=AT - DAY),
        said("authority_filing", {"jurisdiction": "KE", "filed_at": None}),
        said("exemption", {"jurisdiction": "US-IL", "id": "glba", "claimed": True}),
        said("exemption", {"jurisdiction": "US-IL", "id": "hipaa", "claimed": True}, since=AT - DAY),
        said("exemption", {"jurisdiction": "US-IL", "id": "hipaa", "claimed": False}),
    )
    found = in_force(stated, AT)
    assert found.filings == (("CA-QC", FILED),)
    assert found.exemptions == (("US-IL", "glba"),)


@given(st.sampled_from(sorted(DEFINITIONS)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_whatever_the_value_it_is_taken_and_read_or_refused(name: str, value: Any) -> None:
    try:
        assertion = said(name, value, about=about(name))
    except InvalidInput:
        return
    assert in_force((assertion,), AT, about="subject").used == (assertion,)
