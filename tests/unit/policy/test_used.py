"""Which assertions a decision names: those that were read, with what they said."""

from datetime import timedelta
from typing import Any

import pytest

from consentgate.canonical import Json
from consentgate.policy.assertions import Assertion, AssertionUsed, in_force
from consentgate.policy.decide import Decision
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import AT, REQUEST, consent, decision, packs_asking

SINCE = AT - timedelta(days=1)
TIME = "2026-09-24T12:00:00.000Z"
FILING = 'prior_authority = { required = true, kind = "declaration", lead_time = "P0D", gate = true }\n'
EXEMPTION = '[[exemptions]]\nid = "glba"\ncite = "s. 25"\neffect = "banks"\n'
SCOPE = (
    '[[versions.conditional_rules]]\nid = "scope"\nlevel = "law"\ncite = "s. 1"\n'
    'controller_type_not_in = ["retail"]\nrequire = { public_policy_required = true }\n'
)
CONDITIONAL = 'notice_elements_conditional = [{ element = "dpo_contact", flag = "has_dpo" }]\n'
CLOCK = 'max_retention = [{ trigger = "employment_ended", within = "P1Y" }]\n'


def said(name: str, value: Json, about: str | None = None) -> Assertion:
    return Assertion(name=name, value=value, by="counsel", since=SINCE, about=about, entry=f"a {name}")


ALL = (
    said("alternative_offered", True),
    said("authority_filing", {"jurisdiction": "XX", "filed_at": TIME}),
    said("controller_type", "retail"),
    said("exemption", {"jurisdiction": "XX", "id": "glba", "claimed": False}),
    said("has_dpo", False),
    said("cross_border", False),
    said("impact_assessment_done", True),
    said("public_policy_published", True),
    said("recording_consent", "all_parties"),
    said("strictly_necessary", False),
    said("employment_ended", None, about="s1"),
    said("purpose_satisfied", None, about="s1"),
)


def decided(packs: Any, *, recording: Any = "all_parties", **inputs: Any) -> Decision:
    asked = REQUEST.__class__(
        operation="search", purpose="authentication", processing_country="XX", recording_consent=recording
    )
    standing = in_force(ALL, AT, about="s1")
    return decision(packs, consent(), request=asked, standing=standing, **inputs)


def names(found: Decision) -> list[str]:
    return [each.name for each in found.assertions]


@pytest.mark.parametrize(
    ("rules", "extra", "read"),
    [
        ("", "", []),
        ("alternative_required = true", "", ["alternative_offered"]),
        ("impact_assessment_required = true", "", ["impact_assessment_done"]),
        ("public_policy_required = true", "", ["public_policy_published"]),
        ("strict_necessity = true", "", ["strictly_necessary"]),
        (FILING, "", ["authority_filing"]),
        (CONDITIONAL, "", ["has_dpo"]),
        (CLOCK, "", ["employment_ended"]),
        ("", EXEMPTION, ["exemption"]),
        ("", SCOPE, ["controller_type"]),
        (
            "prohibited = true\nalternative_required = true",
            SCOPE + EXEMPTION,
            ["controller_type", "exemption"],
        ),
    ],
)
def test_what_the_packs_read_is_named_and_nothing_else(rules: str, extra: str, read: list[str]) -> None:
    found = decided(packs_asking(rules, extra))
    # The floor asks for itself whether the purpose is met; where all is forbidden nothing is asked.
    floor = [] if "prohibited" in rules else ["purpose_satisfied"]
    assert names(found) == sorted([*read, *floor])


def test_who_agreed_to_the_recording_is_read_where_the_call_does_not_say() -> None:
    assert names(decided(packs_asking(), recording=None)) == ["purpose_satisfied", "recording_consent"]


def test_an_assertion_is_named_with_its_value_its_maker_and_its_date() -> None:
    found = decided(packs_asking(FILING + "strict_necessity = true", EXEMPTION))
    assert found.assertions[:3] == (
        AssertionUsed(
            entry="a authority_filing",
            name="authority_filing",
            value='{"filed_at":"2026-09-24T12:00:00.000Z","jurisdiction":"XX"}',
            by="counsel",
            since=SINCE,
        ),
        AssertionUsed(
            entry="a exemption",
            name="exemption",
            value='{"claimed":false,"id":"glba","jurisdiction":"XX"}',
            by="counsel",
            since=SINCE,
        ),
        AssertionUsed(
            entry="a purpose_satisfied", name="purpose_satisfied", value="null", by="counsel", since=SINCE
        ),
    )
    assert found.assertions[3].value == "false"
    assert TIME not in repr(found)


def test_filings_and_exemptions_elsewhere_are_not_named() -> None:
    packs = pack_set(pack_text("XX"), pack_text("YY", FILING, extra=EXEMPTION))
    assert names(decided(packs)) == ["purpose_satisfied"]


def test_nothing_is_read_where_nobody_knows_which_law_applies() -> None:
    assert names(decided(packs_asking(FILING, SCOPE), candidates=("QQ",))) == []


def test_a_claimed_exemption_stands_in_the_decision_by_pack_and_id() -> None:
    claim = said("exemption", {"jurisdiction": "XX", "id": "glba", "claimed": True})
    packs = packs_asking("public_policy_required = true", EXEMPTION)
    found = decision(packs, consent(), standing=in_force([claim], AT))
    assert found.allowed
    assert [(used.code, used.exemptions) for used in found.packs] == [("XX", ("glba",))]
    assert [(used.name, used.by) for used in found.assertions] == [("exemption", "counsel")]
