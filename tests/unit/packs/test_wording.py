from dataclasses import replace
from datetime import date
from typing import Any, get_args

import pytest

from consentgate.packs.claims import Damages, PrivateAction
from consentgate.packs.period import Period
from consentgate.packs.phrases import (
    CHOICES,
    ELEMENTS,
    FILINGS,
    FLAGS,
    GROUNDS,
    LABELS,
    OPERATIONS,
    SETTINGS,
    TRIGGERS,
)
from consentgate.packs.rules import (
    NOTICE_ELEMENTS,
    RULE_NAMES,
    AuthorityKind,
    AuthorityRule,
    ConditionalElement,
    Disclosure,
    Flag,
    Form,
    Localisation,
    MinorsRule,
    Operation,
    ProhibitedUse,
    Recording,
    RecordKeeping,
    Refresh,
    RetentionClock,
    Sale,
    Setting,
    Tri,
    Trigger,
    WithdrawalRule,
)
from consentgate.packs.wording import period, wordings

AT_ONCE, MONTH = Period.parse("P0D"), Period.parse("P1M")
WITHDRAWAL = WithdrawalRule(
    supported=True,
    effect="stop_processing",
    stop_deadline=AT_ONCE,
    deletion_required=True,
    deletion_deadline=AT_ONCE,
)
FILING = AuthorityRule(required=True, kind="declaration", lead_time=AT_ONCE, gate=True)


def sentence(name: str, value: Any) -> str:
    (one,) = wordings(name, value)
    return one.sentence


def test_every_word_of_the_vocabulary_has_its_phrase() -> None:
    assert set(LABELS) == set(RULE_NAMES)
    assert set(ELEMENTS) == NOTICE_ELEMENTS
    assert set(FLAGS) == set(get_args(Flag))
    assert set(TRIGGERS) == set(get_args(Trigger))
    assert set(OPERATIONS) == set(get_args(Operation))
    assert set(SETTINGS) == set(get_args(Setting))
    assert set(FILINGS) == set(get_args(AuthorityKind))
    words: dict[str, Any] = {
        "voiceprint_covered": Tri,
        "electronic_signature_ok": Tri,
        "oral_consent_ok": Tri,
        "consent_form": Form,
        "call_recording_consent": Recording,
        "sale_prohibited": Sale,
        "disclosure_rule": Disclosure,
        "data_localisation": Localisation,
    }
    for name, phrases in CHOICES.items():
        assert set(phrases) == (set(get_args(words[name])) if name in words else {True, False})


def test_a_forbidden_use_says_what_where_and_since_when() -> None:
    since = date(2025, 2, 2)
    use = ProhibitedUse(
        operation="tone_analysis", settings=("workplace", "education"), since=since, cite="Art. 5"
    )
    assert sentence("prohibited_uses", (use,)) == (
        "Analysing the tone of a voice at work or in education is forbidden from 2025-02-02 on, whatever the consent."
    )
    everywhere = ProhibitedUse(operation="sell", since=since, cite="s. 2")
    (one,) = wordings("prohibited_uses", (everywhere,))
    assert one.sentence == "Selling a voiceprint is forbidden from 2025-02-02 on, whatever the consent."
    assert (one.asks, one.cite) == (True, "s. 2")


def test_a_choice_says_what_it_says_and_whether_it_asks() -> None:
    (asked,) = wordings("notice_in_writing", True)
    (free,) = wordings("notice_in_writing", False)
    assert (asked.sentence, asked.asks) == (
        "The notice has to be in writing; a spoken one will not do.",
        True,
    )
    assert (free.sentence, free.asks) == ("The notice may be spoken.", False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("P0D", "at once"),
        ("P1Y", "1 year"),
        ("P3Y", "3 years"),
        ("P24M", "24 months"),
        ("P1Y6M", "1 year and 6 months"),
        ("P45D", "45 days"),
        ("P2W", "14 days"),
    ],
)
def test_periods_are_said_as_they_were_written(text: str, words: str) -> None:
    assert period(Period.parse(text)) == words


def test_a_notice_says_its_elements() -> None:
    assert sentence("notice_elements", ("specific_purpose", "length_of_term")) == (
        "The notice says: the specific purpose; for how long."
    )
    assert wordings("notice_elements", ()) == ()
    further = ConditionalElement(element="cross_border_transfer", flag="cross_border")
    assert sentence("notice_elements_conditional", (further,)) == (
        "If data crosses a border, the notice also says: transfers abroad."
    )


