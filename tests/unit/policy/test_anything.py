"""100,000 random facts and statements: no exception but ours, no decision without a reason."""

from collections import Counter

import pytest

from consentgate import canonical
from consentgate.packs.packset import shipped
from consentgate.policy import record
from consentgate.policy.decide import Decision
from consentgate.policy.reasons import DEFINITIONS
from tests.unit.policy.anything import Anything, Inputs, in_order

PACKS = shipped()
SEEDS, OF_EACH = 20, 5_000
# Packs are merged once for so many cases, as they are for callers of one place on one day.
SHARING = 10
KNOWN = {*PACKS.codes, "baseline", "statement"}


def check(case: Inputs, found: Decision) -> None:
    assert found.allowed is not bool(found.reasons)
    granted = {each.entry for each in case.state.standing}
    assert (found.grant in granted) if found.allowed else (found.grant is None)
    assert {*found.candidates} == {*case.codes}
    for reason in found.reasons:
        assert reason.code.partition(":")[0] in DEFINITIONS
        assert reason.sentence
        assert reason.cure
        # The law's reasons say whose law; the gate's own name the floor, or the statement that they follow from.
        assert reason.bases
        assert {basis.pack for basis in reason.bases} <= KNOWN
        assert all(basis.citation for basis in reason.bases)


def check_more(case: Inputs, found: Decision) -> None:
    assert case.decide(PACKS) == found
    stored = canonical.decode(canonical.encode(record.decision_json(found)))
    assert record.decision_from(stored) == found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_facts_are_decided_and_denied_with_a_reason(seed: int) -> None:
    anything = Anything(seed, PACKS)
    allowed: Counter[bool] = Counter()
    for group in range(OF_EACH // SHARING):
        at, codes = anything.moment(), anything.codes()
        # Every pack is asked about for certain, whatever chance has it.
        codes = (*codes, PACKS.codes[(seed * 500 + group) % len(PACKS.codes)]) if group % 3 else codes
        for number in range(SHARING):
            near = number % 2 and codes
            case = anything.nearly_in_order(codes, at) if near else anything.anything(codes, at)
            found = case.decide(PACKS)
            check(case, found)
            if number == 0 and group % 10 == 0:
                check_more(case, found)
            allowed[found.allowed] += 1
    assert allowed.total() == OF_EACH
    assert min(allowed.values()) > OF_EACH // 100, "the cases are all alike"


@pytest.mark.parametrize("code", PACKS.codes)
def test_a_case_in_order_is_allowed_wherever_consent_can_help(code: str) -> None:
    anything = Anything(f"in order {code}", PACKS)
    for _ in range(5):
        found = in_order((code,), anything.moment()).decide(PACKS)
        assert found.allowed or [each.code for each in found.reasons] == ["PROHIBITED_BY_LAW"]
