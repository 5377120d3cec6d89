from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentgate.errors import PackInvalid
from consentgate.packs.packset import PackSet, shipped
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import DEMANDS, Requirements
from consentgate.policy.facts import SpeakerFacts
from consentgate.policy.requirements import merge
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import AT, REQUEST, codes, consent

DAY = date(2026, 11, 22)
SHIPPED = shipped()
ANY = Standing()


def asked(
    packs: PackSet, *candidates: str, purpose: str | None = "authentication", **standing: Any
) -> Requirements:
    return merge(candidates, packs, day=DAY, purpose=purpose, standing=Standing(**standing))


def minors(age: int | None) -> str:
    stated = "" if age is None else f"guardian_required_below = {age}, "
    return f'minors = {{ {stated}kind = "statutory" }}'


def test_the_floor_is_asked_where_no_law_asks() -> None:
    found = asked(pack_set(pack_text("XX")), "XX")
    assert (found.form, found.age) == ("opt_in", 18)
    assert [element for element, _ in found.elements] == [
        "collection_or_storage_disclosed",
        "specific_purpose",
    ]
    assert {basis.pack for basis in (*found.form_bases, *found.age_bases, *found.demand("consent"))} == {
        "baseline"
    }
    assert found.covered is False


def test_the_strictest_of_all_wins_and_cites_who_asks() -> None:
    packs = pack_set(
        pack_text(
            "AA", 'consent_form = "explicit"\nnotice_elements = ["policy_url"]\nseparate_consent = true'
        ),
        pack_text("BB", 'consent_form = "notice_only"\nnotice_elements = ["policy_url", "legal_basis"]'),
        pack_text("CC", 'consent_form = "explicit"\nvoiceprint_covered = "unclear"'),
    )
    found = asked(packs, "BB", "CC", "AA")
    assert found.form == "explicit"
    assert [basis.pack for basis in found.form_bases] == ["AA", "CC"]
    elements = {element: [basis.pack for basis in bases] for element, bases in found.elements}
    assert elements["policy_url"] == ["AA", "BB"]
    assert elements["legal_basis"] == ["BB"]
    assert [basis.pack for basis in found.demand("separate_consent")] == ["AA"]
    assert found.covered is True
    assert [used.code for used in found.packs] == ["AA", "BB", "CC"]


def test_the_order_and_repetition_of_candidates_do_not_matter() -> None:
    assert asked(SHIPPED, "FR", "US-IL", "FR") == asked(SHIPPED, "US-IL", "FR")


def test_what_is_asked_depends_on_no_assertion_but_type_and_exemptions() -> None:
    plain = asked(SHIPPED, "US-IL", controller_type="bank")
    other = asked(
        SHIPPED, "US-IL", controller_type="bank", public_policy_published=True, purpose_satisfied_at=AT
    )
    assert other is plain
    assert asked(SHIPPED, "US-IL", controller_type="contact_centre") is not plain


def test_unknown_candidates_are_named() -> None:
    found = asked(SHIPPED, "QQ", "US-IL", "ZZ-1")
    assert (found.unknown, found.packs) == (("QQ", "ZZ-1"), ())


def test_a_pack_that_cannot_be_used_fails_the_merge() -> None:
    with pytest.raises(PackInvalid):
        asked(pack_set(pack_text("XX", "consent_requird = true")), "XX")


@pytest.mark.parametrize(
    ("own", "parent", "group", "age"),
    [
        (13, None, 16, 13),
        (None, None, 16, 16),
        (None, None, None, 18),
        (15, 13, 16, 15),
        (13, 15, 16, 15),
        (None, 13, 16, 13),
        (20, None, None, 20),
    ],
)
def test_a_groups_age_yields_to_its_members(
    own: int | None, parent: int | None, group: int | None, age: int
) -> None:
    packs = pack_set(
        pack_text("AA", minors(own), parents=("PP", "GG"), groups=("GG",)),
        pack_text("PP", minors(parent)),
        pack_text("GG", minors(group)),
    )
    assert asked(packs, "AA").age == age


def test_a_parent_that_is_a_group_is_one_even_where_it_is_not_listed_as_one() -> None:
    packs = pack_set(pack_text("NO", minors(13), parents=("EU",)), pack_text("EU", minors(16), kind="group"))
    assert asked(packs, "NO").age == 13
    assert asked(packs, "EU").age == 16
    assert asked(packs, "NO", "EU").age == 16


def test_a_candidate_without_an_age_counts_as_eighteen_beside_others() -> None:
    packs = pack_set(pack_text("AA", minors(13)), pack_text("BB"))
    found = asked(packs, "AA", "BB")
    assert (found.age, [basis.pack for basis in found.age_bases]) == (18, ["baseline"])


CONDITION = (
    '[[versions.conditional_rules]]\nid = "r1"\nlevel = "law"\ncite = "s. 9"\n'
    'purpose_in = ["lie_detection"]\n'
    'require = {{ consent_form = "written_release", oral_consent_ok = {}, electronic_signature_ok = true }}\n'
)


@pytest.mark.parametrize(
    ("purpose", "form"), [("lie_detection", "written_release"), ("x", "opt_in"), (None, "opt_in")]
)
def test_a_condition_on_the_purpose_overwrites(purpose: str | None, form: str) -> None:
    packs = pack_set(
        pack_text("XX", "consent_required = true\noral_consent_ok = true", extra=CONDITION.format("false"))
    )
    found = asked(packs, "XX", purpose=purpose)
    assert found.form == form
    assert bool(found.demand("no_oral_consent")) is (form == "written_release")
    assert found.packs[0].conditions == (("r1",) if form == "written_release" else ())
    if form == "written_release":
        assert found.form_bases[0].citation == "s. 9"


