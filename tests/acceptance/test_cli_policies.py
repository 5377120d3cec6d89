"""The rules for people: scenario files, briefs, comparisons and replays, in text and as JSON by the schema."""

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tests.acceptance.deployment import ROOT, Program

pytestmark = pytest.mark.acceptance

PUBLIC = ROOT / "tests/scenarios/public.yaml"


@pytest.fixture
def rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program on a home that has settings and nothing else: looking at rules needs neither database nor keys."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "consentgate.toml").write_text('format = 1\ndatabase = "sqlite:///none.db"\n')
    return Program(home, capsys)


def scenario_file(folder: Path, **change: object) -> Path:
    """The first public scenario, changed, in a file of its own."""
    case = yaml.safe_load(PUBLIC.read_text())["scenarios"][0] | change
    path = folder / "cases.yaml"
    path.write_text(yaml.safe_dump({"scenarios": [case]}))
    return path


def test_public_scenarios_hold_and_the_exit_code_says_so(rules: Program) -> None:
    document = rules.json("policy", "evaluate", PUBLIC)
    scenarios = document["result"]["scenarios"]
    assert len(scenarios) == 40
    assert {each["as_expected"] for each in scenarios} == {True}
    assert document["findings"] == []
    assert all(each["reasons"] == sorted(each["reasons"]) for each in scenarios)
    text = rules("policy", "evaluate", PUBLIC)
    assert text.exit == 0
    assert "40 scenarios: 40 as expected." in text.out


def test_missed_expectation_is_a_finding_that_names_both_sides(rules: Program, tmp_path: Path) -> None:
    expect = {"decision": "deny", "reasons": ["NO_CONSENT"], "missing_notice_elements": ["policy_url"]}
    path = scenario_file(tmp_path, expect=expect | {"obligations": ["delete_template"]})
    document = rules.json("policy", "evaluate", path, exit=1)
    [finding] = document["findings"]
    assert (finding["kind"], finding["where"]) == ("unexpected", "S01")
    wanted = "deny; reasons NO_CONSENT; notice lacks policy_url; obligations delete_template"
    assert finding["expected"] == wanted
    assert finding["found"].startswith("allow, obligation delete_by:")
    text = rules("policy", "evaluate", path)
    assert text.exit == 1
    assert "✗ S01  allowed" in text.out
    assert wanted in text.out
    assert "1 scenario: 1 not as expected." in text.out


def test_finding_says_what_the_notice_lacks(rules: Program, tmp_path: Path) -> None:
    case = yaml.safe_load(PUBLIC.read_text())["scenarios"][1] | {"expect": {"decision": "allow"}}
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump({"scenarios": [case]}))
    [finding] = rules.json("policy", "evaluate", tmp_path / "cases.yaml", exit=1)["findings"]
    assert finding["expected"] == "allow"
    assert finding["found"].startswith("deny, NOTICE_INCOMPLETE, notice lacks length_of_term, obligation ")


def test_scenario_without_expectation_is_answered_and_not_judged(rules: Program, tmp_path: Path) -> None:
    notice = {"notice_elements": [], "status": "granted", "channel": "ivr_dtmf", "signature_valid": True}
    path = scenario_file(tmp_path, expect=None, consent=notice)
    [case] = rules.json("policy", "evaluate", path)["result"]["scenarios"]
    assert (case["decision"], case["as_expected"]) == ("deny", None)
    assert "length_of_term" in case["missing_notice_elements"]
    text = rules("policy", "evaluate", path).out
    assert "· S01  denied" in text
    assert "1 answered, not judged" in text


def test_scenarios_are_decided_by_the_packs_that_are_named(program: Program) -> None:
    folder = ROOT / "consentgate/packs/data"
    digests = {
        program.json("policy", "evaluate", PUBLIC, "--id", "S01", *words)["result"]["packs"]["digest"]
        for words in ((), ("--packs", "shipped"), ("--packs", folder))
    }
    assert len(digests) == 1
    [digest] = digests
    kept = program.json("policy", "evaluate", PUBLIC, "--packs", digest)
    assert kept["result"]["packs"]["digest"] == digest
    for wrong, said in (("nothing", "no pack set"), ("A" * 43, "keeps no pack set"), ("0" * 64, "keeps no")):
        refused = program("policy", "evaluate", PUBLIC, "--packs", wrong)
        assert refused.exit == 2
        assert said in refused.err


