"""What phone numbers add to a speaker's evidence, and that it can only ever make a decision stricter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentgate.consent.reference import Reference
from consentgate.consent.state import State
from consentgate.ledger.hints import hinted
from consentgate.ledger.speaker import Speaker, speaker_from, speaker_json
from consentgate.packs.packset import shipped
from consentgate.policy import numbers
from consentgate.policy.assertions import Standing
from consentgate.policy.decide import Decision, decide
from consentgate.policy.facts import Evidence, SpeakerFacts, candidates
from consentgate.policy.requirements import merge
from tests.unit.policy.cases import AT, REQUEST, consent

HOME = Evidence(code="US-TX", kind="account_address", source="crm", confidence="high")
PACKS = shipped()
GRANTS = (
    consent("plain", method="web_form", form="opt_in", separate=True),
    consent(
        "written",
        form="written_release",
        signature="electronic",
        method="web_esign",
        separate=True,
        notice_in_writing=True,
        notice_elements=frozenset({"collection_or_storage_disclosed", "specific_purpose", "length_of_term"}),
    ),
)
READY = Standing(public_policy_published=True, impact_assessment_done=True, alternative_offered=True)


def person(*numbers: str, evidence: tuple[Evidence, ...] = (HOME,)) -> Speaker:
    return Speaker([("customer", "1001"), *(("phone", number) for number in numbers)], evidence)


def decided(evidence: tuple[Evidence, ...]) -> Decision:
    requirements = merge(candidates(evidence), PACKS, day=AT.date(), purpose="authentication", standing=READY)
    return decide(
        request=REQUEST,
        speaker=SpeakerFacts(age=34, evidence=evidence),
        state=State(consents=GRANTS),
        requirements=requirements,
        standing=READY,
        at=AT,
    )


def test_each_number_adds_its_places_once_and_last() -> None:
    source = f"numbering_plan:{numbers.shipped().source}"
    added = [
        Evidence(code=code, kind="phone_number", source=source, confidence="low")
        for code in ("CA-NS", "CA-PE", "US-IL")
    ]
    assert hinted(person("+12175550142", "+13125550142", "+19025550142")).evidence == (HOME, *added)


@pytest.mark.parametrize("numbers_of", [(), ("+18005550142",), ("+88312345678",)])
def test_without_a_place_nothing_is_added(numbers_of: tuple[str, ...]) -> None:
    speaker = person(*numbers_of)
    assert hinted(speaker) is speaker


def test_only_references_of_kind_phone_are_numbers() -> None:
    speaker = Speaker([Reference(kind="customer", value="+12175550142")], [HOME])
    assert hinted(speaker) is speaker


def test_hinting_twice_is_hinting_once() -> None:
    once = hinted(person("+12175550142"))
    assert hinted(once) == once
    assert speaker_from(speaker_json(once)) == once


def test_a_hint_shows_in_no_repr() -> None:
    assert repr(hinted(person("+12175550142"))) == "Speaker()"


@settings(max_examples=150)
@given(
    homes=st.lists(st.sampled_from([*PACKS.codes, "XX"]), max_size=2),
    number=st.one_of(
        st.from_regex(r"\+1[2-9][0-9]{2}5550[0-9]{3}", fullmatch=True),
        st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    ),
)
def test_a_number_never_turns_a_denial_into_an_allowance(homes: list[str], number: str) -> None:
    known = tuple(Evidence(code=code, kind="account_address", source="crm") for code in homes)
    with_number = tuple(hinted(person(number, evidence=known)).evidence)
    before, after = decided(known), decided(with_number)
    assert before.allowed or not after.allowed
    assert {*before.candidates} <= {*after.candidates}


def test_some_are_allowed_without_the_number_and_denied_with_it() -> None:
    assert decided((HOME,)).allowed
    strict = tuple(hinted(person("+79161234567")).evidence)
    assert [each.code for each in decided(strict).reasons] == ["PROHIBITED_BY_LAW"]
