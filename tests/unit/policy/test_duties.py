"""What follows from decisions, with who asks for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consentgate.consent.state import Ending
from consentgate.policy.decide import Decision
from consentgate.policy.facts import SpeakerFacts
from tests.unit.packs.texts import pack_set, pack_text
from tests.unit.policy.cases import AT, GIVEN, consent, decision, negative, packs_asking

PROOF = 'record_keeping = {{ proof_of_consent_duty = true, retain_proof_for = "{}", cite = "{}" }}\n'
REFRESH = 'consent_refresh = { trigger = "last_interaction", after = "P24M" }\n'
WITHDRAWAL = (
    'withdrawal = {{ supported = {}, effect = "stop_processing", stop_deadline = "{}",'
    ' deletion_required = {}, deletion_deadline = "P30D" }}\n'
)
ENDED = Ending(kind="withdrawn", at=AT - timedelta(days=1), entry="w1")


def texts(found: Decision) -> list[str]:
    return [each.text for each in found.obligations]


def test_the_proof_is_kept_as_long_as_the_longest_asks() -> None:
    packs = pack_set(
        pack_text("AA", PROOF.format("P3Y", "s. 1")),
        pack_text("BB", PROOF.format("P5Y", "s. 2")),
        pack_text("CC", PROOF.format("P60M", "s. 3")),
    )
    found = decision(packs, consent(), candidates=("AA", "BB", "CC"))
    assert texts(found) == ["retain_proof_until:2031-11-22T12:00:00Z"]
    assert [(basis.pack, basis.citation) for basis in found.obligations[0].bases] == [
        ("BB", "s. 2"),
        ("CC", "s. 3"),
    ]


def test_without_permission_there_is_no_proof_to_keep() -> None:
    packs = packs_asking(PROOF.format("P3Y", "s. 1"))
    assert texts(decision(packs, consent(form="none"))) == []
    assert texts(decision(packs)) == []


@pytest.mark.parametrize(
    ("last", "given", "due"),
    [
        (datetime(2026, 10, 1, tzinfo=UTC), GIVEN, ["refresh_by:2028-10-01T00:00:00Z"]),
        (datetime(2026, 1, 1, tzinfo=UTC), GIVEN, []),
        (datetime(2020, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC), []),
        (None, GIVEN, []),
    ],
)
def test_consent_is_asked_for_again_in_time(last: datetime | None, given: datetime, due: list[str]) -> None:
    speaker = SpeakerFacts(age=34, last_interaction_at=last)
    assert texts(decision(packs_asking(REFRESH), consent(given_at=given), speaker=speaker)) == due
    assert texts(decision(packs_asking(REFRESH), negative(), speaker=speaker)) == []
    assert texts(decision(packs_asking(REFRESH), speaker=speaker)) == []


@pytest.mark.parametrize(
    ("rule", "stop", "delete"),
    [
        (WITHDRAWAL.format("true", "P2D", "true"), timedelta(days=1), timedelta(days=29)),
        (WITHDRAWAL.format("true", "P0D", "false"), timedelta(days=-1), None),
        (WITHDRAWAL.format("false", "P0D", "true"), None, timedelta(days=29)),
        ("", None, None),
    ],
)
def test_a_withdrawal_stops_and_deletes_by_whoever_asks_first(
    rule: str, stop: timedelta | None, delete: timedelta | None
) -> None:
    packs = pack_set(
        pack_text("XX", rule), pack_text("YY", WITHDRAWAL.format("true", "P9D", "false") if stop else "")
    )
    found = decision(packs, consent(endings=(ENDED,)), candidates=("XX", "YY"))
    assert [(each.duty, each.due) for each in found.obligations] == [
        ("stop_processing", AT + stop if stop is not None else None),
        ("delete_template", AT + delete if delete is not None else None),
    ]
    assert all(each.bases for each in found.obligations)


@pytest.mark.parametrize("rules", ["prohibited = true", None])
def test_a_withdrawal_is_one_where_nothing_else_is_judged(rules: str | None) -> None:
    inputs: dict[str, Any] = {} if rules else {"candidates": ("QQ",)}
    found = decision(packs_asking(rules or ""), consent(endings=(ENDED,)), **inputs)
    assert len(found.reasons) == 1
    assert texts(found) == ["stop_processing", "delete_template"]


def test_a_withdrawal_says_delete_once_where_a_clock_has_run_out_too() -> None:
    packs = packs_asking('max_retention = [{ trigger = "last_interaction", within = "P1M" }]')
    speaker = SpeakerFacts(age=34, last_interaction_at=datetime(2020, 1, 1, tzinfo=UTC))
    found = decision(packs, consent(endings=(ENDED,)), speaker=speaker)
    assert texts(found) == ["stop_processing", "delete_template"]
