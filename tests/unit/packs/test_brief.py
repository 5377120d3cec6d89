from datetime import date

import pytest

from consentgate.packs.brief import SECTIONS, Brief, Line, above, brief, changes
from consentgate.packs.packset import PackSet
from consentgate.packs.phrases import LABELS
from consentgate.packs.rules import RULE_NAMES
from tests.unit.packs.texts import pack_set, pack_text

DAY = date(2026, 11, 22)

OWN = """\
consent_form = "written_release"
electronic_signature_ok = true
notice_in_writing = true
notice_elements = ["specific_purpose"]
max_retention = [{ trigger = "purpose_satisfied", within = "P0D", cite = "Act s. 9" }]
[versions.requirements.minors]
guardian_required_below = 15
kind = "statutory"
"""
GROUP = """\
consent_form = "explicit"
separate_consent = true
alternative_required = false
notice_elements = ["specific_purpose", "legal_basis"]
max_retention = [
  { trigger = "purpose_satisfied", within = "P0D", cite = "Act s. 9" },
  { trigger = "consent_withdrawn", within = "P0D" },
]
[versions.requirements.minors]
guardian_required_below = 16
kind = "statutory"
[versions.requirements.withdrawal]
supported = true
effect = "stop_processing"
stop_deadline = "P0D"
deletion_required = true
deletion_deadline = "P1M"
"""
SLOW = 'deletion_deadline = "P1M"'
ABOUT = """
[[basis]]
requirements = ["consent_form"]
cite = "Act s. 3"
confidence = "from-knowledge"
"""


def line(of: Brief, name: str) -> Line:
    (one,) = [each for each in of.lines if each.name == name]
    return one


def sentences(packs: PackSet, code: str) -> dict[str, list[str]]:
    return {pack.code: [each.sentence for each in lines] for pack, lines in above(packs, code, DAY)}


def test_every_requirement_has_a_place() -> None:
    placed = [name for _, names in SECTIONS for name in names]
    assert sorted(placed) == sorted(RULE_NAMES)
    assert len(set(placed)) == len(placed)


def test_a_line_has_its_clause_its_confidence_and_its_doubt() -> None:
    text = pack_text("AA", OWN, extra=ABOUT).replace(
        "tier = 1\n", 'tier = 1\nuncertain_fields = ["minors (16?)"]\n'
    )
    shown = brief(pack_set(text).pack("AA"), DAY)
    form, age = line(shown, "consent_form"), line(shown, "minors")
    assert (form.label, form.citation) == ("Form of consent", "Act s. 3")
    assert (form.confidence, form.uncertain, form.asks) == ("from-knowledge", False, True)
    assert (age.citation, age.confidence, age.uncertain) == ("Act s. 1", "source-read", True)
    assert line(shown, "max_retention").citation == "Act s. 9"
    assert [section.title for section in shown.sections] == ["Consent", "Notice", "Keeping and deletion"]


@pytest.mark.parametrize(
    ("since", "until", "standing"),
    [
        ("2000-01-01", None, "in_force"),
        ("2027-01-01", None, "coming"),
        ("2000-01-01", "2001-01-01", "past"),
    ],
)
def test_a_brief_says_whether_its_version_is_in_force(since: str, until: str | None, standing: str) -> None:
    text = pack_text("AA", OWN, since=since)
    if until is not None:
        text = text.replace(f"from = {since}\n", f"from = {since}\nto = {until}\n")
    shown = brief(pack_set(text).pack("AA"), DAY)
    assert (shown.standing, shown.version.since.isoformat()) == (standing, since)


def test_above_adds_only_what_asks_for_more() -> None:
    packs = pack_set(pack_text("FR", OWN, groups=("EU",)), pack_text("EU", GROUP, kind="group"))
    assert sentences(packs, "FR") == {
        "EU": [
            "Consent is asked for apart from other terms.",
            "The notice says: the legal basis.",
            "The voiceprint has to be gone as soon as consent is withdrawn.",
            "Consent can be withdrawn: processing stops, and the voiceprint has to be gone within 1 month.",
        ]
    }