def test_each_clock_has_a_sentence_and_its_clause() -> None:
    clocks = (
        RetentionClock(trigger="purpose_satisfied", within=AT_ONCE, cite="s. 1"),
        RetentionClock(
            trigger="storage_unnecessary_determined",
            within=Period.parse("P45D"),
            extension=Period.parse("P45D"),
        ),
    )
    first, second = wordings("max_retention", clocks)
    assert (first.sentence, first.cite) == (
        "The voiceprint has to be gone as soon as the purpose is met.",
        "s. 1",
    )
    assert second.sentence == (
        "The voiceprint has to be gone within 45 days after a review finds storage unnecessary; it can be "
        "extended by 45 days."
    )
    assert sentence("consent_refresh", Refresh(trigger="last_interaction", after=Period.parse("P24M"))) == (
        "Consent is asked for anew once 24 months have passed since the person last interacted."
    )


def test_a_withdrawal_says_when_what_stops_and_goes() -> None:
    assert sentence("withdrawal", WITHDRAWAL) == (
        "Consent can be withdrawn: processing stops, and the voiceprint has to be gone at once."
    )
    assert sentence("withdrawal", replace(WITHDRAWAL, deletion_deadline=MONTH, stop_deadline=MONTH)) == (
        "Consent can be withdrawn: processing stops within 1 month, and the voiceprint has to be gone within "
        "1 month."
    )
    kept = replace(WITHDRAWAL, effect="stop_on_request", deletion_required=False)
    assert sentence("withdrawal", kept) == "Consent can be withdrawn: processing stops when it is asked for."
    assert (
        sentence("withdrawal", replace(WITHDRAWAL, supported=False)) == "The law itself knows no withdrawal."
    )


def test_an_age_says_how_sure_it_is() -> None:
    assert sentence("minors", MinorsRule(guardian_required_below=16, kind="statutory")) == (
        "Below 16 a guardian has to consent."
    )
    assert sentence(
        "minors", MinorsRule(guardian_required_below=18, kind="inferred", strict_child_age=12)
    ) == ("Below 18 a guardian has to consent (inferred). Below 12 the law has further duties.")
    assert sentence("minors", MinorsRule(guardian_required_below=9, kind="custom")) == (
        "Below 9 a guardian has to consent (custom)."
    )
    (unstated,) = wordings("minors", MinorsRule(kind="none"))
    assert not unstated.asks
    assert "below 18" in unstated.sentence


def test_a_filing_says_when_and_whether_a_decision_depends_on_it() -> None:
    assert sentence("prior_authority", FILING) == "A declaration to the authority is needed beforehand."
    shown = replace(FILING, lead_time=Period.parse("P60D"), gate=False)
    assert sentence("prior_authority", shown) == (
        "A declaration to the authority is needed at least 60 days beforehand; shown only, no decision depends "
        "on it."
    )
    assert sentence("prior_authority", replace(FILING, required=False)) == (
        "No filing with an authority is asked for."
    )


def test_proof_says_how_long_and_why() -> None:
    assert sentence("record_keeping", RecordKeeping(proof_of_consent_duty=True)) == (
        "The controller has to be able to prove consent."
    )
    kept = RecordKeeping(proof_of_consent_duty=False, retain_proof_for=Period.parse("P5Y"))
    assert sentence("record_keeping", kept) == (
        "No duty to prove consent is stated; the proof is worth keeping for 5 years."
    )
    assert sentence("record_keeping", replace(kept, basis="limitation")).endswith("5 years (limitation).")


def test_claims_name_their_amounts() -> None:
    damages = (
        Damages(tier="negligent", amount=1000, currency="USD", per="violation"),
        Damages(law="Act", max=7500, currency="USD"),
        Damages(min=100, max=750),
        Damages(note="one recovery per person"),
    )
    assert sentence("private_right_of_action", PrivateAction(available=True, statutory_damages=damages)) == (
        "The person can sue: USD 1,000 per violation (negligent); USD up to 7,500 (Act); from 100 up to 750; one "
        "recovery per person."
    )
    assert sentence("private_right_of_action", PrivateAction(available=False)) == (
        "No claim of the person's own is stated."
    )


def test_a_ground_that_is_no_word_of_ours_is_shown_as_it_is() -> None:
    assert sentence("consent_basis", "statute") == GROUNDS["statute"]
    assert sentence("consent_basis", "custom") == "Ground: custom."
