from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from consentgate import canonical
from consentgate.consent.details import CallContext
from consentgate.consent.state import State
from consentgate.errors import Malformed
from consentgate.packs.packset import shipped
from consentgate.policy.assertions import Assertion, in_force
from consentgate.policy.decide import decide
from consentgate.policy.facts import Evidence, RequestFacts, SpeakerFacts, Uses
from consentgate.policy.reasons import reason as reason_of
from consentgate.policy.record import (
    decision_from,
    decision_json,
    reason_from,
    reason_json,
    request_from,
    request_json,
    speaker_from,
    speaker_json,
)
from consentgate.policy.requirements import merge
from consentgate.policy.scenario import evaluate

FILE = Path(__file__).parents[2] / "scenarios" / "public.yaml"
SCENARIOS = yaml.safe_load(FILE.read_text("utf-8"))["scenarios"]
PACKS = shipped()
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each["id"]))
def test_a_decision_comes_back_from_its_stored_bytes(scenario: dict[str, Any]) -> None:
    decision = evaluate(scenario, PACKS).decision
    stored = canonical.encode(decision_json(decision))
    assert decision_from(canonical.decode_canonical(stored)) == decision


def test_facts_come_back_from_their_stored_bytes() -> None:
    request = RequestFacts(
        operation="search",
        purpose="authentication",
        processing_country="US",
        audio_captured_at=AT,
        recording_consent="one_party",
        controller="bank",
        context=CallContext(transaction_id="t1", call_leg="Caller"),
    )
    speaker = SpeakerFacts(
        name="caller 1",
        evidence=(Evidence(code="US-IL", kind="verified_address", source="crm", observed_at=AT),),
        age=34,
        adult=True,
        claimed_by="register_call",
        last_interaction_at=AT,
        legal_hold=True,
        uses=(Uses(entry="e1", count=0),),
    )
    for each in (request, RequestFacts(operation="enrol")):
        assert request_from(canonical.decode(canonical.encode(request_json(each)))) == each
    for one in (speaker, SpeakerFacts()):
        assert speaker_from(canonical.decode(canonical.encode(speaker_json(one)))) == one
    reason = reason_of("INPUT_MISSING", "purpose", speaker="caller 1")
    assert reason_from(reason_json(reason)) == reason


def test_codes_of_another_release_are_refused() -> None:
    stored = reason_json(reason_of("NO_SPEAKER"))
    with pytest.raises(Malformed, match="none that this release knows"):
        reason_from({**stored, "code": "WEATHER"})
    decision = evaluate(SCENARIOS[0], PACKS).decision
    odd = replace(decision, reasons=(replace(reason_of("NO_SPEAKER"), code="WEATHER:rain"),))
    with pytest.raises(Malformed, match="none that this release knows"):
        decision_from(decision_json(odd))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@given(JSON, st.sampled_from(sorted(decision_json(evaluate(SCENARIOS[1], PACKS).decision))))
def test_readers_raise_only_malformed(value: Any, name: str) -> None:
    stored = decision_json(evaluate(SCENARIOS[1], PACKS).decision)
    for read, given_value in (
        (decision_from, value),
        (decision_from, {**stored, name: value}),
        (reason_from, value),
        (request_from, value),
        (speaker_from, value),
    ):
        try:
            read(given_value)
        except Malformed:
            continue


def test_assertions_and_exemptions_come_back_by_value() -> None:
    claim = Assertion(
        name="exemption",
        value={"jurisdiction": "US-IL", "id": "glba_financial_institution", "claimed": True},
        by="counsel",
        since=AT,
        entry="e1",
    )
    standing = in_force([claim], AT)
    asked = merge(("US-IL",), PACKS, day=AT.date(), purpose="authentication", standing=standing)
    request = RequestFacts(operation="search", purpose="authentication")
    found = decide(request, SpeakerFacts(), State(), asked, standing, AT)
    stored = canonical.encode(decision_json(found))
    back = decision_from(canonical.decode_canonical(stored))
    assert back == found
    assert [(used.name, used.by, used.since, used.value) for used in back.assertions] == [
        (
            "exemption",
            "counsel",
            AT,
            '{"claimed":true,"id":"glba_financial_institution","jurisdiction":"US-IL"}',
        )
    ]
    assert {used.code: used.exemptions for used in back.packs} == {
        "US": (),
        "US-IL": ("glba_financial_institution",),
    }
