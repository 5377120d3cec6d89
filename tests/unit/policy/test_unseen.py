"""What no other test saw until a mutant survived it (docs/explanation/mutants.md)."""

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from consentgate.consent.details import CallContext
from consentgate.consent.state import Ending
from consentgate.policy.deadlines import Obligation
from consentgate.policy.demands import FLOOR
from consentgate.policy.reasons import DEFINITIONS
from consentgate.policy.requirements import merge
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import (
    AT,
    FLAGS,
    GIVEN,
    REQUEST,
    SPEAKER,
    codes,
    consent,
    decision,
    negative,
    packs_asking,
)

NOTHING = packs_asking()
POLICY = Path(__file__).parents[3] / "consentgate" / "policy"
CODE = re.compile("[A-Z]+(_[A-Z]+)+")
DAY = timedelta(days=1)
REFRESH = 'consent_refresh = { trigger = "last_interaction", after = "P1Y" }\n'
PROOF = 'record_keeping = {{ proof_of_consent_duty = true, retain_proof_for = "{}" }}\n'


def test_a_decision_names_its_speaker_allowed_or_not() -> None:
    assert [decision(NOTHING, *given).speaker for given in ((consent(),), ())] == ["caller 1", "caller 1"]


def test_a_decision_names_the_bond_by_which_its_grant_counts() -> None:
    assert decision(NOTHING, consent(through="b1")).through == "b1"
    assert decision(NOTHING, consent(through="b1", form="none")).through is None


def test_reasons_against_a_consent_that_was_considered_are_sorted() -> None:
    speaker = replace(SPEAKER, age=None)
    (considered,) = decision(NOTHING, consent(valid_until=AT, purposes=()), speaker=speaker).considered
    assert considered.codes == ("AGE_UNKNOWN", "CONSENT_EXPIRED", "PURPOSE_MISMATCH")


def test_missing_elements_are_told_among_other_reasons() -> None:
    found = decision(NOTHING, consent(form="none", notice_elements=frozenset()))
    assert [each.code for each in found.reasons] == ["CONSENT_FORM_INSUFFICIENT", "NOTICE_INCOMPLETE"]
    assert found.missing_notice_elements == ("collection_or_storage_disclosed", "specific_purpose")
    assert decision(NOTHING, consent(form="none")).missing_notice_elements == ()


@pytest.mark.parametrize(("stated", "covered"), [("true", True), ('"unclear"', True), ("false", False)])
def test_a_law_covers_voiceprints_where_it_may(stated: str, covered: bool) -> None:
    packs = packs_asking(f"voiceprint_covered = {stated}")
    assert merge(("XX",), packs, day=AT.date(), purpose="x", standing=FLAGS).covered is covered


def test_a_limit_of_one_year_is_a_limit() -> None:
    packs = packs_asking('minors = { guardian_required_below = 1, kind = "statutory" }')
    assert codes(packs, consent(), speaker=replace(SPEAKER, age=None)) == ["AGE_UNKNOWN"]


def test_a_consent_for_other_purposes_cites_the_floor_where_no_law_limits_them() -> None:
    packs = packs_asking("consent_required = true\noral_consent_ok = true")
    (found,) = decision(packs, consent(purposes=("other",))).reasons
    assert [basis.pack for basis in found.bases] == ["baseline"]


def test_a_form_that_does_not_do_names_the_one_that_does() -> None:
    (found,) = decision(packs_asking('consent_form = "explicit"'), consent()).reasons
    assert found.detail == ("explicit",)


def test_all_that_an_issuer_may_not_record_is_named() -> None:
    for where, detail in (("XX", ("purpose:x",)), ("YY", ("purpose:x", "jurisdiction:XX"))):
        grant = consent(issuer_problems=("purpose:x",), issuer_jurisdictions=(where,))
        (found,) = decision(NOTHING, grant).reasons
        assert (found.code, found.detail) == ("ISSUER_OUT_OF_SCOPE", detail)


