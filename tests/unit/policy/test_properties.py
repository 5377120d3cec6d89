"""What holds for every decision: more law never allows more, and order, time and repetition change nothing."""

import json
import pickle
import random
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentgate.consent.state import State
from consentgate.packs.pack import Basis, Pack, Version
from consentgate.packs.packset import PackSet, shipped
from consentgate.packs.period import Period
from consentgate.packs.rules import (
    FORMS,
    RULE_NAMES,
    AuthorityRule,
    ConditionalElement,
    MinorsRule,
    ProhibitedUse,
    Refresh,
    RetentionClock,
    Rules,
    Trigger,
    WithdrawalRule,
)
from consentgate.policy import requirements
from consentgate.policy.assertions import in_force
from consentgate.policy.decide import Decision
from tests.unit.policy.anything import ELEMENTS, Anything, Inputs, in_order

PACKS = shipped()
ALONE = ({"PROHIBITED_BY_LAW"}, {"UNKNOWN_JURISDICTION"})
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT_ONCE, LONG = Period.parse("P0D"), Period.parse("P90Y")

TRIGGERS: tuple[Trigger, ...] = (
    "purpose_satisfied",
    "last_interaction",
    "employment_ended",
    "storage_unnecessary_determined",
)

SEEDS = st.integers(0, 2**32)
CODES = st.sampled_from(PACKS.codes)


def codes_of(found: Decision) -> set[str]:
    return {each.code for each in found.reasons}


def some_case(seed: int, codes: tuple[str, ...]) -> Inputs:
    anything = Anything(seed, PACKS)
    at = anything.moment()
    return anything.nearly_in_order(codes, at) if seed % 3 else anything.anything(codes, at)


@settings(deadline=None, max_examples=400)
@given(seed=SEEDS, codes=st.lists(CODES, min_size=1, max_size=3, unique=True), more=CODES)
def test_another_known_candidate_never_allows_and_never_drops_a_reason(
    seed: int, codes: list[str], more: str
) -> None:
    case = some_case(seed, tuple(sorted(codes)))
    before = case.decide(PACKS)
    after = replace(case, codes=tuple(sorted({*codes, more}))).decide(PACKS)
    assert before.allowed or not after.allowed
    assert one_grant(case) is False or codes_of(before) <= codes_of(after) or codes_of(after) in ALONE


def one_grant(case: Inputs) -> bool:
    """Of several grants another law may make another one the best, whose reasons are others."""
    return len(case.state.standing or case.state.consents) < 2


# Every gating field, and all ways to tighten what a pack says there; whatever else it says stays.
def _flag(name: str) -> Callable[[Rules], Iterator[Rules]]:
    def tighter(rules: Rules) -> Iterator[Rules]:
        if getattr(rules, name) is not True:
            changes: dict[str, Any] = {name: True}
            yield replace(rules, **changes)

    return tighter


def _ranked(name: str, order: tuple[str, ...]) -> Callable[[Rules], Iterator[Rules]]:
    def tighter(rules: Rules) -> Iterator[Rules]:
        stated = getattr(rules, name)
        for value in order[order.index(stated) + 1 if stated in order else 0 :]:
            changes: dict[str, Any] = {name: value}
            yield replace(rules, **changes)

    return tighter


def _elements(rules: Rules) -> Iterator[Rules]:
    stated = rules.notice_elements or ()
    for element in ELEMENTS:
        if element not in stated:
            yield replace(rules, notice_elements=(*stated, element))


def _conditional(rules: Rules) -> Iterator[Rules]:
    stated = rules.notice_elements_conditional or ()
    for flag in ("cross_border", "has_dpo"):
        added = ConditionalElement(element="alternative_available", flag=flag)
        yield replace(rules, notice_elements_conditional=(*stated, added))


def _clocks(rules: Rules) -> Iterator[Rules]:
    stated = rules.max_retention or ()
    for trigger in TRIGGERS:
        yield replace(rules, max_retention=(*stated, RetentionClock(trigger=trigger, within=AT_ONCE)))
    if stated:
        yield replace(rules, max_retention=tuple(replace(each, within=AT_ONCE) for each in stated))


def _refresh(rules: Rules) -> Iterator[Rules]:
    yield replace(rules, consent_refresh=Refresh(trigger="last_interaction", after=AT_ONCE))


def _withdrawal(rules: Rules) -> Iterator[Rules]:
    yield replace(
        rules,
        withdrawal=WithdrawalRule(
            supported=True,
            effect="stop_processing",
            stop_deadline=AT_ONCE,
            deletion_required=True,
            deletion_deadline=AT_ONCE,
        ),
    )