def test_file_that_cannot_be_used_is_usage(rules: Program, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("scenarios: [")
    for words in (("bad.yaml",), ("none.yaml",), (PUBLIC, "--id", "S999"), ("bad.yaml", "--packs", tmp_path)):
        output = rules("policy", "evaluate", *(tmp_path / w if "yaml" in str(w) else w for w in words))
        assert (output.exit, output.out) == (2, "")
        assert output.err.startswith("consentgate: ")


def test_scenarios_need_no_home(rules: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "nowhere"))
    assert rules.bare("policy", "evaluate", PUBLIC).exit == 0
    assert rules.bare("policy", "evaluate", PUBLIC, "--home", tmp_path / "nowhere").exit == 2


def test_jurisdictions_are_listed_and_filtered(rules: Program) -> None:
    whole = rules.json("policy", "list")["result"]
    codes = [each["code"] for each in whole["items"]]
    assert len(codes) >= 149
    assert codes == sorted(codes)
    assert whole["signed_by"]
    day = ("--at", "2026-11-22")
    items = rules.json("policy", "list", "--changing", *day)["result"]["items"]
    coming = {each["code"]: each for each in items}
    assert (coming["CL"]["since"], coming["CL"]["next_change"]) == ("1999-10-27", "2026-12-01")
    assert (coming["US-OK"]["since"], coming["US-OK"]["next_change"]) == (None, "2027-01-01")
    under = rules.json("policy", "list", "--under", "CA")["result"]["items"]
    assert [each["code"] for each in under] == ["CA-AB", "CA-BC", "CA-QC"]
    groups = rules.json("policy", "list", "--kind", "group", "--confidence", "source-read")["result"]
    assert {each["kind"] for each in groups["items"]} == {"group"}
    text = rules("policy", "list", "--changing", *day).out
    assert "not in force" in text
    assert f"of {len(codes)}" in text
    assert "No jurisdiction is like this." in rules("policy", "list", "--under", "US-IL").out