def test_who_asks_for_elements_is_named_in_order_of_packs() -> None:
    basis = '[[basis]]\nrequirements = ["notice_elements"]\ncite = "{}"\nconfidence = "source-read"\n'
    asking = 'notice_elements = ["legal_basis"]'
    packs = pack_set(
        pack_text("AA", asking, extra=basis.format("z")), pack_text("BB", asking, extra=basis.format("a"))
    )
    (found,) = decision(packs, consent(), candidates=("AA", "BB")).reasons
    assert [(each.pack, each.citation) for each in found.bases] == [("AA", "z"), ("BB", "a")]


@pytest.mark.parametrize("periods", [("P1Y", "P2Y"), ("P2Y", "P1Y")])
def test_of_several_clocks_the_first_to_run_out_decides(periods: tuple[str, str]) -> None:
    clock = 'max_retention = [{{ trigger = "last_interaction", within = "{}" }}]\n'
    packs = pack_set(*(pack_text(c, clock.format(p)) for c, p in zip(("AA", "BB"), periods, strict=True)))
    speaker = replace(SPEAKER, last_interaction_at=GIVEN - DAY)
    (kept,) = decision(packs, consent(), candidates=("AA", "BB"), speaker=speaker).obligations
    assert kept.text == "delete_by:2027-03-01T15:04:05Z"
    assert [basis.pack for basis in kept.bases] == [("AA", "BB")[periods.index("P1Y")]]


def test_what_has_no_time_is_said_in_one_word() -> None:
    assert Obligation(duty="delete_by").text == "delete_by"
    assert Obligation(duty="stop_processing", due=AT).text == "stop_processing"


def test_of_an_unknown_place_nothing_but_the_floor_is_known() -> None:
    found = merge(("QQ",), NOTHING, day=AT.date(), purpose="x", standing=FLAGS)
    assert (found.covered, found.form, found.form_bases) == (False, "opt_in", (FLOOR,))


def test_elements_are_asked_for_in_order() -> None:
    packs = packs_asking('notice_elements = ["withdrawal_right", "legal_basis"]')
    found = merge(("XX",), packs, day=AT.date(), purpose="x", standing=FLAGS)
    assert [element for element, _ in found.elements] == [
        "collection_or_storage_disclosed",
        "legal_basis",
        "specific_purpose",
        "withdrawal_right",
    ]


def test_only_who_sets_the_limit_is_cited_for_it() -> None:
    minors = 'minors = {{ guardian_required_below = {}, kind = "statutory" }}'
    packs = pack_set(pack_text("AA", minors.format(13), parents=("PP",)), pack_text("PP", minors.format(15)))
    found = merge(("AA",), packs, day=AT.date(), purpose="x", standing=FLAGS)
    assert (found.age, [basis.pack for basis in found.age_bases]) == (15, ["PP"])


def test_reasons_with_one_code_are_sorted_by_detail() -> None:
    found = decision(NOTHING, consent(controllers=("a",), max_uses=1))
    assert [each.code for each in found.reasons] == ["INPUT_MISSING:controller", "INPUT_MISSING:uses"]


@pytest.mark.parametrize("stated", ["prohibited = true\n", "public_policy_required = true\n"])
def test_proof_is_kept_only_of_what_was_relied_on(stated: str) -> None:
    asking = PROOF.format("P5Y")
    assert [each.text for each in decision(packs_asking(asking), consent()).obligations] == [
        "retain_proof_until:2031-11-22T12:00:00Z"
    ]
    assert decision(packs_asking(asking + stated), consent()).obligations == ()


def test_proof_is_kept_for_the_longest_and_all_who_ask_so_long_are_named() -> None:
    packs = pack_set(
        *(pack_text(code, PROOF.format(f"P{years}Y")) for code, years in (("AA", 5), ("BB", 3), ("CC", 5)))
    )
    (kept,) = decision(packs, consent(), candidates=("AA", "BB", "CC")).obligations
    assert kept.due == AT.replace(year=2031)
    assert [basis.pack for basis in kept.bases] == ["AA", "CC"]