def _minors(rules: Rules) -> Iterator[Rules]:
    stated = rules.minors.guardian_required_below if rules.minors else None
    # A member that states an age replaces its group's, and 18 where nobody does: tighter is only what is above.
    for age in (19, 21, 35):
        if stated is None or stated < age:
            yield replace(rules, minors=MinorsRule(guardian_required_below=age, kind="statutory"))


def _filing(rules: Rules) -> Iterator[Rules]:
    for lead in (AT_ONCE, LONG):
        yield replace(
            rules, prior_authority=AuthorityRule(required=True, kind="declaration", lead_time=lead, gate=True)
        )


def _oral(rules: Rules) -> Iterator[Rules]:
    if rules.oral_consent_ok != "no":
        yield replace(rules, oral_consent_ok="no")
        yield replace(rules, oral_consent_ok="unclear")


def _consent(rules: Rules) -> Iterator[Rules]:
    if not rules.consent_required:
        yield replace(rules, consent_required=True, oral_consent_ok=rules.oral_consent_ok or "no")


def _form(rules: Rules) -> Iterator[Rules]:
    for form in FORMS[FORMS.index(rules.consent_form or "none") + 1 :]:
        yield replace(
            rules, consent_form=form, electronic_signature_ok=rules.electronic_signature_ok or "yes"
        )


def _uses(rules: Rules) -> Iterator[Rules]:
    for where in ((), ("workplace",)):
        more = ProhibitedUse(operation="search", settings=where, since=date(2000, 1, 1), cite="s. 1")
        yield replace(rules, prohibited_uses=(*(rules.prohibited_uses or ()), more))


SALE = (
    "no",
    "opt_out",
    "without_consent",
    "without_signed_authorization",
    "yes_with_narrow_exceptions",
    "yes",
)
DISCLOSURE = ("general", "consent", "consent_or_list", "separate_consent", "closed_list")

TIGHTER: dict[str, Callable[[Rules], Iterator[Rules]]] = {
    "consent_required": _consent,
    "consent_form": _form,
    "electronic_signature_ok": _ranked("electronic_signature_ok", ("yes", "unclear", "no")),
    "oral_consent_ok": _oral,
    "notice_in_writing": _flag("notice_in_writing"),
    "notice_elements": _elements,
    "notice_elements_conditional": _conditional,
    "separate_consent": _flag("separate_consent"),
    "alternative_required": _flag("alternative_required"),
    "purpose_limited": _flag("purpose_limited"),
    "strict_necessity": _flag("strict_necessity"),
    "max_retention": _clocks,
    "consent_refresh": _refresh,
    "withdrawal": _withdrawal,
    "minors": _minors,
    "call_recording_consent": _ranked("call_recording_consent", ("one_party", "all_party")),
    "prior_authority": _filing,
    "impact_assessment_required": _flag("impact_assessment_required"),
    "public_policy_required": _flag("public_policy_required"),
    "sale_prohibited": _ranked("sale_prohibited", SALE),
    "disclosure_rule": _ranked("disclosure_rule", DISCLOSURE),
    "data_localisation": _ranked("data_localisation", ("none", "conditional", "required")),
    "prohibited": _flag("prohibited"),
    "prohibited_uses": _uses,
}
SHOWN_ONLY = {
    "voiceprint_covered",
    "consent_basis",
    "notice_required",
    "record_keeping",
    "private_right_of_action",
}


def test_every_field_of_a_pack_either_gates_or_is_shown_only() -> None:
    assert {*TIGHTER} | SHOWN_ONLY == {*RULE_NAMES}


def with_rules(pack: Pack, rules: Callable[[Rules], Rules]) -> PackSet:
    """The shipped set, with other rules in one pack."""
    changed = tuple(_stating(each, rules(each.rules), pack.code) for each in pack.versions)
    return with_pack(replace(pack, versions=changed))


def with_pack(pack: Pack) -> PackSet:
    packs = copy(PACKS)
    packs._packs, packs._above = {**PACKS._packs, pack.code: pack}, {}
    return packs


def _stating(version: Version, rules: Rules, code: str) -> Version:
    own = {name: Basis(pack=code, citation="as tightened") for name in rules.stated()}
    return replace(version, rules=rules, bases=own | dict(version.bases))