@pytest.mark.parametrize("columns", ["80", "120"])
def test_every_brief_fits_its_width_and_cites_every_clause(
    rules: Program, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for code in (
        "US-IL",
        "US-TX",
        "US-CO",
        "CA-QC",
        "FR",
        "EU",
        "KE",
        "IN",
        "CL",
        "US-OK",
        "PY",
        "US-CA",
        "US-NY-NYC",
    ):
        text = rules("policy", "show", code, "--at", "2026-11-22").out
        body, _, links = text.partition("\nRead at\n")
        assert max(map(len, body.splitlines())) <= int(columns), code
        assert "Research notes, not advice." in body
        cited = {int(number) for number in re.findall(r"\[(\d+)\??\]$", body, re.MULTILINE)}
        listed = [int(number) for number in re.findall(r"^  \[(\d+)\] ", body, re.MULTILINE)]
        assert listed == list(range(1, len(listed) + 1)), code
        assert cited <= {*listed}, code
        assert all(link.strip().startswith("http") for link in links.splitlines()), code


def test_brief_says_what_the_law_asks_on_a_day(rules: Program) -> None:
    now = rules.json("policy", "show", "US-IL", "--at", "2026-11-22")["result"]
    before = rules.json("policy", "show", "US-IL", "--at", "2010-01-01")["result"]
    assert (now["standing"], now["since"], before["until"]) == ("in_force", "2024-08-02", "2024-08-01")
    lines = {line["requirement"]: line for each in now["sections"] for line in each["lines"]}
    assert lines["consent_form"]["sentence"] == "The consent has to be a signed written release."
    assert lines["consent_form"]["citation"].startswith("740 ILCS 14/15(b)(3)")
    assert lines["minors"]["uncertain"]
    assert [each["since"] for each in before["upcoming"]] == ["2024-08-02"]
    assert "until 2024-08-01" in rules("policy", "show", "US-IL", "--at", "2010-01-01").out
    coming = rules("policy", "show", "US-OK", "--at", "2026-11-22").out
    assert "no rules of its own in force yet; those below begin 2027-01-01" in coming
    assert "enacted, not yet in force, begins 2027-01-01" in coming


def test_brief_says_which_conditional_rules_a_purpose_meets(rules: Program) -> None:
    asked = rules.json("policy", "show", "US-CA", "--purpose", "authentication")["result"]["conditions"]
    assert [(each["id"], each["met"]) for each in asked] == [
        ("ca-637.3", False),
        ("ca-637.3-authentication", True),
    ]
    assert {line["requirement"] for line in asked[1]["lines"]} >= {"consent_form", "oral_consent_ok"}
    text = rules("policy", "show", "US-CA", "--purpose", "authentication").out
    assert "If the purpose is deception detection, by law (not the case here)" in text
    assert "out of caution (the case for authentication)" in text
    unasked = rules.json("policy", "show", "US-CA")["result"]["conditions"]
    assert {each["met"] for each in unasked} == {None}
    [scope] = rules.json("policy", "show", "US-NY-NYC", "--purpose", "x")["result"]["conditions"]
    assert (scope["applies"], scope["met"], scope["purpose_in"]) == (False, None, None)
    city = rules("policy", "show", "US-NY-NYC").out
    assert "If the controller is asserted to be other than retail or food drink or entertainment" in city
    assert "Only the rule on call recording is left." in city


def test_code_without_a_pack_is_answered_by_what_it_is_part_of(rules: Program) -> None:
    shown = rules.json("policy", "show", "US-WY")["result"]
    assert (shown["asked"], shown["code"]) == ("US-WY", "US")
    assert "US-WY has no pack of its own" in rules("policy", "show", "US-WY").out
    refused = rules("policy", "show", "XX")
    assert refused.exit == 2
    assert "No pack answers for XX" in refused.err


def test_scenario_is_explained_with_the_full_trace(rules: Program) -> None:
    asked = ("policy", "explain", "--scenario", PUBLIC, "--id", "S02")
    result = rules.json(*asked, exit=1)["result"]
    assert [each["code"] for each in result["reasons"]] == ["NOTICE_INCOMPLETE"]
    [speaker] = result["speakers"]
    verdicts = {each["name"]: each["result"] for each in speaker["requirements"]}
    assert (verdicts["notice_elements"], verdicts["form"], verdicts["public_policy"]) == (
        "not met",
        "met",
        "met",
    )
    assert speaker["consents"][0]["entry"] == "cr-1"
    assert "740 ILCS 14/20" in [each["citation"] for each in speaker["informational"]]
    text = rules(*asked)
    assert text.exit == 1
    for part in (
        "S02  Illinois, notice lacks length of term",
        "✗ notice elements",
        "The person can sue: USD 1,000",
    ):
        assert part in text.out
    assert "not anchored" not in text.out


def test_scenario_of_nowhere_is_explained_by_that_alone(rules: Program, tmp_path: Path) -> None:
    path = scenario_file(tmp_path, jurisdictions=[{"code": "XX"}])
    [speaker] = rules.json("policy", "explain", "--scenario", path, exit=1)["result"]["speakers"]
    assert (speaker["requirements"], speaker["informational"]) == ([], [])
    assert "UNKNOWN_JURISDICTION" in rules("policy", "explain", "--scenario", path).out


def test_conditional_elements_are_judged_one_by_one(rules: Program, tmp_path: Path) -> None:
    case = yaml.safe_load(PUBLIC.read_text())["scenarios"][0]
    case["jurisdictions"] = [{"code": "FR"}]
    case["request"] |= {"cross_border": True, "automated_decision": False}
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump({"scenarios": [case]}))
    [speaker] = rules.json("policy", "explain", "--scenario", tmp_path / "cases.yaml", exit=1)["result"][
        "speakers"
    ]
    found = {
        each["detail"].partition(" ")[0]: each["result"]
        for each in speaker["requirements"]
        if each["name"] == "conditional_element"
    }
    assert (found["cross_border_transfer"], found["automated_decision"]) == ("not met", "met")