@pytest.mark.parametrize(
    ("last", "given", "expected"),
    [
        (AT - 90 * DAY, AT - 200 * DAY, ["refresh_by:2027-08-24T12:00:00Z"]),
        (AT - 90 * DAY, AT - 90 * DAY, ["refresh_by:2027-08-24T12:00:00Z"]),
        (AT - 90 * DAY, AT - 80 * DAY, []),
        (None, AT - 80 * DAY, []),
        (AT.replace(year=2025), AT - 900 * DAY, []),
    ],
)
def test_a_refresh_is_due_only_where_it_will_be(
    last: datetime | None, given: datetime, expected: list[str]
) -> None:
    speaker = replace(SPEAKER, last_interaction_at=last)
    found = decision(packs_asking(REFRESH), consent(given_at=given), speaker=speaker)
    assert [each.text for each in found.obligations] == expected


def test_without_a_grant_nothing_is_refreshed() -> None:
    speaker = replace(SPEAKER, last_interaction_at=AT - DAY)
    for said in ((), (negative(),)):
        assert decision(packs_asking(REFRESH), *said, speaker=speaker).obligations == ()


WITHDRAWAL = (
    'withdrawal = {{ supported = true, effect = "stop_processing", stop_deadline = "{}",'
    ' deletion_required = true, deletion_deadline = "{}" }}\n'
)


def test_after_a_withdrawal_the_shortest_term_counts_from_the_last_one() -> None:
    packs = pack_set(
        pack_text("AA", WITHDRAWAL.format("P9D", "P40D")), pack_text("BB", WITHDRAWAL.format("P20D", "P30D"))
    )
    ends = tuple(Ending(kind="withdrawn", at=AT - days * DAY, entry=f"n{days}") for days in (9, 2, 5))
    found = decision(packs, consent(endings=ends), candidates=("AA", "BB"))
    assert {each.duty: each.due for each in found.obligations} == {
        "stop_processing": AT + 7 * DAY,
        "delete_template": AT + 28 * DAY,
    }


@pytest.mark.parametrize(
    ("last", "hold", "duty"),
    [
        (AT - DAY, False, "delete_by"),
        (AT - 900 * DAY, False, "delete_template"),
        (AT - 900 * DAY, True, "preserve_sealed_no_search"),
    ],
)
def test_a_duty_of_a_clock_cites_the_clock(last: datetime, hold: bool, duty: str) -> None:
    clock = 'max_retention = [{ trigger = "last_interaction", within = "P1Y", cite = "s. 7" }]\n'
    speaker = replace(SPEAKER, last_interaction_at=last, legal_hold=hold)
    found = decision(packs_asking(clock), consent(given_at=GIVEN - 999 * DAY), speaker=speaker)
    assert [(each.duty, [str(basis.citation) for basis in each.bases]) for each in found.obligations] == [
        (duty, ["s. 7"])
    ]


def test_what_should_be_gone_was_due_when_the_clock_ran_out() -> None:
    clock = 'max_retention = [{ trigger = "last_interaction", within = "P1Y" }]\n'
    speaker = replace(SPEAKER, last_interaction_at=GIVEN.replace(year=2020))
    (gone,) = decision(packs_asking(clock), consent(), speaker=speaker).obligations
    assert (gone.duty, gone.due) == ("delete_template", GIVEN.replace(year=2021))


def test_what_is_kept_sealed_and_what_is_asked_again_cite_who_asks() -> None:
    ended = consent(endings=(Ending(kind="withdrawn", at=GIVEN, entry="n1"),))
    held = decision(
        packs_asking(WITHDRAWAL.format("P0D", "P0D")), ended, speaker=replace(SPEAKER, legal_hold=True)
    )
    again = decision(packs_asking(REFRESH), consent(), speaker=replace(SPEAKER, last_interaction_at=AT - DAY))
    cited = {each.duty: each.bases for each in (*held.obligations, *again.obligations)}
    assert cited.keys() == {"stop_processing", "delete_template", "preserve_sealed_no_search", "refresh_by"}
    assert {tuple(basis.pack for basis in bases) for bases in cited.values()} == {("XX",)}


