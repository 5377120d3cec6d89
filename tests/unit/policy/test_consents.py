"""One grant, judged by one rule at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.consent.details import CallContext
from consentgate.policy.facts import OPERATIONS, RequestFacts, SpeakerFacts, Uses
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import (
    AT,
    FLAGS,
    FLOOR,
    GIVEN,
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
RELEASE = 'consent_form = "written_release"\nelectronic_signature_ok = {}\n'
ORAL = "consent_required = true\noral_consent_ok = {}\n"
REFRESH = 'consent_refresh = { trigger = "last_interaction", after = "P24M" }\n'


def request(**changes: Any) -> RequestFacts:
    return replace(REQUEST, **changes)


def speaker(**changes: Any) -> SpeakerFacts:
    return replace(SPEAKER, **changes)


def standing(**changes: Any) -> Any:
    return replace(FLAGS, **changes)


@pytest.mark.parametrize("operation", ["search", "enrol", "update", "disclose", "sell", "tone_analysis"])
def test_operations_are_consented_to_one_by_one(operation: str) -> None:
    asked = request(operation=operation)
    assert codes(NOTHING, consent(operations=(operation,)), request=asked) == []
    others = tuple(each for each in OPERATIONS if each != operation)
    assert codes(NOTHING, consent(operations=others), request=asked) == ["OPERATION_NOT_CONSENTED"]
    unnamed = codes(NOTHING, consent(operations=None), request=asked)
    assert unnamed == (["OPERATION_NOT_CONSENTED"] if operation == "tone_analysis" else [])


def test_a_word_that_is_no_operation_needs_a_consent_that_names_it() -> None:
    asked = request(operation="disclosure")
    assert codes(NOTHING, consent(operations=None), request=asked) == ["OPERATION_NOT_CONSENTED"]
    assert codes(NOTHING, consent(operations=("disclosure",)), request=asked) == []


def test_an_unsound_grant_gives_no_other_consent_reason() -> None:
    packs = packs_asking("public_policy_required = true\n" + REFRESH)
    grant = consent(sound=False, form="none", purposes=(), operations=(), valid_until=GIVEN)
    last = speaker(age=None, last_interaction_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert codes(packs, grant, speaker=last) == ["PUBLIC_POLICY_MISSING", "RECORD_INTEGRITY_FAILED"]
    old = consent(sound=False, given_at=datetime(2019, 1, 1, tzinfo=UTC))
    assert "CONSENT_REFRESH_REQUIRED" in codes(packs, old, speaker=last)


@pytest.mark.parametrize(
    ("requirements", "grant", "expected"),
    [
        ("", {"form": "none"}, ["CONSENT_FORM_INSUFFICIENT"]),
        ("", {"form": "notice_only"}, ["CONSENT_FORM_INSUFFICIENT"]),
        ('consent_form = "none"', {"form": "notice_only"}, ["CONSENT_FORM_INSUFFICIENT"]),
        ('consent_form = "explicit"', {}, ["CONSENT_FORM_INSUFFICIENT"]),
        ('consent_form = "explicit"', {"form": "explicit"}, []),
        (RELEASE.format("true"), {"form": "written_release"}, ["CONSENT_FORM_INSUFFICIENT"]),
        (RELEASE.format("true"), {"form": "written_release", "signature": "electronic"}, []),
        (RELEASE.format("true"), {"form": "explicit", "signature": "wet"}, ["CONSENT_FORM_INSUFFICIENT"]),
        (
            RELEASE.format("false"),
            {"form": "written_release", "signature": "electronic"},
            ["CONSENT_FORM_INSUFFICIENT"],
        ),
        (
            RELEASE.format('"unclear"'),
            {"form": "written_release", "signature": "electronic"},
            ["CONSENT_FORM_INSUFFICIENT"],
        ),
        (RELEASE.format("false"), {"form": "written_release", "signature": "wet"}, []),
        ("electronic_signature_ok = false", {"form": "written_release", "signature": "electronic"}, []),
        (ORAL.format("true"), {"method": "voice_recording"}, []),
        (ORAL.format("false"), {"method": "voice_recording"}, ["CONSENT_FORM_INSUFFICIENT"]),
        (ORAL.format('"unclear"'), {"method": "voice_recording"}, ["CONSENT_FORM_INSUFFICIENT"]),
        ("oral_consent_ok = false", {"method": "voice_recording"}, []),
        (ORAL.format("true"), {"method": "verbal_unrecorded"}, ["NO_PROOF_OF_CONSENT"]),
        (
            ORAL.format("false"),
            {"method": "verbal_unrecorded"},
            ["CONSENT_FORM_INSUFFICIENT", "NO_PROOF_OF_CONSENT"],
        ),
        ("", {"method": "import"}, ["NO_PROOF_OF_CONSENT"]),
        ("notice_in_writing = true", {}, ["NOTICE_NOT_WRITTEN"]),
        ("notice_in_writing = true", {"notice_in_writing": True}, []),
        ("separate_consent = true", {}, ["CONSENT_BUNDLED"]),
        ("separate_consent = true", {"separate": True}, []),
        ("", {"notice_elements": frozenset(FLOOR[:1])}, ["NOTICE_INCOMPLETE"]),
        ("", {"given_at": AT + SECOND}, ["CONSENT_NOT_YET_GIVEN"]),
        ("", {"given_at": None}, ["CONSENT_NOT_YET_GIVEN"]),
        ("", {"given_at": AT}, []),
        ("", {"valid_until": AT}, ["CONSENT_EXPIRED"]),
        ("", {"valid_until": AT + SECOND}, []),
        ("", {"purposes": ("fraud",)}, ["PURPOSE_MISMATCH"]),
        ("", {"operations": ("enrol",)}, ["OPERATION_NOT_CONSENTED"]),
        ("", {"operations": ()}, ["OPERATION_NOT_CONSENTED"]),
        ("", {"operations": None}, []),
        ("", {"controllers": ("bank",)}, ["INPUT_MISSING:controller"]),
        ("", {"max_uses": 3}, ["INPUT_MISSING:uses"]),
        ("", {"issuer_problems": ("purpose:authentication",)}, ["ISSUER_OUT_OF_SCOPE"]),
        ("", {"issuer_jurisdictions": ()}, ["ISSUER_OUT_OF_SCOPE"]),
        ("", {"issuer_jurisdictions": ("YY",)}, ["ISSUER_OUT_OF_SCOPE"]),
        ("", {"issuer_jurisdictions": ("XX",)}, []),
        ("", {"context": CallContext(transaction_id="t1")}, ["CONSENT_FOR_OTHER_CALL"]),
    ],
)
def test_a_grant_is_judged(requirements: str, grant: dict[str, Any], expected: list[str]) -> None:
    assert codes(packs_asking(requirements), consent(**grant)) == expected


@pytest.mark.parametrize(
    ("grant", "changes", "expected"),
    [
        ({"controllers": ("bank",)}, {"controller": "bank"}, []),
        ({"controllers": ("bank",)}, {"controller": "shop"}, ["CONTROLLER_NOT_CONSENTED"]),
        ({}, {"audio_captured_at": GIVEN - SECOND}, ["COLLECTION_BEFORE_CONSENT"]),
        ({}, {"audio_captured_at": GIVEN}, []),
        ({}, {"recording_consent": None}, ["RECORDING_CONSENT_MISSING"]),
        ({}, {"recording_consent": "none"}, ["RECORDING_CONSENT_MISSING"]),
        ({}, {"recording_consent": "one_party"}, []),
        ({}, {"purpose": None}, ["INPUT_MISSING:purpose"]),
        ({}, {"purpose": ""}, ["INPUT_MISSING:purpose", "PURPOSE_MISMATCH"]),
        ({"context": CallContext(transaction_id="t1")}, {"context": CallContext(transaction_id="t1")}, []),
        (
            {"context": CallContext(transaction_id="t1", call_leg="Caller")},
            {"context": CallContext(transaction_id="t1", call_leg="Callee")},
            ["CONSENT_FOR_OTHER_CALL"],
        ),
        (
            {"context": CallContext(call_leg="Caller")},
            {"context": CallContext(transaction_id="t1", call_leg="Caller")},
            [],
        ),
    ],
)
def test_a_grant_covers_a_request(
    grant: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    assert codes(NOTHING, consent(**grant), request=request(**changes)) == expected


@pytest.mark.parametrize(("count", "expected"), [(2, []), (3, ["CONSENT_USED_UP"])])
def test_a_grant_with_a_limit_is_used_up(count: int, expected: list[str]) -> None:
    used = speaker(uses=(Uses(entry="g0", count=9), Uses(entry="g1", count=count)))
    assert codes(NOTHING, consent(max_uses=3), speaker=used) == expected


@pytest.mark.parametrize(
    ("limit", "facts", "grant", "expected"),
    [
        (None, {"age": 17}, {}, ["MINOR_NO_GUARDIAN"]),
        (None, {"age": 18}, {}, []),
        (16, {"age": 15}, {}, ["MINOR_NO_GUARDIAN"]),
        (16, {"age": 15}, {"guardian": "unverified"}, ["MINOR_NO_GUARDIAN"]),
        (16, {"age": 15}, {"guardian": "verified"}, []),
        (16, {"age": 16}, {}, []),
        (16, {"age": None}, {}, ["AGE_UNKNOWN"]),
        (16, {"age": None}, {"guardian": "verified"}, ["AGE_UNKNOWN"]),
        (16, {"age": None, "adult": True}, {}, []),
        (20, {"age": None, "adult": True}, {}, ["AGE_UNKNOWN"]),
        (16, {"age": None}, {"age_over": 16}, []),
        (16, {"age": None}, {"age_over": 15}, ["AGE_UNKNOWN"]),
        (16, {"age": 12, "adult": True}, {"age_over": 18}, ["MINOR_NO_GUARDIAN"]),
    ],
)
def test_age(limit: int | None, facts: dict[str, Any], grant: dict[str, Any], expected: list[str]) -> None:
    minors = f'minors = {{ guardian_required_below = {limit}, kind = "statutory" }}' if limit else ""
    assert codes(packs_asking(minors), consent(**grant), speaker=speaker(**facts)) == expected


@pytest.mark.parametrize(
    ("rule", "given", "denied"),
    [
        ("general", "none", False),
        ("consent", "none", True),
        ("consent", "same", False),
        ("consent_or_list", "none", True),
        ("consent_or_list", "separate", False),
        ("separate_consent", "none", True),
        ("separate_consent", "same", True),
        ("separate_consent", "separate", False),
        ("closed_list", "separate", True),
    ],
)
def test_disclosure(rule: str, given: str, denied: bool) -> None:
    packs = packs_asking(f'disclosure_rule = "{rule}"')
    grant = consent(operations=None, disclosure_consent=given)
    found = codes(packs, grant, request=request(operation="disclose"))
    assert found == (["DISCLOSURE_NOT_PERMITTED"] if denied else [])
    assert codes(packs, grant) == []


@pytest.mark.parametrize(
    ("rule", "denied"),
    [
        ("no", False),
        ("opt_out", False),
        ("without_consent", False),
        ("without_signed_authorization", True),
        ("yes_with_narrow_exceptions", True),
        ("yes", True),
    ],
)
def test_sale(rule: str, denied: bool) -> None:
    packs = packs_asking(f'sale_prohibited = "{rule}"')
    found = codes(packs, consent(operations=None), request=request(operation="sell"))
    assert found == (["SALE_PROHIBITED"] if denied else [])
    assert codes(packs, consent(operations=None)) == []


@pytest.mark.parametrize(
    ("last", "given", "due"),
    [
        (datetime(2024, 11, 22, 12, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC), True),
        (datetime(2024, 11, 22, 12, tzinfo=UTC), datetime(2024, 11, 22, 12, tzinfo=UTC), True),
        (datetime(2024, 11, 22, 12, tzinfo=UTC), datetime(2024, 11, 22, 12, 1, tzinfo=UTC), False),
        (datetime(2024, 11, 22, 12, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC), False),
        (None, datetime(2020, 1, 1, tzinfo=UTC), False),
    ],
)
def test_refresh(last: datetime | None, given: datetime, due: bool) -> None:
    found = codes(packs_asking(REFRESH), consent(given_at=given), speaker=speaker(last_interaction_at=last))
    assert found == (["CONSENT_REFRESH_REQUIRED"] if due else [])


def test_refresh_is_listed_without_any_grant() -> None:
    last = speaker(last_interaction_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert codes(packs_asking(REFRESH), speaker=last) == ["CONSENT_REFRESH_REQUIRED", "NO_CONSENT"]
    assert codes(packs_asking(REFRESH), negative(), speaker=last) == [
        "CONSENT_REFRESH_REQUIRED",
        "CONSENT_REFUSED",
    ]


@pytest.mark.parametrize(
    ("flag_value", "expected"), [(True, ["policy_url"]), (None, ["policy_url"]), (False, [])]
)
@pytest.mark.parametrize(
    "flag",
    ["has_dpo", "cross_border", "automated_decision", "third_party_provision", "provision_is_contractual"],
)
def test_conditional_elements_are_needed_unless_the_flag_is_false(
    flag: str, flag_value: bool | None, expected: list[str]
) -> None:
    packs = packs_asking(f'notice_elements_conditional = [{{ element = "policy_url", flag = "{flag}" }}]')
    found = decision(packs, consent(), standing=standing(**{flag: flag_value}))
    assert list(found.missing_notice_elements) == expected
    assert [each.code for each in found.reasons] == (["NOTICE_INCOMPLETE"] if expected else [])


def test_missing_elements_are_sorted_and_cited() -> None:
    packs = packs_asking('notice_elements = ["policy_url", "complaint_right"]')
    found = decision(packs, consent(notice_elements=frozenset(FLOOR)))
    assert found.missing_notice_elements == ("complaint_right", "policy_url")
    assert found.reasons[0].detail == ("complaint_right", "policy_url")
    assert found.reasons[0].law == "XX: Act s. 1"


def test_the_issuer_has_to_cover_every_candidate() -> None:
    packs = pack_set(
        pack_text("US"),
        pack_text("US-IL", parents=("US",)),
        pack_text("EU", kind="group"),
        pack_text("FR", parents=("EU",)),
    )
    grant = consent(issuer_jurisdictions=("US", "EU"))
    assert codes(packs, grant, candidates=("US-IL", "FR")) == []
    outside = decision(packs, consent(issuer_jurisdictions=("US-IL",)), candidates=("US-IL", "FR"))
    assert outside.reasons[0].detail == ("jurisdiction:FR",)
    assert codes(packs, consent(issuer_jurisdictions=("US-IL",)), candidates=("US-IL",)) == []
