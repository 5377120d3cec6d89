"""The engine with its packs beside the published rules read word by word from the research."""

import copy
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from consentgate.packs.packset import shipped
from consentgate.policy.scenario import evaluate
from tests.unit.policy import literal

PACKS = shipped()
FILE = Path(__file__).parents[2] / "scenarios" / "public.yaml"
SCENARIOS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))["scenarios"]
FULL = next(each for each in SCENARIOS if each["id"] == "S46")["consent"]["notice_elements"]
EXEMPTIONS = [each["id"] for entry in literal.research().values() for each in entry.get("exemptions") or ()]
DAYS = ["2015-06-01", "2019-03-31", "2024-02-29", "2026-11-22", "2026-12-01", "2027-05-13", "2029-01-31"]


def text(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


class Drawn:
    """Scenarios of the public format, drawn anew: most in order but for a few things."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)  # not for secrets: the same scenarios each time

    def moment(self, at: datetime, *, ahead: bool = True) -> str | None:
        days = self.rng.choice(
            [0, 1, 15, 30, 44, 45, 59, 60, 61, 364, 365, 366, 700, 730, 731, 1095, 1096, 4000]
        )
        seconds = self.rng.choice([0, 0, 1, -1])
        sign = -1 if ahead and self.rng.random() < 0.15 else 1
        return text(at - sign * timedelta(days=days, seconds=seconds))

    def some(self, usual: Any, *others: Any, odds: float = 0.12) -> Any:
        return self.rng.choice(others) if self.rng.random() < odds else usual

    def scenario(self, *codes: str) -> dict[str, Any]:
        at = datetime.fromisoformat(f"{self.rng.choice(DAYS)}T12:00:00+00:00").astimezone(UTC)
        drawn = copy.deepcopy(self.rng.choice(SCENARIOS))
        drawn |= {"at": text(at), "jurisdictions": [{"code": code} for code in codes], "expect": None}
        drawn["speaker"]["age"] = self.some(34, None, 12, 13, 14, 15, 16, 17, 18, 20)
        self.controller(drawn["controller"])
        self.request(drawn["request"], at)
        drawn["consent"] = self.some(self.consent(at), None, odds=0.05)
        self.facts(drawn["facts"], at, codes)
        return drawn

    def controller(self, controller: dict[str, Any]) -> None:
        controller["type"] = self.some("contact_centre", "retail", "bank")
        controller["has_dpo"] = self.some(False, True)
        controller["exemptions"] = self.some([], [self.rng.choice(EXEMPTIONS)])

    def request(self, request: dict[str, Any], at: datetime) -> None:
        request["operation"] = self.some("search", "enrol", "disclose", "sell", odds=0.4)
        request["purpose"] = self.some("authentication", "fraud_prevention", "deception_detection", None)
        request["processing_country"] = self.some("ZM", "US", None)
        request["audio_captured_at"] = self.some(None, self.moment(at))
        for flag in (
            "cross_border",
            "automated_decision",
            "third_party_provision",
            "provision_is_contractual",
        ):
            request[flag] = self.some(False, True)

    def consent(self, at: datetime) -> dict[str, Any]:
        return {
            "id": "cr-1",
            "status": self.some("granted", "refused"),
            "granted_at": text(at - timedelta(days=4000)) if self.rng.random() < 0.5 else self.moment(at),
            "withdrawn_at": self.some(None, self.moment(at)),
            "expires_at": self.some(None, self.moment(at)),
            "form": self.some("written_release", *literal.FORMS),
            "channel": self.some("paper", "voice_recording", "verbal_unrecorded", "web_form", "ivr_dtmf"),
            "signature": self.some("wet", "electronic", "none"),
            "notice_in_writing": self.some(True, False),
            "notice_elements": [each for each in FULL if self.rng.random() > 0.02],
            "bundled": self.some(False, True),
            "purposes": self.some(["authentication"], [], ["fraud_prevention", "deception_detection"]),
            "disclosure_consent": self.some("separate", "same", "none"),
            "guardian": self.some(None, {"id": "g", "verified": True}, {"id": "g", "verified": False}),
            "signature_valid": self.some(True, False, odds=0.04),
        }

    def facts(self, facts: dict[str, Any], at: datetime, codes: tuple[str, ...]) -> None:
        names = [
            each for code in codes if (found := literal.found_for(code)) for each in literal.stack_of(found)
        ]
        facts |= {
            "recording_consent": self.some("all_parties", "one_party", "none"),
            "authority_filings": {
                each: self.some("2001-01-01T00:00:00Z", self.moment(at), None) for each in names
            },
            "legal_hold": self.some(False, True),
        }
        for name in (
            "impact_assessment_done",
            "public_policy_published",
            "alternative_offered",
            "strictly_necessary",
        ):
            facts[name] = self.some(True, False)
        for name in (
            "purpose_satisfied",
            "last_interaction",
            "employment_ended",
            "storage_unnecessary_determined",
        ):
            facts[f"{name}_at"] = self.some(None, self.moment(at), odds=0.2)


def compare(scenario: dict[str, Any]) -> bool:
    result = evaluate(scenario, PACKS)
    assert {*result.reasons} == literal.reasons(scenario), scenario
    assert literal.obligations(scenario) <= {*result.obligations}, scenario
    assert {*result.decision.missing_notice_elements} == literal.missing_elements(scenario), scenario
    return result.decision.allowed


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each["id"]))
def test_the_literal_rules_answer_the_published_scenarios(scenario: dict[str, Any]) -> None:
    assert literal.reasons(scenario) == {*scenario["expect"]["reasons"]}
    assert {*scenario["expect"].get("obligations", ())} <= literal.obligations(scenario)


@pytest.mark.parametrize("code", sorted(literal.research()))
def test_engine_and_literal_rules_agree_on_every_jurisdiction(code: str) -> None:
    drawn = Drawn(code)
    verdicts = [compare(drawn.scenario(code)) for _ in range(25)]
    assert verdicts.count(False) > 5


@pytest.mark.parametrize("seed", range(10))
def test_engine_and_literal_rules_agree_on_several_jurisdictions(seed: int) -> None:
    drawn = Drawn(f"several {seed}")
    known = [*sorted(literal.research()), "US-WY", "US-NY-NYC-5", "DE-BY", "ZZ"]
    verdicts = [
        compare(drawn.scenario(*drawn.rng.sample(known, drawn.rng.choice([0, 1, 2, 2, 3]))))
        for _ in range(100)
    ]
    assert {*verdicts} == {True, False}