@pytest.mark.parametrize("operation", ["disclose", "sell"])
def test_handing_on_is_not_judged_by_whether_the_purpose_was_met(operation: str) -> None:
    standing = replace(FLAGS, purpose_satisfied_at=GIVEN)
    request = replace(REQUEST, operation=operation)
    assert codes(NOTHING, consent(operations=None), request=request, standing=standing) == []


def test_a_filing_that_is_wanting_is_named_by_code() -> None:
    rule = 'prior_authority = {{ required = true, kind = "declaration", lead_time = "{}", gate = true }}'
    packs = pack_set(*(pack_text(code, rule.format("P1M")) for code in ("AA", "BB", "CC")))
    standing = replace(FLAGS, filings=(("BB", AT - DAY),))
    found = decision(packs, consent(), candidates=("AA", "BB", "CC"), standing=standing)
    assert {each.code: each.detail for each in found.reasons} == {
        "PRIOR_AUTHORITY_MISSING": ("AA", "CC"),
        "PRIOR_AUTHORITY_PENDING": ("BB",),
    }


def test_periods_that_end_together_are_all_cited_as_proof() -> None:
    packs = pack_set(pack_text("AA", PROOF.format("P12M")), pack_text("BB", PROOF.format("P1Y")))
    (kept,) = decision(packs, consent(), candidates=("AA", "BB")).obligations
    assert [basis.pack for basis in kept.bases] == ["AA", "BB"]


def test_a_group_as_candidate_has_its_own_age_limit() -> None:
    minors = 'minors = {{ guardian_required_below = {}, kind = "statutory" }}'
    packs = pack_set(
        pack_text("GG", minors.format(13), kind="group", parents=("HH",)),
        pack_text("HH", minors.format(16), kind="group"),
    )
    speaker = replace(SPEAKER, age=14)
    assert codes(packs, consent(), candidates=("GG",), speaker=speaker) == []
    assert codes(packs, consent(), candidates=("HH",), speaker=speaker) == ["MINOR_NO_GUARDIAN"]


def test_an_issuer_of_a_part_covers_it_though_the_whole_answers_for_it() -> None:
    packs = pack_set(pack_text("US"))
    grant = consent(issuer_jurisdictions=("US-WY",))
    assert codes(packs, grant, candidates=("US-WY",)) == []
    assert codes(packs, grant, candidates=("US",)) == ["ISSUER_OUT_OF_SCOPE"]


def test_packs_are_named_in_order_whatever_pulled_them_in() -> None:
    packs = pack_set(pack_text("ZZ", parents=("AA",)), pack_text("AA"))
    assert [used.code for used in decision(packs, consent(), candidates=("ZZ",)).packs] == ["AA", "ZZ"]


def test_proof_cites_the_clause_about_proof() -> None:
    rule = 'record_keeping = { proof_of_consent_duty = true, retain_proof_for = "P1Y", cite = "s. 70" }\n'
    (kept,) = decision(packs_asking(rule), consent()).obligations
    assert [basis.citation for basis in kept.bases] == ["s. 70"]


def test_a_clock_of_withdrawals_is_none_of_the_clocks() -> None:
    clock = 'max_retention = [{ trigger = "consent_withdrawn", within = "P1Y" }]\n'
    found = merge(("XX",), packs_asking(clock), day=AT.date(), purpose="x", standing=FLAGS)
    assert found.clocks == ()


@pytest.mark.parametrize("candidates", [(), ("QQ",), ("XX",)])
def test_every_decision_names_the_set_of_packs(candidates: tuple[str, ...]) -> None:
    found = decision(NOTHING, consent(), candidates=candidates)
    assert (found.pack_set, found.candidates) == (NOTHING.digest, candidates)


