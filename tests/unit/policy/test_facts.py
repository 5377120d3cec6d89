import pytest

from consentgate.policy.facts import Evidence, SpeakerFacts, candidates, evidence_kind


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


@pytest.mark.parametrize("kind", ["phone_number", "area_code", "ani", "number", "controller"])
def test_a_hint_by_any_name_only_adds(kind: str) -> None:
    hint = Evidence(code="US-IL", kind=kind, source="numbering_plan")
    assert candidates([hint]) == ()
    assert candidates([hint, *found_at("US-TX")]) == ("US-IL", "US-TX")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("verified_address", "verified_address"),
        ("account_address", "verified_address"),
        ("residence", "verified_address"),
        ("ip_address", "network"),
        ("declared_location", "declared_location"),
        ("asked on the line", "declared_location"),
    ],
)
def test_a_word_for_evidence_means_one_of_five_kinds(word: str, kind: str) -> None:
    assert evidence_kind(word) == kind
    assert candidates([Evidence(code="FR", kind=word, source="crm")]) == ("FR",)


def test_personal_facts_show_in_no_repr() -> None:
    shown = repr(SpeakerFacts(name="caller 1", age=34, evidence=found_at("US-IL")))
    assert "34" not in shown
    assert "US-IL" not in shown
