"""Whole decisions: what stands alone, which grant speaks, what is said at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.consent.state import Ending
from consentgate.policy.facts import OPERATIONS, RequestFacts, SpeakerFacts
from tests.unit.policy.cases import (
    AT,
    REQUEST,
    SPEAKER,
    codes,
    consent,
    decision,
    negative,
    packs_asking,
)

SECOND = timedelta(seconds=1)
NOTHING = packs_asking()
WITHDRAWAL = (
    'withdrawal = { supported = true, effect = "stop_processing", stop_deadline = "P0D",'
    ' deletion_required = true, deletion_deadline = "P30D" }\n'
)
USES = (
    'prohibited_uses = [{ operation = "tone_analysis", settings = ["workplace", "education"], from = 2025-02-02,'
    ' cite = "Art. 5(1)(f)" }]'
)
WHOLE = consent(operations=OPERATIONS)


def request(**changes: Any) -> RequestFacts:
    return replace(REQUEST, **changes)


def speaker(**changes: Any) -> SpeakerFacts:
    return replace(SPEAKER, **changes)


def end(kind: Any) -> Ending:
    return Ending(kind=kind, at=AT - SECOND, entry="n9")


def test_a_case_without_reasons_is_allowed_and_names_its_grant() -> None:
    found = decision(NOTHING, consent())
    assert (found.allowed, found.reasons, found.grant) == (True, (), "g1")
    assert found.candidates == ("XX",)
    assert [(used.code, used.since) for used in found.packs] == [("XX", "2000-01-01")]
    assert found.pack_set == NOTHING.digest


@pytest.mark.parametrize("candidates", [(), ("YY",), ("XX", "YY")])
def test_an_unknown_jurisdiction_stands_alone(candidates: tuple[str, ...]) -> None:
    found = codes(packs_asking("prohibited = true"), candidates=candidates, request=request(purpose=None))
    assert found == ["UNKNOWN_JURISDICTION"]


def test_what_the_law_forbids_stands_alone() -> None:
    found = decision(packs_asking("prohibited = true"), request=request(purpose=None))
    assert [each.code for each in found.reasons] == ["PROHIBITED_BY_LAW"]
    assert found.obligations == ()


@pytest.mark.parametrize(
    ("setting", "denied"), [("workplace", True), ("education", True), (None, True), ("customer", False)]
)
def test_a_forbidden_use_is_denied_whatever_the_consent(setting: Any, denied: bool) -> None:
    asked = request(operation="tone_analysis")
    found = decision(packs_asking(USES), WHOLE, request=asked, speaker=speaker(setting=setting))
    assert [each.code for each in found.reasons] == (["PROHIBITED_BY_LAW"] if denied else [])
    assert [each.law for each in found.reasons] == (["XX: Art. 5(1)(f)"] if denied else [])
    assert codes(packs_asking(USES), WHOLE, speaker=speaker(setting=setting)) == []


def test_a_use_is_forbidden_from_its_day_on_and_everywhere_where_no_setting_is_named() -> None:
    asked = request(operation="tone_analysis")
    before = datetime(2025, 2, 1, 23, 59, 59, tzinfo=UTC)
    given = consent(operations=OPERATIONS, given_at=datetime(2024, 1, 1, tzinfo=UTC))
    anywhere = packs_asking(USES.replace('settings = ["workplace", "education"], ', ""))
    for packs in (packs_asking(USES), anywhere):
        assert codes(packs, given, request=asked, at=before) == []
        assert codes(packs, given, request=asked, at=before + SECOND) == ["PROHIBITED_BY_LAW"]
    assert codes(anywhere, given, request=asked, speaker=speaker(setting="customer")) == ["PROHIBITED_BY_LAW"]


def test_without_a_statement_no_other_consent_reason_is_given() -> None:
    packs = packs_asking(
        'separate_consent = true\nsale_prohibited = "yes"\nimpact_assessment_required = true\n'
    )
    found = codes(packs, request=request(operation="sell"), speaker=speaker(age=None))
    assert found == ["IMPACT_ASSESSMENT_MISSING", "NO_CONSENT"]


def test_a_withdrawn_grant_denies_and_has_to_be_deleted() -> None:
    found = decision(packs_asking(WITHDRAWAL), consent(endings=(end("withdrawn"),)))
    assert [each.code for each in found.reasons] == ["CONSENT_WITHDRAWN"]
    assert [(each.text, each.due) for each in found.obligations] == [
        ("stop_processing", AT - SECOND),
        ("delete_template", AT - SECOND + timedelta(days=30)),
    ]
    assert {basis.pack for each in found.obligations for basis in each.bases} == {"XX"}
    assert found.grant is None


def test_an_ending_counts_whatever_its_time_says() -> None:
    late = Ending(kind="withdrawn", at=AT + timedelta(days=1), entry="n9")
    assert codes(NOTHING, consent(endings=(late,))) == ["CONSENT_WITHDRAWN"]


def test_a_withdrawal_under_a_legal_hold_says_both() -> None:
    found = decision(NOTHING, consent(endings=(end("withdrawn"),)), speaker=speaker(legal_hold=True))
    assert [each.text for each in found.obligations] == [
        "stop_processing",
        "delete_template",
        "preserve_sealed_no_search",
    ]
    assert {basis.pack for each in found.obligations for basis in each.bases} == {"baseline"}


def test_a_refused_and_withdrawn_grant_says_both() -> None:
    found = codes(NOTHING, consent(endings=(end("refused"), end("withdrawn"))))
    assert found == ["CONSENT_REFUSED", "CONSENT_WITHDRAWN"]


@pytest.mark.parametrize(
    ("kind", "code"), [("refused", "CONSENT_REFUSED"), ("withdrawn", "CONSENT_WITHDRAWN")]
)
def test_an_opt_out_of_a_person_never_seen_denies(kind: str, code: str) -> None:
    found = decision(NOTHING, negative(kind=kind), speaker=speaker(age=None))
    assert [each.code for each in found.reasons] == [code]
    follows = ["stop_processing", "delete_template"] if kind == "withdrawn" else []
    assert [each.text for each in found.obligations] == follows


def test_a_later_grant_stands_beside_an_ended_one() -> None:
    found = decision(NOTHING, consent("g1", endings=(end("withdrawn"),)), negative("n1"), consent("g2"))
    assert (found.allowed, found.grant, found.obligations) == (True, "g2", ())
    assert [each.entry for each in found.considered] == ["g2"]


def test_one_grant_that_yields_no_reason_suffices() -> None:
    found = decision(NOTHING, consent("g1"), consent("g2", form="none"), consent("g3", valid_until=AT))
    assert (found.allowed, found.grant) == (True, "g1")
    assert [(each.entry, each.codes) for each in found.considered] == [
        ("g3", ("CONSENT_EXPIRED",)),
        ("g2", ("CONSENT_FORM_INSUFFICIENT",)),
        ("g1", ()),
    ]


def test_otherwise_the_grant_with_the_fewest_reasons_speaks_and_the_newest_of_equals() -> None:
    two: dict[str, Any] = {"form": "none", "valid_until": AT}
    found = codes(NOTHING, consent("g1", **two), consent("g2", valid_until=AT), consent("g3", **two))
    assert found == ["CONSENT_EXPIRED"]
    equals = codes(NOTHING, consent("g1", form="none"), consent("g2", valid_until=AT))
    assert equals == ["CONSENT_EXPIRED"]


def test_a_denied_request_names_no_grant() -> None:
    found = decision(packs_asking("public_policy_required = true"), consent())
    assert (found.allowed, found.grant) == (False, None)


def test_reasons_name_speaker_and_clause_and_are_sorted() -> None:
    packs = packs_asking(
        'consent_form = "explicit"\nseparate_consent = true\nimpact_assessment_required = true'
    )
    found = decision(packs, consent())
    assert [each.code for each in found.reasons] == [
        "CONSENT_BUNDLED",
        "CONSENT_FORM_INSUFFICIENT",
        "IMPACT_ASSESSMENT_MISSING",
    ]
    assert {each.speaker for each in found.reasons} == {"caller 1"}
    assert {each.law for each in found.reasons} == {"XX: Act s. 1"}
