"""The published scenarios with the packs that are shipped, and how scenarios are read."""

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from consentgate.errors import InvalidInput
from consentgate.packs.packset import shipped
from consentgate.policy.scenario import evaluate

FILE = Path(__file__).parents[2] / "scenarios" / "public.yaml"
SCENARIOS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["scenarios"]
PACKS = shipped()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each["id"]))
def test_the_published_scenario_is_answered_exactly(scenario: dict[str, Any]) -> None:
    result, expect = evaluate(scenario, PACKS), scenario["expect"]
    assert result.verdict == expect["decision"]
    assert list(result.reasons) == sorted(expect["reasons"])
    if "missing_notice_elements" in expect:
        assert list(result.decision.missing_notice_elements) == sorted(expect["missing_notice_elements"])
    assert {*expect.get("obligations", ())} <= {*result.obligations}
    assert result.as_expected is True


def test_every_published_scenario_has_its_packs() -> None:
    named = {each["code"] for one in SCENARIOS for each in one["jurisdictions"]}
    assert named <= {*PACKS.codes}
    assert len(SCENARIOS) == 40


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each["id"]))
def test_every_reason_names_a_source_and_the_speaker(scenario: dict[str, Any]) -> None:
    for reason in evaluate(scenario, PACKS).decision.reasons:
        assert reason.law
        assert reason.speaker == scenario["speaker"]["id"]


def changed(path: str, value: Any, index: int = 0) -> dict[str, Any]:
    scenario = copy.deepcopy(SCENARIOS[index])
    *parts, last = path.split(".")
    place: Any = scenario
    for part in parts:
        place = place[part]
    place[last] = value
    return scenario


def test_a_scenario_without_expectation_is_answered_and_not_judged() -> None:
    result = evaluate(changed("expect", None), PACKS)
    assert (result.verdict, result.as_expected, result.id) == ("allow", None, "S01")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("expect.decision", "deny"),
        ("expect.reasons", ["NO_CONSENT"]),
        ("expect.missing_notice_elements", ["policy_url"]),
        ("expect.obligations", ["delete_template"]),
    ],
)
def test_a_missed_expectation_is_seen(path: str, value: Any) -> None:
    assert evaluate(changed(path, value), PACKS).as_expected is False


@pytest.mark.parametrize(
    ("path", "value", "reasons"),
    [
        ("consent.status", "refused", ("CONSENT_REFUSED",)),
        ("consent.status", "withdrawn", ("CONSENT_WITHDRAWN",)),
        ("consent.withdrawn_at", "2026-11-22T12:00:00Z", ("CONSENT_WITHDRAWN",)),
        ("consent.withdrawn_at", "2026-11-22T12:00:01Z", ()),
        ("consent", None, ("NO_CONSENT",)),
        ("consent.guardian", {"verified": False}, ()),
        ("at", datetime(2026, 11, 22, 12, 0, 0), ()),  # noqa: DTZ001  # as YAML reads an unquoted UTC time
        ("facts.authority_filings", None, ()),
        ("jurisdictions", [{"code": "US-WY"}], ()),
        ("controller.exemptions", ["glba_financial_institution"], ()),
    ],
)
def test_fields_mean_what_the_readme_says(path: str, value: Any, reasons: tuple[str, ...]) -> None:
    assert evaluate(changed(path, value), PACKS).reasons == reasons


@pytest.mark.parametrize(
    "claim",
    [
        "glba_financial_institution",
        "US-IL:glba_financial_institution",
        {"jurisdiction": "US-IL", "id": "glba_financial_institution"},
        {"code": "US-IL", "id": "glba_financial_institution"},
    ],
)
def test_a_claimed_exemption_takes_out_all_but_recording(claim: Any) -> None:
    scenario = changed("controller.exemptions", [claim])
    scenario["facts"]["public_policy_published"] = False
    scenario["facts"]["recording_consent"] = "one_party"
    assert evaluate(scenario, PACKS).reasons == ("RECORDING_CONSENT_MISSING",)
    scenario["controller"]["exemptions"] = []
    assert evaluate(scenario, PACKS).reasons == ("PUBLIC_POLICY_MISSING", "RECORDING_CONSENT_MISSING")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("at", None),
        ("at", "yesterday"),
        ("id", None),
        ("speaker", []),
        ("speaker.age", -1),
        ("speaker.age", True),
        ("request", []),
        ("request.operation", ""),
        ("request.cross_border", "no"),
        ("jurisdictions", {}),
        ("jurisdictions", [{}]),
        ("jurisdictions", ["US"]),
        ("consent.form", "oral"),
        ("consent.channel", "telepathy"),
        ("consent.purposes", [1]),
        ("facts.recording_consent", "all"),
        ("controller.exemptions", [5]),
        ("expect.decision", "maybe"),
    ],
)
def test_a_bad_field_is_refused_by_name(path: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=path.rpartition(".")[2]):
        evaluate(changed(path, value), PACKS)


def test_a_bad_claim_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput, match=r"^controller\.exemptions\[1\] is not an object"):
        evaluate(changed("controller.exemptions", ["a", 5]), PACKS)


PATHS = [
    f"{top}.{name}"
    for top in ("request", "consent", "facts", "speaker", "controller")
    for name in SCENARIOS[0][top]
]


@given(
    st.sampled_from(PATHS),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=8),
        st.lists(st.text(max_size=5)),
        st.just({}),
    ),
)
def test_no_scenario_fails_in_another_way_or_denies_without_a_reason(path: str, value: Any) -> None:
    try:
        result = evaluate(changed(path, value), PACKS)
    except InvalidInput:
        return
    assert result.decision.allowed is not bool(result.reasons)


@pytest.mark.parametrize("scenario", [None, [], "S01", {}])
def test_what_is_no_scenario_is_refused(scenario: object) -> None:
    with pytest.raises(InvalidInput):
        evaluate(scenario, PACKS)
