"""Every reason names exactly those who ask: the packs by the clause behind the field, the floor, or the statement.

Both packs cite each field by its name, so that a reason that cites another field, another pack, or too few of them
is seen.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from consentgate.consent.details import CallContext
from consentgate.consent.state import Ending
from consentgate.packs.packset import PackSet
from consentgate.packs.rules import RULE_NAMES
from consentgate.policy.assertions import Standing
from consentgate.policy.decide import Decision
from consentgate.policy.facts import SpeakerFacts, Uses
from consentgate.policy.reasons import Reason
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import AT, FLAGS, FLOOR, GIVEN, REQUEST, SPEAKER, consent, decision, negative

LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)
ASKING = (
    'consent_required = true\nconsent_form = "written_release"\nelectronic_signature_ok = false\n'
    "oral_consent_ok = false\nnotice_in_writing = true\nseparate_consent = true\nalternative_required = true\n"
    "purpose_limited = true\nstrict_necessity = true\nimpact_assessment_required = true\n"
    'public_policy_required = true\ncall_recording_consent = "all_party"\nsale_prohibited = "yes"\n'
    'disclosure_rule = "{disclosure}"\nnotice_elements = ["legal_basis"]\n'
    'notice_elements_conditional = [{{ element = "dpo_contact", flag = "has_dpo" }}]\n'
    'max_retention = [{{ trigger = "last_interaction", within = "P1Y" }}]\n'
    'consent_refresh = {{ trigger = "last_interaction", after = "P1Y" }}\n'
    'minors = {{ guardian_required_below = 16, kind = "statutory" }}\n'
    'prior_authority = {{ required = true, kind = "declaration", lead_time = "P2M", gate = true }}\n'
    'data_localisation = "required"\n'
)


def citing(code: str, requirements: str) -> str:
    """A pack that cites each field by its name."""
    basis = "".join(
        f'[[basis]]\nrequirements = ["{name}"]\ncite = "{name}"\nconfidence = "source-read"\n'
        for name in RULE_NAMES
    )
    return pack_text(code, requirements, extra=basis)


def asking(disclosure: str = "separate_consent", **instead: str) -> PackSet:
    text = ASKING.format(disclosure=disclosure)
    return pack_set(*(citing(code, instead.get(code, text)) for code in ("AA", "BB")))


PLAIN = pack_set(citing("AA", ""), citing("BB", ""))
GRANT: dict[str, Any] = {
    "form": "written_release",
    "signature": "wet",
    "separate": True,
    "notice_in_writing": True,
    "notice_elements": frozenset((*FLOOR, "legal_basis", "dpo_contact")),
    "operations": None,
}
MET = Standing(
    public_policy_published=True,
    impact_assessment_done=True,
    alternative_offered=True,
    strictly_necessary=True,
    filings=(("AA", LONG_AGO), ("BB", LONG_AGO)),
)


def decided(packs: PackSet, *consents: Any, **inputs: Any) -> Decision:
    return decision(packs, *consents, candidates=("AA", "BB"), **inputs)


def cited(reasons: tuple[Reason, ...], code: str) -> list[str]:
    (found,) = (each for each in reasons if each.code == code)
    assert found.speaker == "caller 1"
    return [f"{basis.pack}: {basis.citation}" for basis in found.bases]


def both(*fields: str) -> list[str]:
    return [f"{pack}: {field}" for field in fields for pack in ("AA", "BB")]


CONSENT = [*both("consent_required"), "baseline: the floor of consentgate, not law"]
BASELINE = CONSENT[-1:]


@pytest.mark.parametrize(
    ("code", "grant", "expected"),
    [
        ("CONSENT_FORM_INSUFFICIENT", {"form": "explicit"}, both("consent_form")),
        ("CONSENT_FORM_INSUFFICIENT", {"signature": "none"}, both("consent_form")),
        ("CONSENT_FORM_INSUFFICIENT", {"signature": "electronic"}, both("electronic_signature_ok")),
        ("CONSENT_FORM_INSUFFICIENT", {"method": "voice_recording"}, both("oral_consent_ok")),
        (
            "CONSENT_FORM_INSUFFICIENT",
            {"method": "voice_recording", "form": "none", "signature": "electronic"},
            both("consent_form", "oral_consent_ok"),
        ),
        ("NO_PROOF_OF_CONSENT", {"method": "import"}, CONSENT),
        ("NOTICE_NOT_WRITTEN", {"notice_in_writing": False}, both("notice_in_writing")),
        ("CONSENT_BUNDLED", {"separate": False}, both("separate_consent")),
        ("CONSENT_EXPIRED", {"valid_until": AT}, CONSENT),
        ("CONSENT_NOT_YET_GIVEN", {"given_at": datetime(2027, 1, 1, tzinfo=UTC)}, CONSENT),
        ("RECORD_INTEGRITY_FAILED", {"sound": False}, CONSENT),
        ("PURPOSE_MISMATCH", {"purposes": ("other",)}, both("purpose_limited")),
        (
            "NOTICE_INCOMPLETE",
            {"notice_elements": frozenset((*FLOOR, "dpo_contact"))},
            both("notice_elements"),
        ),
        (
            "NOTICE_INCOMPLETE",
            {"notice_elements": frozenset((*FLOOR, "legal_basis"))},
            both("notice_elements_conditional"),
        ),
        ("NOTICE_INCOMPLETE", {"notice_elements": frozenset(("legal_basis", "dpo_contact"))}, BASELINE),
        ("OPERATION_NOT_CONSENTED", {"operations": ("enrol",)}, ["statement: g1"]),
        ("INPUT_MISSING:controller", {"controllers": ("bank",)}, ["statement: g1"]),
        ("INPUT_MISSING:uses", {"max_uses": 1}, ["statement: g1"]),
        ("CONSENT_FOR_OTHER_CALL", {"context": CallContext(transaction_id="t")}, ["statement: g1"]),
        ("ISSUER_OUT_OF_SCOPE", {"issuer_jurisdictions": ()}, ["statement: g1"]),
    ],
)
def test_a_reason_against_a_grant_cites_who_asks(
    code: str, grant: dict[str, Any], expected: list[str]
) -> None:
    found = decided(asking(), consent(**(GRANT | grant)), standing=MET)
    assert cited(found.reasons, code) == expected


def test_a_use_beyond_the_grants_cites_the_grant() -> None:
    used = replace(SPEAKER, uses=(Uses(entry="g1", count=1),))
    assert cited(decided(PLAIN, consent(max_uses=1), speaker=used).reasons, "CONSENT_USED_UP") == [
        "statement: g1"
    ]
    other = decided(PLAIN, consent(controllers=("a",)), request=replace(REQUEST, controller="b"))
    assert cited(other.reasons, "CONTROLLER_NOT_CONSENTED") == ["statement: g1"]


@pytest.mark.parametrize(
    ("code", "grant", "expected"),
    [
        ("CONSENT_FORM_INSUFFICIENT", {"form": "none"}, BASELINE),
        ("NOTICE_INCOMPLETE", {"notice_elements": frozenset()}, BASELINE),
        ("PURPOSE_MISMATCH", {"purposes": ("other",)}, BASELINE),
        ("CONSENT_EXPIRED", {"valid_until": AT}, BASELINE),
    ],
)
def test_where_no_law_asks_the_floor_is_cited(code: str, grant: dict[str, Any], expected: list[str]) -> None:
    assert cited(decided(PLAIN, consent(**grant)).reasons, code) == expected


@pytest.mark.parametrize(
    ("code", "standing", "request_", "expected"),
    [
        (
            "IMPACT_ASSESSMENT_MISSING",
            {"impact_assessment_done": None},
            {},
            both("impact_assessment_required"),
        ),
        ("PUBLIC_POLICY_MISSING", {"public_policy_published": False}, {}, both("public_policy_required")),
        ("ALTERNATIVE_NOT_OFFERED", {"alternative_offered": None}, {}, both("alternative_required")),
        ("NOT_STRICTLY_NECESSARY", {"strictly_necessary": None}, {}, both("strict_necessity")),
        ("PRIOR_AUTHORITY_MISSING", {"filings": ()}, {}, both("prior_authority")),
        ("PRIOR_AUTHORITY_PENDING", {"filings": (("AA", AT), ("BB", GIVEN))}, {}, ["AA: prior_authority"]),
        ("PURPOSE_SATISFIED", {"purpose_satisfied_at": AT}, {}, both("purpose_limited")),
        ("INPUT_MISSING:purpose", {}, {"purpose": None}, both("purpose_limited")),
        ("RECORDING_CONSENT_MISSING", {}, {"recording_consent": "one_party"}, both("call_recording_consent")),
        ("LOCALISATION_VIOLATION", {}, {"processing_country": "AA"}, ["BB: data_localisation"]),
        ("INPUT_MISSING:processing_country", {}, {"processing_country": None}, both("data_localisation")),
        ("SALE_PROHIBITED", {}, {"operation": "sell"}, both("sale_prohibited")),
        ("DISCLOSURE_NOT_PERMITTED", {}, {"operation": "disclose"}, both("disclosure_rule")),
        (
            "COLLECTION_BEFORE_CONSENT",
            {},
            {"audio_captured_at": datetime(2025, 1, 1, tzinfo=UTC)},
            CONSENT,
        ),
    ],
)
def test_a_reason_from_the_circumstances_cites_who_asks(
    code: str, standing: dict[str, Any], request_: dict[str, Any], expected: list[str]
) -> None:
    found = decided(
        asking(),
        consent(**GRANT),
        standing=replace(MET, **standing),
        request=replace(REQUEST, **request_),
    )
    assert cited(found.reasons, code) == expected


@pytest.mark.parametrize("code", ["PURPOSE_SATISFIED", "RECORDING_CONSENT_MISSING", "INPUT_MISSING:purpose"])
def test_the_floor_is_cited_for_circumstances_too(code: str) -> None:
    found = decided(
        PLAIN,
        consent(purposes=()),
        request=replace(REQUEST, purpose=None, recording_consent="none"),
        standing=replace(FLAGS, purpose_satisfied_at=AT),
    )
    assert cited(found.reasons, code) == BASELINE


@pytest.mark.parametrize(
    ("code", "speaker", "expected"),
    [
        ("MINOR_NO_GUARDIAN", {"age": 12}, both("minors")),
        ("AGE_UNKNOWN", {"age": None}, both("minors")),
        ("RETENTION_EXCEEDED", {"last_interaction_at": LONG_AGO}, ["AA: max_retention"]),
        ("CONSENT_REFRESH_REQUIRED", {"last_interaction_at": LONG_AGO}, both("consent_refresh")),
    ],
)
def test_a_reason_about_the_speaker_cites_who_asks(
    code: str, speaker: dict[str, Any], expected: list[str]
) -> None:
    grant = consent(**(GRANT | {"given_at": datetime(2018, 1, 1, tzinfo=UTC)}))
    found = decided(asking(), grant, speaker=replace(SPEAKER, **speaker), standing=MET)
    assert cited(found.reasons, code) == expected
    assert [each.detail for each in found.reasons if each.code == code] == [
        ("the limit is 16",) if "minors" in expected[0] else ()
    ]


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ("closed_list", "separate", both("disclosure_rule")),
        ("separate_consent", "same", both("disclosure_rule")),
        ("consent", "none", both("disclosure_rule")),
    ],
)
def test_disclosure_cites_the_rule(rule: str, given: str, expected: list[str]) -> None:
    request = replace(REQUEST, operation="disclose")
    found = decided(asking(rule), consent(**GRANT, disclosure_consent=given), request=request, standing=MET)
    assert cited(found.reasons, "DISCLOSURE_NOT_PERMITTED") == expected


def test_different_rules_of_disclosure_are_all_cited_once() -> None:
    packs = pack_set(
        citing("AA", 'disclosure_rule = "closed_list"'), citing("BB", 'disclosure_rule = "consent"')
    )
    found = decided(packs, consent(operations=None), request=replace(REQUEST, operation="disclose"))
    assert cited(found.reasons, "DISCLOSURE_NOT_PERMITTED") == both("disclosure_rule")


def test_no_consent_and_endings_cite_who_asks_for_consent() -> None:
    assert cited(decided(asking(), standing=MET).reasons, "NO_CONSENT") == CONSENT
    assert cited(decided(asking(), negative(), standing=MET).reasons, "CONSENT_REFUSED") == CONSENT
    ended = consent(**GRANT, endings=(Ending(kind="withdrawn", at=GIVEN, entry="n1"),))
    assert cited(decided(asking(), ended, standing=MET).reasons, "CONSENT_WITHDRAWN") == CONSENT


def test_what_stands_alone_cites_who_forbids() -> None:
    packs = asking(BB="prohibited = true\n")
    assert cited(decided(packs).reasons, "PROHIBITED_BY_LAW") == ["BB: prohibited"]
    unknown = decision(packs, candidates=("AA", "QQ"))
    assert cited(unknown.reasons, "UNKNOWN_JURISDICTION") == BASELINE
    assert unknown.reasons[0].detail == ("QQ",)


def test_stale_consents_that_prove_nothing_cite_the_refresh_alone() -> None:
    last = SpeakerFacts(name="caller 1", age=40, last_interaction_at=LONG_AGO)
    for consents in ((), (negative(),), (consent(sound=False, given_at=None),)):
        found = decided(asking(), *consents, speaker=last, standing=MET)
        assert cited(found.reasons, "CONSENT_REFRESH_REQUIRED") == both("consent_refresh")
