"""Two pack sets side by side: what changed, with its clauses, and which cases come out otherwise."""

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from consentgate.config.comparing import Comparison, compare
from consentgate.config.matrix import cases
from consentgate.config.scenarios import answer, read_scenarios
from consentgate.packs.packset import PackSet, shipped

DAY = date(2026, 11, 22)
PACK = """\
format = 1
code = "XA"
name = "Example"
kind = "country"
tier = 3
confidence = "source-read"

[[laws]]
name = "Act"
citation = "Act 1"
status = "in_force"

[[versions]]
from = 2020-01-01

[versions.requirements]
consent_required = true
oral_consent_ok = true
consent_form = "opt_in"
notice_elements = []

[[versions.conditional_rules]]
id = "banks"
controller_type_not_in = ["bank"]
require = { consent_form = "explicit" }
level = "law"
cite = "Act 2"

[[basis]]
requirements = ["consent_form"]
cite = "Act 1, s. 3"
confidence = "source-read"
"""


def set_of(packs: Mapping[str, str]) -> PackSet:
    files = {f"{code}.toml": text.encode() for code, text in packs.items()}
    named = {
        code: {"file": f"{code}.toml", "sha256": sha256(files[f"{code}.toml"]).hexdigest()} for code in packs
    }
    return PackSet(json.dumps({"format": 1, "packs": named}).encode(), files.__getitem__)


def compared(after: str, *, before: str = PACK) -> Comparison:
    return compare(set_of({"XA": before}), set_of({"XA": after}), None, DAY)


def test_sets_that_say_the_same_differ_in_nothing() -> None:
    found = compared(PACK.replace("[[laws]]", "# a comment\n\n[[laws]]"))
    assert (found.added, found.removed, found.changes, found.decided, found.turned) == ((), (), (), 0, ())


def test_changed_requirement_stands_with_both_sentences_and_clauses() -> None:
    after = PACK.replace('consent_form = "opt_in"', 'consent_form = "written_release"').replace(
        "oral_consent_ok = true", 'electronic_signature_ok = true\noral_consent_ok = false'
    ).replace("Act 1, s. 3", "Act 1, s. 4")  # fmt: skip
    found = compared(after)
    changes = {each.name: each for each in found.changes}
    assert {*changes} == {"consent_form", "oral_consent_ok", "electronic_signature_ok"}
    form = changes["consent_form"]
    assert (form.since, form.label) == (date(2020, 1, 1), "Form of consent")
    assert (form.before, form.cited_before) == ("The person has to opt in.", "Act 1, s. 3")
    assert (form.after, form.cited_after) == (
        "The consent has to be a signed written release.",
        "Act 1, s. 4",
    )
    assert changes["electronic_signature_ok"].before == ""
    flipped = {each.after.scenario.title for each in found.turned if each.flips}
    assert "spoken and recorded" in flipped
    assert "no consent" not in {each.after.scenario.title for each in found.turned}


def test_version_of_a_day_to_come_is_decided_as_of_that_day() -> None:
    after = PACK.replace("from = 2020-01-01", "from = 2020-01-01\nto = 2027-06-30") + (
        "\n[[versions]]\nfrom = 2027-07-01\n[versions.requirements]\nprohibited = true\n"
    )
    found = compared(after)
    assert {(each.since, each.name) for each in found.changes} >= {
        (date(2020, 1, 1), "to"),
        (date(2027, 7, 1), "prohibited"),
    }
    assert {each.after.scenario.members["at"][:10] for each in found.turned} == {"2027-07-01"}
    assert all(each.after.result.verdict == "deny" for each in found.turned)
    gone = compared(PACK, before=after)
    assert {each.after for each in gone.changes if each.since == date(2027, 7, 1)} == {""}


def test_pack_that_comes_or_goes_turns_its_cases() -> None:
    one, two = {"XA": PACK}, {"XA": PACK, "XB": PACK.replace('"XA"', '"XB"')}
    found = compare(set_of(one), set_of(two), None, DAY)
    assert (found.added, found.removed) == (("XB",), ())
    assert {each.before.result.reasons for each in found.turned} == {("UNKNOWN_JURISDICTION",)}
    assert compare(set_of(two), set_of(one), None, DAY).removed == ("XB",)


def test_what_a_pack_says_as_a_whole_and_under_conditions_is_compared() -> None:
    after = PACK.replace('name = "Example"', 'name = "Elsewhere"').replace('["bank"]', '["insurer"]')
    changes = {each.name: (each.before, each.after) for each in compared(after).changes}
    assert changes["name"] == ("Example", "Elsewhere")
    before, now = changes["conditional_rules"]
    assert before == "banks (controller other than bank): The consent has to be explicit. (Act 2)"
    assert "insurer" in now
    lifted = PACK.replace('require = { consent_form = "explicit" }', "applies = false").replace(
        'controller_type_not_in = ["bank"]', 'purpose_in = ["authentication"]'
    )
    rule = next(each for each in compared(lifted).changes if each.name == "conditional_rules")
    assert rule.after == "banks (purpose authentication): does not apply. (Act 2)"
    noted = PACK.replace("tier = 3", 'tier = 3\nmembers = ["XB", "XC"]')
    assert {(each.name, each.before, each.after) for each in compared(noted).changes} == {
        ("members", "", "XB; XC")
    }


def test_given_scenarios_are_decided_in_place_of_typical_ones() -> None:
    text = json.dumps({"scenarios": [next(iter(cases("XA", DAY))).members]}).encode()
    given = read_scenarios(text, "cases.json")
    after = PACK.replace('consent_form = "opt_in"', 'consent_form = "opt_in"\nprohibited = true')
    found = compare(set_of({"XA": PACK}), set_of({"XA": after}), given, DAY)
    assert (found.decided, len(found.turned)) == (1, 1)


def test_typical_cases_tell_jurisdictions_apart() -> None:
    packs = shipped()
    verdicts = {
        code: tuple(answer(each, packs).result.reasons for each in cases(code, DAY))
        for code in ("US-IL", "US-TX", "FR", "US-CO")
    }
    assert len({*verdicts.values()}) == 4
    titles = [each.title for each in cases("US-IL", DAY)]
    assert len(titles) == len({*titles})
    allowed = {t for t, reasons in zip(titles, verdicts["US-IL"], strict=True) if not reasons}
    assert {"signed on the web", "signed on paper"} <= allowed
    assert not {"no consent", "withdrawn", "aged 15", "spoken, not recorded"} & allowed
