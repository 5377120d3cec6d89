"""The rules for people: scenario files, briefs, comparisons and replays, in text and as JSON by the schema."""

from pathlib import Path

import pytest
import yaml

from tests.acceptance.deployment import ROOT, Program

pytestmark = pytest.mark.acceptance

PUBLIC = ROOT / "tests/scenarios/public.yaml"


def scenario_file(folder: Path, **change: object) -> Path:
    """The first public scenario, changed, in a file of its own."""
    case = yaml.safe_load(PUBLIC.read_text())["scenarios"][0] | change
    path = folder / "cases.yaml"
    path.write_text(yaml.safe_dump({"scenarios": [case]}))
    return path


def test_public_scenarios_hold_and_the_exit_code_says_so(program: Program) -> None:
    document = program.json("policy", "evaluate", PUBLIC)
    scenarios = document["result"]["scenarios"]
    assert len(scenarios) == 40
    assert {each["as_expected"] for each in scenarios} == {True}
    assert document["findings"] == []
    assert all(each["reasons"] == sorted(each["reasons"]) for each in scenarios)
    text = program("policy", "evaluate", PUBLIC)
    assert text.exit == 0
    assert "40 scenarios: 40 as expected." in text.out


def test_missed_expectation_is_a_finding_that_names_both_sides(program: Program, tmp_path: Path) -> None:
    expect = {"decision": "deny", "reasons": ["NO_CONSENT"], "missing_notice_elements": ["policy_url"]}
    path = scenario_file(tmp_path, expect=expect | {"obligations": ["delete_template"]})
    document = program.json("policy", "evaluate", path, exit=1)
    [finding] = document["findings"]
    assert (finding["kind"], finding["where"]) == ("unexpected", "S01")
    wanted = "deny; reasons NO_CONSENT; notice lacks policy_url; obligations delete_template"
    assert finding["expected"] == wanted
    assert finding["found"].startswith("allow, obligation delete_by:")
    text = program("policy", "evaluate", path)
    assert text.exit == 1
    assert "✗ S01  allowed" in text.out
    assert wanted in text.out
    assert "1 scenario: 1 not as expected." in text.out


def test_scenario_without_expectation_is_answered_and_not_judged(program: Program, tmp_path: Path) -> None:
    notice = {"notice_elements": [], "status": "granted", "channel": "ivr_dtmf", "signature_valid": True}
    path = scenario_file(tmp_path, expect=None, consent=notice)
    [case] = program.json("policy", "evaluate", path)["result"]["scenarios"]
    assert (case["decision"], case["as_expected"]) == ("deny", None)
    assert "length_of_term" in case["missing_notice_elements"]
    text = program("policy", "evaluate", path).out
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


def test_file_that_cannot_be_used_is_usage(program: Program, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("scenarios: [")
    for words in (("bad.yaml",), ("none.yaml",), (PUBLIC, "--id", "S999"), ("bad.yaml", "--packs", tmp_path)):
        output = program("policy", "evaluate", *(tmp_path / w if "yaml" in str(w) else w for w in words))
        assert (output.exit, output.out) == (2, "")
        assert output.err.startswith("consentgate: ")


def test_scenarios_need_no_home(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENTGATE_HOME", str(tmp_path / "nowhere"))
    assert program.bare("policy", "evaluate", PUBLIC).exit == 0
    assert program.bare("policy", "evaluate", PUBLIC, "--home", tmp_path / "nowhere").exit == 2