@pytest.mark.parametrize("stated", ["true", "false", '"unclear"'])
def test_a_decision_says_whether_each_pack_covers_voiceprints(stated: str) -> None:
    found = decision(packs_asking(f"voiceprint_covered = {stated}"), consent())
    assert [used.covers for used in found.packs] == [{"true": "yes", "false": "no"}.get(stated, "unclear")]


@pytest.mark.parametrize(("where", "denied"), [("XX", False), ("YY", True), ("XX-YY", True)])
def test_a_part_of_a_country_keeps_the_voice_in_the_country(where: str, denied: bool) -> None:
    packs = pack_set(pack_text("XX-YY", 'data_localisation = "required"', kind="subdivision"))
    request = replace(REQUEST, processing_country=where)
    found = codes(packs, consent(), candidates=("XX-YY",), request=request)
    assert found == (["LOCALISATION_VIOLATION"] if denied else [])


@pytest.mark.parametrize("limit", ["transaction_id", "voice_connector_id", "call_leg"])
def test_a_grant_for_one_call_holds_for_each_member_of_it(limit: str) -> None:
    call: dict[str, Any] = {"transaction_id": "t1", "voice_connector_id": "v1", "call_leg": "Caller"}
    other = {"transaction_id": "t2", "voice_connector_id": "v2", "call_leg": "Callee"}
    grant = consent(context=CallContext(**call))
    for changed, expected in (({}, []), ({limit: other[limit]}, ["CONSENT_FOR_OTHER_CALL"])):
        request = replace(REQUEST, context=CallContext(**(call | changed)))
        assert codes(NOTHING, grant, request=request) == expected


def test_a_consent_that_was_never_given_and_has_ended_says_only_that() -> None:
    ended = consent(given_at=None, endings=(Ending(kind="withdrawn", at=GIVEN, entry="n1"),))
    captured = replace(REQUEST, audio_captured_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert codes(NOTHING, ended, request=captured) == ["CONSENT_WITHDRAWN"]


def test_eighteen_is_what_an_adult_is() -> None:
    for limit, expected in ((18, []), (19, ["AGE_UNKNOWN"])):
        packs = packs_asking(f'minors = {{ guardian_required_below = {limit}, kind = "statutory" }}')
        assert codes(packs, consent(), speaker=replace(SPEAKER, age=None, adult=True)) == expected


def test_a_written_form_that_was_not_asked_for_may_be_signed_electronically() -> None:
    packs = pack_set(
        pack_text("AA", 'consent_form = "explicit"\nelectronic_signature_ok = false'),
        pack_text("BB", 'consent_form = "written_release"\nelectronic_signature_ok = true'),
    )
    grant = consent(form="written_release", signature="electronic")
    assert codes(packs, grant, candidates=("AA",)) == codes(packs, grant, candidates=("AA", "BB")) == []


def test_an_element_that_is_there_is_not_asked_for_under_a_flag() -> None:
    packs = packs_asking('notice_elements_conditional = [{ element = "specific_purpose", flag = "has_dpo" }]')
    unknown = replace(FLAGS, has_dpo=None)
    found = decision(packs, consent(notice_elements=frozenset()), standing=unknown)
    assert found.missing_notice_elements == ("collection_or_storage_disclosed", "specific_purpose")
    said = frozenset(("specific_purpose",))
    assert decision(packs, consent(notice_elements=said), standing=unknown).missing_notice_elements == (
        "collection_or_storage_disclosed",
    )


@pytest.mark.parametrize("module", ["consents", "circumstances", "decide"])
def test_every_code_that_a_rule_spells_is_defined(module: str) -> None:
    spelt = {
        each.value
        for each in ast.walk(ast.parse((POLICY / f"{module}.py").read_text("utf-8")))
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and CODE.fullmatch(each.value)
    }
    assert spelt
    assert spelt <= DEFINITIONS.keys()