def test_the_age_of_a_parent_counts_if_it_is_higher() -> None:
    packs = pack_set(pack_text("AA-BB", OWN, parents=("AA",)), pack_text("AA", GROUP))
    assert "Below 16 a guardian has to consent." in sentences(packs, "AA-BB")["AA"]
    packs = pack_set(pack_text("AA-BB", GROUP, parents=("AA",)), pack_text("AA", OWN))
    assert sentences(packs, "AA-BB") == {
        "AA": [
            "The consent has to be a signed written release.",
            "The notice has to be in writing; a spoken one will not do.",
        ]
    }


def test_an_earlier_deletion_asks_for_more() -> None:
    soon = GROUP.replace(SLOW, 'deletion_deadline = "P5D"')
    packs = pack_set(pack_text("AA-BB", GROUP, parents=("AA",)), pack_text("AA", soon))
    assert sentences(packs, "AA-BB") == {
        "AA": ["Consent can be withdrawn: processing stops, and the voiceprint has to be gone within 5 days."]
    }


def test_a_filing_of_another_kind_is_added() -> None:
    filing = (
        "[versions.requirements.prior_authority]\nrequired = true\ngate = true\n"
        'kind = "declaration"\nlead_time = "P0D"\n'
    )
    other = filing.replace("declaration", "registration")
    packs = pack_set(pack_text("AA-BB", filing, parents=("AA",)), pack_text("AA", other))
    assert sentences(packs, "AA-BB") == {"AA": ["A registration with the authority is needed beforehand."]}


def test_all_of_a_parent_is_added_where_nothing_of_its_own_is_in_force() -> None:
    packs = pack_set(
        pack_text("AA-BB", OWN, parents=("AA",), since="2027-01-01"),
        pack_text("AA", "notice_in_writing = true"),
    )
    assert sentences(packs, "AA-BB") == {"AA": ["The notice has to be in writing; a spoken one will not do."]}


def test_changes_say_what_a_later_version_says_anew_and_drops() -> None:
    text = pack_text("AA", 'consent_form = "opt_in"\nseparate_consent = true\npurpose_limited = true')
    text = text.replace("from = 2000-01-01\n", "from = 2000-01-01\nto = 2026-12-31\n")
    text += (
        "[[versions]]\nfrom = 2027-01-01\n[versions.requirements]\n"
        'consent_form = "explicit"\npurpose_limited = true\n'
    )
    ((version, lines, dropped),) = changes(pack_set(text).pack("AA"), DAY)
    assert version.since == date(2027, 1, 1)
    assert [each.sentence for each in lines] == ["The consent has to be explicit."]
    assert dropped == (LABELS["separate_consent"],)
    assert changes(pack_set(text).pack("AA"), date(2027, 1, 1)) == ()


def test_a_first_version_that_is_still_to_come_is_all_new() -> None:
    ((_, lines, dropped),) = changes(pack_set(pack_text("AA", OWN, since="2027-01-01")).pack("AA"), DAY)
    assert len(lines) == 6
    assert dropped == ()


def test_conditions_say_what_they_overwrite_under_their_own_clause() -> None:
    rules = (
        '[[versions.conditional_rules]]\nid = "x"\nlevel = "law"\ncite = "s. 7"\npurpose_in = ["research"]\n'
        "require = { notice_in_writing = true }\n"
        '[[versions.conditional_rules]]\nid = "y"\nlevel = "law"\ncite = "s. 8"\n'
        'controller_type_not_in = ["bank"]\napplies = false\n'
    )
    (first, lines), (second, none) = brief(pack_set(pack_text("AA", extra=rules)).pack("AA"), DAY).conditions
    assert (first.id, [each.citation for each in lines]) == ("x", ["s. 7"])
    assert (second.id, none) == ("y", ())