@pytest.mark.parametrize("field", TIGHTER)
def test_tightening_any_field_of_any_pack_never_allows_more(field: str) -> None:
    tighter, denied_more = TIGHTER[field], 0
    for code in PACKS.codes:
        pack = PACKS.pack(code)
        rng = random.Random(f"{field} {code}")  # not for secrets: the same cases each time
        ways = [*tighter(pack.versions[-1].rules)]
        for way in rng.sample(ways, min(2, len(ways))):
            packs = with_rules(pack, lambda _, way=way: way)  # type: ignore[misc]  # binds now
            since = pack.versions[-1].since
            at = datetime(since.year, since.month, since.day, tzinfo=UTC) + timedelta(
                days=rng.randrange(3000)
            )
            anything = Anything(f"{field} {code}", PACKS)
            for _ in range(8):
                case = anything.nearly_in_order((code,), at)
                before, after = case.decide(PACKS), case.decide(packs)
                assert before.allowed or not after.allowed
                assert (
                    not one_grant(case)
                    or codes_of(before) <= codes_of(after)
                    or codes_of(after) == {"PROHIBITED_BY_LAW"}
                )
                denied_more += before.allowed and not after.allowed
    # Two of them never deny by themselves: one is cited with purposes, one sets when to delete.
    assert bool(denied_more) is (field not in ("purpose_limited", "withdrawal"))


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS, codes=st.lists(CODES, min_size=1, max_size=4, unique=True), data=st.data())
def test_the_order_of_candidates_decides_nothing(seed: int, codes: list[str], data: st.DataObject) -> None:
    case = some_case(seed, tuple(codes))
    other = tuple(data.draw(st.permutations(codes)))
    assert replace(case, codes=(*other, other[0])).decide(PACKS) == case.decide(PACKS)


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS, data=st.data())
def test_the_order_of_grants_allows_nothing_and_forbids_nothing(seed: int, data: st.DataObject) -> None:
    anything = Anything(seed, PACKS)
    case = anything.anything(("US-IL", "FR"), AT)
    consents = (*case.state.consents, *anything.nearly_in_order(("FR",), AT).state.consents)
    ordered = replace(case, state=State(consents=consents)).decide(PACKS)
    drawn = tuple(data.draw(st.permutations(consents)))
    shuffled = replace(case, state=State(consents=drawn)).decide(PACKS)
    assert shuffled.allowed is ordered.allowed
    assert sorted(shuffled.considered, key=str) == sorted(ordered.considered, key=str)
    # Only which of equals speaks is decided by the order: the newest, which is the order of commits.
    fewest = [
        each
        for each in ordered.considered
        if len(each.codes) == min(len(e.codes) for e in ordered.considered)
    ]
    if len(fewest) == 1:
        assert (shuffled.grant, shuffled.reasons) == (ordered.grant, ordered.reasons)


@settings(deadline=None, max_examples=150)
@given(seed=SEEDS, data=st.data())
def test_the_order_of_assertions_of_distinct_times_decides_nothing(seed: int, data: st.DataObject) -> None:
    anything = Anything(seed, PACKS)
    said = {each.since: each for each in (anything.assertion(AT) for _ in range(12))}
    shuffled = data.draw(st.permutations(list(said.values())))
    assert in_force(shuffled, AT, about="customer:1") == in_force(said.values(), AT, about="customer:1")


def test_the_order_of_packs_in_the_index_decides_nothing() -> None:
    index = json.loads(PACKS.index)
    named = list(index["packs"].items())
    random.Random("index").shuffle(named)  # not for secrets: the same order each time
    other = PackSet(json.dumps({**index, "packs": dict(named)}).encode(), PACKS._read)
    assert other.digest == PACKS.digest
    anything = Anything("index", PACKS)
    for _ in range(50):
        case = anything.anything()
        assert case.decide(other) == case.decide(PACKS)


LATER = date(2090, 1, 1)


@pytest.mark.parametrize("code", PACKS.codes)
def test_a_later_version_changes_no_past_decision(code: str) -> None:
    pack = PACKS.pack(code)
    *before, last = pack.versions
    closed = replace(last, until=LATER - timedelta(days=1)) if last.until is None else last
    rules = Rules(prohibited=True)
    new = _stating(Version(since=LATER, rules=rules), rules, code)
    packs = with_pack(replace(pack, versions=(*before, closed, new)))
    anything = Anything(code, PACKS)
    for _ in range(4):
        case = anything.nearly_in_order((code,), anything.moment())
        assert case.at.year > 9000 or case.decide(packs) == case.decide(PACKS)
    future = in_order((code,), datetime(2090, 1, 1, tzinfo=UTC))
    assert codes_of(future.decide(packs)) == {"PROHIBITED_BY_LAW"}


@settings(deadline=None, max_examples=100)
@given(seed=SEEDS)
def test_equal_inputs_give_equal_decisions_in_a_fresh_engine(seed: int) -> None:
    case = Anything(seed, PACKS).anything()
    found = case.decide(PACKS)
    requirements._merged.cache_clear()
    copied: Inputs = pickle.loads(pickle.dumps(case))
    assert copied.decide(shipped()) == found
