"""Everything but the consent: assertions, recording, filings, place, clocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.policy.facts import RequestFacts, SpeakerFacts
from tests.unit.policy.cases import (
    AT,
    FLAGS,
    GIVEN,
    REQUEST,
    SPEAKER,
    codes,
    consent,
    decision,
    packs_asking,
)

SECOND = timedelta(seconds=1)
NOTHING = packs_asking()
CLOCK = 'max_retention = [{{ trigger = "{}", within = "P1M" }}]\n'


def request(**changes: Any) -> RequestFacts:
    return replace(REQUEST, **changes)


def speaker(**changes: Any) -> SpeakerFacts:
    return replace(SPEAKER, **changes)


def standing(**changes: Any) -> Any:
    return replace(FLAGS, **changes)


@pytest.mark.parametrize(
    ("requirement", "assertion", "code"),
    [
        ("impact_assessment_required", "impact_assessment_done", "IMPACT_ASSESSMENT_MISSING"),
        ("public_policy_required", "public_policy_published", "PUBLIC_POLICY_MISSING"),
        ("alternative_required", "alternative_offered", "ALTERNATIVE_NOT_OFFERED"),
        ("strict_necessity", "strictly_necessary", "NOT_STRICTLY_NECESSARY"),
    ],
)
def test_what_nobody_asserted_is_not_the_case(requirement: str, assertion: str, code: str) -> None:
    packs = packs_asking(f"{requirement} = true")
    answers = [codes(packs, consent(), standing=standing(**{assertion: v})) for v in (None, False, True)]
    assert answers == [[code], [code], []]
    assert codes(packs_asking(f"{requirement} = false"), consent()) == []


@pytest.mark.parametrize(
    ("rule", "given", "denied"),
    [
        ("one_party", "one_party", False),
        ("all_party", "one_party", True),
        ("all_party", "all_parties", False),
    ],
)
def test_recording_consent_from_the_call_or_the_assertion(rule: str, given: Any, denied: bool) -> None:
    packs = packs_asking(f'call_recording_consent = "{rule}"')
    expected = ["RECORDING_CONSENT_MISSING"] if denied else []
    assert codes(packs, consent(), request=request(recording_consent=given)) == expected
    asserted = standing(recording_consent=given)
    assert codes(packs, consent(), request=request(recording_consent=None), standing=asserted) == expected


def filing(lead: str, *, required: str = "true", gate: str = "true") -> str:
    return (
        f'prior_authority = {{ required = {required}, kind = "declaration", lead_time = "{lead}",'
        f" gate = {gate} }}\n"
    )


@pytest.mark.parametrize(
    ("rule", "filed", "expected"),
    [
        (filing("P60D"), None, ["PRIOR_AUTHORITY_MISSING"]),
        (filing("P60D", gate="false"), None, []),
        (filing("P60D", required="false"), None, []),
        (filing("P60D"), AT - timedelta(days=59), ["PRIOR_AUTHORITY_PENDING"]),
        (filing("P60D"), AT - timedelta(days=60), []),
        (filing("P0D"), AT + SECOND, ["PRIOR_AUTHORITY_PENDING"]),
    ],
)
def test_filings(rule: str, filed: datetime | None, expected: list[str]) -> None:
    made = () if filed is None else (("XX", filed), ("YY", AT))
    assert codes(packs_asking(rule), consent(), standing=standing(filings=made)) == expected


@pytest.mark.parametrize(
    ("country", "expected"),
    [("XX", []), ("US", ["LOCALISATION_VIOLATION"]), (None, ["INPUT_MISSING:processing_country"])],
)
def test_localisation(country: str | None, expected: list[str]) -> None:
    packs = packs_asking('data_localisation = "required"')
    assert codes(packs, consent(), request=request(processing_country=country)) == expected
    assert codes(packs_asking('data_localisation = "conditional"'), consent(), request=request()) == []


@pytest.mark.parametrize("operation", ["search", "enrol", "disclose"])
def test_a_purpose_that_is_met_ends_search_and_enrolment(operation: str) -> None:
    grant, asked = consent(operations=None), request(operation=operation)
    denied = ["PURPOSE_SATISFIED"] if operation != "disclose" else []
    assert codes(NOTHING, grant, request=asked, standing=standing(purpose_satisfied_at=AT)) == denied
    assert codes(NOTHING, grant, request=asked, standing=standing(purpose_satisfied_at=AT + SECOND)) == []


@pytest.mark.parametrize(
    ("trigger", "where"),
    [
        ("last_interaction", "speaker"),
        ("employment_ended", "standing"),
        ("storage_unnecessary_determined", "standing"),
        ("purpose_satisfied", "standing"),
    ],
)
def test_every_clock_runs_from_its_trigger(trigger: str, where: str) -> None:
    packs = packs_asking(CLOCK.format(trigger))
    started = datetime(2026, 10, 22, 12, tzinfo=UTC)

    def found(start: datetime) -> Any:
        facts = {f"{trigger}_at": start}
        if where == "speaker":
            return decision(packs, consent(), speaker=speaker(**facts))
        return decision(packs, consent(operations=None), standing=standing(**facts))

    over, soon = found(started), found(started + SECOND)
    assert "RETENTION_EXCEEDED" in [each.code for each in over.reasons]
    assert [each.text for each in over.obligations] == ["delete_template"]
    assert "RETENTION_EXCEEDED" not in [each.code for each in soon.reasons]
    assert [each.text for each in soon.obligations] == ["delete_by:2026-11-22T12:00:01Z"]


def test_a_legal_hold_seals_instead_of_deleting() -> None:
    packs = packs_asking(CLOCK.format("last_interaction"))
    held = speaker(legal_hold=True, last_interaction_at=datetime(2020, 1, 1, tzinfo=UTC))
    found = decision(packs, consent(given_at=GIVEN), speaker=held)
    assert [each.text for each in found.obligations] == ["preserve_sealed_no_search"]


def test_the_withdrawal_clock_is_not_a_retention_clock() -> None:
    assert codes(packs_asking(CLOCK.format("consent_withdrawn")), consent()) == []
