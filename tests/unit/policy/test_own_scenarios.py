"""Our own scenarios, answered exactly; and the scenarios as proof that each field of a pack matters."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from consentgate.packs.packset import InForce, PackSet, shipped
from consentgate.packs.rules import RULE_NAMES
from consentgate.policy.reasons import DEFINITIONS
from consentgate.policy.scenario import Result, evaluate
from tests.unit.policy.literal import FILE

FOLDER = Path(__file__).parents[2] / "scenarios"
OWN: list[dict[str, Any]] = yaml.safe_load((FOLDER / "own.yaml").read_text("utf-8"))["scenarios"]
PUBLIC: list[dict[str, Any]] = yaml.safe_load((FOLDER / "public.yaml").read_text("utf-8"))["scenarios"]
RESEARCH = yaml.safe_load(FILE.read_text("utf-8"))
PACKS = shipped()
MISSING_INPUTS = {f"INPUT_MISSING:{name}" for name in ("controller", "processing_country", "purpose", "uses")}
# The other reasons of the gate are given before or after the policy engine is asked.
OF_GRANTS = {
    "CONSENT_FOR_OTHER_CALL",
    "CONSENT_USED_UP",
    "CONTROLLER_NOT_CONSENTED",
    "ISSUER_OUT_OF_SCOPE",
    "OPERATION_NOT_CONSENTED",
}

# Fields that change no verdict but what a decision cites or shows.
SHOWN = {"consent_basis", "notice_required", "private_right_of_action"}
CITED = {"purpose_limited", "voiceprint_covered", "record_keeping", "withdrawal"}


@pytest.mark.parametrize("scenario", OWN, ids=lambda each: str(each["id"]))
def test_our_scenario_is_answered_exactly(scenario: dict[str, Any]) -> None:
    result, expect = evaluate(scenario, PACKS), scenario["expect"]
    assert (result.verdict, list(result.reasons)) == (expect["decision"], expect["reasons"])
    assert list(result.decision.missing_notice_elements) == expect.get("missing_notice_elements", [])
    assert list(result.obligations) == expect["obligations"]
    assert result.as_expected is True


@pytest.mark.parametrize("scenario", OWN, ids=lambda each: str(each["id"]))
def test_every_reason_has_sentence_cure_and_citation(scenario: dict[str, Any]) -> None:
    for reason in evaluate(scenario, PACKS).decision.reasons:
        assert reason.sentence
        assert reason.cure
        assert all(basis.citation for basis in reason.bases)
        named = {basis.pack for basis in reason.bases}
        assert named
        assert named <= {*PACKS.codes, "baseline"} | ({"statement"} if reason.family == "gate" else set())


def test_our_scenarios_cover_every_reason_that_a_decision_can_give() -> None:
    given = {code for each in OWN for code in each["expect"]["reasons"]}
    law = {code for code, each in DEFINITIONS.items() if each.family == "law"}
    assert given == law | OF_GRANTS | MISSING_INPUTS
    assert len({each["id"] for each in OWN}) == len(OWN) >= 60


class Without(PackSet):
    """The shipped set as if no pack stated one field."""

    def __init__(self, field: str) -> None:
        self.__dict__.update(PACKS.__dict__)
        self.field = field

    def stack(self, code: str, day: date) -> tuple[InForce, ...]:
        return tuple(replace(each, version=self.stripped(each)) for each in PACKS.stack(code, day))

    def stripped(self, each: InForce) -> Any:
        version = each.version
        if self.field == "conditional_rules":
            return replace(version, conditional_rules=())
        # What is asked about signatures and spoken consent has an answer in every pack that asks.
        lenient = {"electronic_signature_ok": "yes", "oral_consent_ok": "yes"}.get(self.field)
        changed: dict[str, Any] = {self.field: lenient}
        return replace(version, rules=replace(version.rules, **changed))


def verdicts(packs: PackSet) -> list[tuple[str, ...]]:
    return [result.reasons for result in results(packs)]


def results(packs: PackSet) -> list[Result]:
    return [evaluate(each, packs) for each in (*PUBLIC, *OWN)]


EXPECTED = results(PACKS)


@pytest.mark.parametrize("field", sorted({*RESEARCH["gating_fields"]} - CITED))
def test_each_gating_field_decides_some_scenario(field: str) -> None:
    assert verdicts(Without(field)) != [each.reasons for each in EXPECTED]


@pytest.mark.parametrize("field", sorted(CITED))
def test_a_field_that_decides_nothing_alone_is_in_what_decisions_say(field: str) -> None:
    without = results(Without(field))
    assert [each.reasons for each in without] == [each.reasons for each in EXPECTED]
    assert [each.decision for each in without] != [each.decision for each in EXPECTED]


@pytest.mark.parametrize("field", sorted(SHOWN))
def test_an_informational_field_is_in_no_decision(field: str) -> None:
    assert [each.decision for each in results(Without(field))] == [each.decision for each in EXPECTED]


def test_no_field_of_a_pack_is_forgotten() -> None:
    gating = {*RESEARCH["gating_fields"]}
    assert gating - {"conditional_rules"} | SHOWN | {"record_keeping"} == {*RULE_NAMES}
    assert CITED - {"record_keeping"} <= gating
    informational = {*RESEARCH["informational_fields"]}
    assert informational - {"territorial_triggers", "exemptions", "basis"} <= SHOWN | CITED