SCOPE = (
    '[[versions.conditional_rules]]\nid = "scope"\nlevel = "law"\ncite = "s. 1"\n'
    'controller_type_not_in = ["retail"]\n'
)


@pytest.mark.parametrize(("controller", "applies"), [("retail", True), ("bank", False), (None, True)])
def test_a_pack_that_does_not_apply_leaves_only_its_recording_rule(
    controller: str | None, applies: bool
) -> None:
    rules = 'call_recording_consent = "all_party"\npublic_policy_required = true\n' + minors(20)
    packs = pack_set(pack_text("XX", rules, extra=SCOPE + "applies = false\n"))
    found = asked(packs, "XX", controller_type=controller)
    assert found.demand("all_parties")
    assert bool(found.demand("public_policy")) is applies
    assert found.age == (20 if applies else 18)


@pytest.mark.parametrize(("controller", "applies"), [("retail", False), ("bank", True), (None, True)])
def test_a_condition_that_tightens_applies_to_an_unknown_controller(
    controller: str | None, applies: bool
) -> None:
    packs = pack_set(pack_text("XX", extra=SCOPE + "require = { public_policy_required = true }\n"))
    assert bool(asked(packs, "XX", controller_type=controller).demand("public_policy")) is applies


EXEMPTION = '[[exemptions]]\nid = "glba"\ncite = "s. 25"\neffect = "banks"\n'


@pytest.mark.parametrize(
    ("claims", "exempt"),
    [
        ((), False),
        ((("XX", "glba"),), True),
        ((("", "glba"),), True),
        ((("YY", "glba"),), False),
        ((("XX", "other"),), False),
    ],
)
def test_an_exemption_has_to_be_claimed_and_listed(claims: tuple[tuple[str, str], ...], exempt: bool) -> None:
    rules = 'call_recording_consent = "all_party"\npublic_policy_required = true\nprohibited = true\n'
    packs = pack_set(pack_text("XX", rules, extra=EXEMPTION))
    found = asked(packs, "XX", exemptions=claims)
    assert bool(found.demand("prohibited")) is not exempt
    assert bool(found.demand("all_parties")) is True
    assert found.packs[0].exemptions == (("glba",) if exempt else ())


def test_the_version_of_the_day_counts() -> None:
    packs = pack_set(pack_text("XX", "public_policy_required = true", since="2026-11-23"))
    assert asked(packs, "XX").packs == ()
    later = merge(("XX",), packs, day=date(2026, 11, 23), purpose=None, standing=ANY)
    assert later.demand("public_policy")


def test_every_plain_demand_is_made_by_some_rule() -> None:
    rules = (
        'prohibited = true\nconsent_required = true\nconsent_form = "written_release"\n'
        "electronic_signature_ok = false\noral_consent_ok = false\nnotice_in_writing = true\n"
        "separate_consent = true\nalternative_required = true\npurpose_limited = true\nstrict_necessity = true\n"
        "impact_assessment_required = true\npublic_policy_required = true\n"
        'call_recording_consent = "all_party"\nsale_prohibited = "yes"\n'
    )
    packs = pack_set(
        pack_text("AA", rules + 'disclosure_rule = "closed_list"'),
        pack_text("BB", 'disclosure_rule = "separate_consent"'),
        pack_text("CC", 'disclosure_rule = "consent"'),
    )
    assert asked(packs, "AA", "BB", "CC").demands.keys() == {name for name, _, _ in DEMANDS}


CODES = st.sampled_from(SHIPPED.codes)
MOMENTS = st.integers(0, 29 * 365).map(lambda days: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=days))


@settings(deadline=None, max_examples=150)
@given(
    candidates=st.sets(CODES, min_size=1, max_size=3),
    more=CODES,
    at=MOMENTS,
    age=st.one_of(st.none(), st.integers(5, 25)),
    operation=st.sampled_from(["search", "disclose", "sell"]),
    form=st.sampled_from(["none", "opt_in", "explicit", "written_release"]),
    signature=st.sampled_from(["none", "electronic", "wet"]),
    method=st.sampled_from(["web_form", "voice_recording", "verbal_unrecorded"]),
    last=MOMENTS,
    policy=st.booleans(),
)
def test_adding_a_known_candidate_never_removes_a_reason(
    candidates: set[str],
    more: str,
    at: datetime,
    age: int | None,
    operation: str,
    form: str,
    signature: str,
    method: str,
    last: datetime,
    policy: bool,
) -> None:
    grant = consent(
        form=form,
        signature=signature,
        method=method,
        given_at=datetime(2001, 1, 1, tzinfo=UTC),
        operations=None,
    )
    inputs: dict[str, Any] = {
        "at": at,
        "request": REQUEST.__class__(
            operation=operation, purpose="authentication", recording_consent="one_party"
        ),
        "speaker": SpeakerFacts(age=age, last_interaction_at=last),
        "standing": Standing(public_policy_published=policy, purpose_satisfied_at=AT),
    }
    before = {*codes(SHIPPED, grant, candidates=tuple(candidates), **inputs)}
    after = {*codes(SHIPPED, grant, candidates=(*candidates, more), **inputs)}
    assert before <= after or after == {"PROHIBITED_BY_LAW"}