def test_several_scenarios_are_explained_one_after_the_other(rules: Program) -> None:
    asked = ("policy", "explain", "--scenario", PUBLIC, "--id", "S01", "--id", "S02")
    items = rules.json(*asked, exit=1)["result"]["items"]
    assert [(each["id"], each["decision"]) for each in items] == [("S01", "allowed"), ("S02", "denied")]
    assert rules(*asked[:-2]).exit == 0


def test_explanation_takes_a_scenario_or_a_person_and_never_both(rules: Program) -> None:
    for words, said in (
        (("--scenario", PUBLIC, "--reference", "customer:C-1"), "stands in the file"),
        (("--reference", "customer:C-1", "--id", "S01"), "belong to --scenario"),
        (("--reference", "customer:C-1", "--packs", "shipped"), "belong to --scenario"),
    ):
        refused = rules("policy", "explain", *words)
        assert refused.exit == 2
        assert said in refused.err


def changed_packs(folder: Path) -> Path:
    """A copy of the packs of this release in which spoken notices will do in Illinois, and Paraguay is missing."""
    shutil.copytree(ROOT / "consentgate/packs/data", folder)
    file = folder / "united-states/US-IL.toml"
    head, found, tail = file.read_text().rpartition("notice_in_writing = true")
    assert found
    file.write_text(f"{head}notice_in_writing = false{tail}")
    index = json.loads((folder / "index.json").read_text())
    index["packs"]["US-IL"]["sha256"] = sha256(file.read_bytes()).hexdigest()
    del index["packs"]["PY"]
    (folder / "index.json").write_text(json.dumps(index | {"version": "2999.01.01"}))
    return folder


def test_comparison_lists_what_packs_say_and_what_comes_out_otherwise(rules: Program, tmp_path: Path) -> None:
    folder = changed_packs(tmp_path / "packs")
    document = rules.json("policy", "diff", "shipped", folder, "--at", "2026-11-22", exit=1)
    result = document["result"]
    assert (result["added"], result["removed"], result["b"]["version"]) == ([], ["PY"], "2999.01.01")
    [change] = result["changes"]
    assert (change["code"], change["field"], change["since"]) == ("US-IL", "notice_in_writing", "2024-08-02")
    assert change["cited_before"].startswith("740 ILCS 14/15(b)")
    turned = {each["id"]: each for each in result["items"]}
    pressed = turned["US-IL 2026-11-22 key press on the line"]
    assert "NOTICE_NOT_WRITTEN" in pressed["before"]["reasons"]
    assert "NOTICE_NOT_WRITTEN" not in pressed["after"]["reasons"]
    assert turned["PY 2026-11-22 signed on the web"]["flips"]
    assert {each["kind"] for each in document["findings"]} == {"verdict_flips", "verdict_differs"}
    text = rules("policy", "diff", "shipped", folder, "--at", "2026-11-22").out
    assert "      - The notice has to be in writing" in text
    assert "      + The notice may be spoken." in text
    assert "1 pack says something else, 0 added, 1 removed." in text
    assert "US-IL 2026-11-22: " in text


def test_comparison_of_a_set_with_itself_finds_nothing(program: Program) -> None:
    digest = program.json("policy", "list", "--kind", "group")["result"]["packs"]["digest"]
    for first, second in (("shipped", "current"), (digest, "shipped")):
        output = program("policy", "diff", first, second)
        assert output.exit == 0
        assert "The packs say the same." in output.out
    assert program("policy", "diff", "shipped", "nowhere").exit == 2


def test_comparison_decides_the_scenarios_that_are_given(rules: Program, tmp_path: Path) -> None:
    folder = changed_packs(tmp_path / "packs")
    result = rules.json("policy", "diff", "shipped", folder, "--scenarios", PUBLIC, exit=1)["result"]
    assert result["decided"] == 40
    assert "S03" in {each["id"] for each in result["items"]}
    assert "S03" in rules("policy", "diff", "shipped", folder, "--scenarios", PUBLIC).out
