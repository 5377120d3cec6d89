from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.consent.details import CallContext
from consentgate.consent.state import Ending
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
CLOCK = 'max_retention = [{{ trigger = "{}", within = "P1M" }}]\n'
REFRESH = 'consent_refresh = { trigger = "last_interaction", after = "P24M" }\n'
WITHDRAWAL = (
    'withdrawal = { supported = true, effect = "stop_processing", stop_deadline = "P0D",'
    ' deletion_required = true, deletion_deadline = "P30D" }\n'
)


def request(**changes: Any) -> RequestFacts:
    return replace(REQUEST, **changes)


def speaker(**changes: Any) -> SpeakerFacts:
    return replace(SPEAKER, **changes)


def standing(**changes: Any) -> Any:
    return replace(FLAGS, **changes)


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


USES = (
    'prohibited_uses = [{ operation = "tone_analysis", settings = ["workplace", "education"], from = 2025-02-02,'
    ' cite = "Art. 5(1)(f)" }]'
)
WHOLE = consent(operations=OPERATIONS)


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


def test_without_a_statement_no_other_consent_reason_is_given() -> None:
    packs = packs_asking(
        'separate_consent = true\nsale_prohibited = "yes"\nimpact_assessment_required = true\n'
    )
    found = codes(packs, request=request(operation="sell"), speaker=speaker(age=None))
    assert found == ["IMPACT_ASSESSMENT_MISSING", "NO_CONSENT"]


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
    ("requirement", "assertion", "code"),
    [
        ("impact_assessment_required", "impact_assessment_done", "IMPACT_ASSESSMENT_MISSING"),
        ("public_policy_required", "public_policy_published", "PUBLIC_POLICY_MISSING"),
        ("alternative_required", "alternative_offered", "ALTERNATIVE_NOT_OFFERED"),
        ("strict_necessity", "strictly_necessary", "NOT_STRICTLY_NECESSARY"),
    ],
)
def test_what_nobody_asserted_is_not_the_case(requirement: str, assertion: str, code: str) -> None:
    packs = packs_asking(f"{requirement} = true")
    answers = [codes(packs, consent(), standing=standing(**{assertion: v})) for v in (None, False, True)]
    assert answers == [[code], [code], []]
    assert codes(packs_asking(f"{requirement} = false"), consent()) == []


@pytest.mark.parametrize(
    ("rule", "given", "denied"),
    [
        ("one_party", "one_party", False),
        ("all_party", "one_party", True),
        ("all_party", "all_parties", False),
    ],
)
def test_recording_consent_from_the_call_or_the_assertion(rule: str, given: Any, denied: bool) -> None:
    packs = packs_asking(f'call_recording_consent = "{rule}"')
    expected = ["RECORDING_CONSENT_MISSING"] if denied else []
    assert codes(packs, consent(), request=request(recording_consent=given)) == expected
    asserted = standing(recording_consent=given)
    assert codes(packs, consent(), request=request(recording_consent=None), standing=asserted) == expected


def filing(lead: str, *, required: str = "true", gate: str = "true") -> str:
    return (
        f'prior_authority = {{ required = {required}, kind = "declaration", lead_time = "{lead}",'
        f" gate = {gate} }}\n"
    )


@pytest.mark.parametrize(
    ("rule", "filed", "expected"),
    [
        (filing("P60D"), None, ["PRIOR_AUTHORITY_MISSING"]),
        (filing("P60D", gate="false"), None, []),
        (filing("P60D", required="false"), None, []),
        (filing("P60D"), AT - timedelta(days=59), ["PRIOR_AUTHORITY_PENDING"]),
        (filing("P60D"), AT - timedelta(days=60), []),
        (filing("P0D"), AT + SECOND, ["PRIOR_AUTHORITY_PENDING"]),
    ],
)
def test_filings(rule: str, filed: datetime | None, expected: list[str]) -> None:
    made = () if filed is None else (("XX", filed), ("YY", AT))
    assert codes(packs_asking(rule), consent(), standing=standing(filings=made)) == expected


@pytest.mark.parametrize(
    ("country", "expected"),
    [("XX", []), ("US", ["LOCALISATION_VIOLATION"]), (None, ["INPUT_MISSING:processing_country"])],
)
def test_localisation(country: str | None, expected: list[str]) -> None:
    packs = packs_asking('data_localisation = "required"')
    assert codes(packs, consent(), request=request(processing_country=country)) == expected
    assert codes(packs_asking('data_localisation = "conditional"'), consent(), request=request()) == []


@pytest.mark.parametrize("operation", ["search", "enrol", "disclose"])
def test_a_purpose_that_is_met_ends_search_and_enrolment(operation: str) -> None:
    grant, asked = consent(operations=None), request(operation=operation)
    denied = ["PURPOSE_SATISFIED"] if operation != "disclose" else []
    assert codes(NOTHING, grant, request=asked, standing=standing(purpose_satisfied_at=AT)) == denied
    assert codes(NOTHING, grant, request=asked, standing=standing(purpose_satisfied_at=AT + SECOND)) == []


@pytest.mark.parametrize(
    ("trigger", "where"),
    [
        ("last_interaction", "speaker"),
        ("employment_ended", "standing"),
        ("storage_unnecessary_determined", "standing"),
        ("purpose_satisfied", "standing"),
    ],
)
def test_every_clock_runs_from_its_trigger(trigger: str, where: str) -> None:
    packs = packs_asking(CLOCK.format(trigger))
    started = datetime(2026, 10, 22, 12, tzinfo=UTC)

    def found(start: datetime) -> Any:
        facts = {f"{trigger}_at": start}
        if where == "speaker":
            return decision(packs, consent(), speaker=speaker(**facts))
        return decision(packs, consent(operations=None), standing=standing(**facts))

    over, soon = found(started), found(started + SECOND)
    assert "RETENTION_EXCEEDED" in [each.code for each in over.reasons]
    assert [each.text for each in over.obligations] == ["delete_template"]
    assert "RETENTION_EXCEEDED" not in [each.code for each in soon.reasons]
    assert [each.text for each in soon.obligations] == ["delete_by:2026-11-22T12:00:01Z"]


def test_a_legal_hold_seals_instead_of_deleting() -> None:
    packs = packs_asking(CLOCK.format("last_interaction"))
    held = speaker(legal_hold=True, last_interaction_at=datetime(2020, 1, 1, tzinfo=UTC))
    found = decision(packs, consent(given_at=GIVEN), speaker=held)
    assert [each.text for each in found.obligations] == ["preserve_sealed_no_search"]


def test_the_withdrawal_clock_is_not_a_retention_clock() -> None:
    assert codes(packs_asking(CLOCK.format("consent_withdrawn")), consent()) == []


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


def end(kind: Any) -> Ending:
    return Ending(kind=kind, at=AT - SECOND, entry="n9")


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
