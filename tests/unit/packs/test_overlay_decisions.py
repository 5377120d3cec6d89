"""What counts as stricter is stricter for decisions: nothing is allowed that was denied, whatever is taken over."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.packs.rules import Rules
from consentgate.packs.tighter import SHOWN, loosened
from tests.unit.policy.anything import Anything
from tests.unit.policy.test_properties import PACKS, TIGHTER, with_rules

FIELDS = sorted(TIGHTER.keys() - SHOWN)
VALUES = {
    field: list(
        {
            repr(value): value
            for code in PACKS.codes
            for version in PACKS.pack(code).versions
            if (value := getattr(version.rules, field)) is not None
        }.values()
    )
    for field in FIELDS
}


def taken_over(rules: Rules, field: str, value: object) -> Rules:
    changes: dict[str, Any] = {field: value}
    return replace(rules, **changes)


def is_whole(rules: Rules) -> bool:
    """Whether a pack may say so: what consent and release bring with them is said too."""
    oral = rules.consent_required is not True or rules.oral_consent_ok is not None
    return oral and (rules.consent_form != "written_release" or rules.electronic_signature_ok is not None)


@pytest.mark.parametrize("field", FIELDS)
def test_every_way_to_tighten_a_pack_is_taken(field: str) -> None:
    for code in PACKS.codes:
        rules = PACKS.pack(code).versions[-1].rules
        for way in TIGHTER[field](rules):
            # These two put another age where a group's stands, and another filing in place of one.
            other = (field == "minors" and rules.minors is None) or (
                field == "prior_authority"
                and rules.prior_authority is not None
                and rules.prior_authority.required
            )
            assert other or loosened(field, rules, way) is None, (code, getattr(way, field))


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_taken_over_from_another_pack_allows_no_more(field: str) -> None:
    rng, compared = random.Random(field), 0  # not for secrets: the same cases each time
    for code in rng.sample(PACKS.codes, 24):
        pack = PACKS.pack(code)
        base = pack.versions[-1].rules
        for value in rng.sample(VALUES[field], min(3, len(VALUES[field]))):
            over = taken_over(base, field, value)
            if loosened(field, base, over) is not None or not is_whole(over):
                continue
            packs = with_rules(pack, lambda rules, value=value: taken_over(rules, field, value))  # type: ignore[misc]  # binds now
            since = pack.versions[-1].since
            anything = Anything(f"{field} {code}", PACKS)
            for _ in range(6):
                at = datetime(since.year, since.month, since.day, tzinfo=UTC) + timedelta(
                    days=rng.randrange(3000)
                )
                case = anything.nearly_in_order((code,), at)
                assert case.decide(PACKS).allowed or not case.decide(packs).allowed
                compared += 1
    assert compared
