from consentgate.policy.facts import Evidence, SpeakerFacts, candidates


def found_at(*codes: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(code=code, kind="verified_address", source="crm") for code in codes)


def test_candidates_come_from_evidence_sorted_and_once() -> None:
    assert candidates(found_at("US-IL", "FR", "US-IL")) == ("FR", "US-IL")


def test_the_controllers_jurisdiction_never_stands_in_for_evidence() -> None:
    assert candidates((), controller="DE") == ()
    assert candidates(found_at("FR"), controller="DE") == ("DE", "FR")


def test_a_phone_number_only_adds_to_other_evidence() -> None:
    number = Evidence(code="US-IL", kind="phone_number", source="numbering_plan")
    assert candidates([number], controller="DE") == ()
    assert candidates([number, *found_at("US-TX")]) == ("US-IL", "US-TX")


def test_personal_facts_show_in_no_repr() -> None:
    shown = repr(SpeakerFacts(name="caller 1", age=34, evidence=found_at("US-IL")))
    assert "34" not in shown
    assert "US-IL" not in shown
