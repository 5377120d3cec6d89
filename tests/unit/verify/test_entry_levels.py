"""The levels of the entries: lanes, and which entry answers which."""

from datetime import timedelta

import pytest

from consentgate.entries.leaf import Answer, LanePosition
from tests.unit.verify.tampering import entry
from tests.unit.verify.world import ANNA, LANE, NOON, OTHER_LANE, answer, found, ident, ledger, verdicts


def test_open_intent_is_incomplete_once_it_may_no_longer_be_sent() -> None:
    world = ledger()
    at = NOON + timedelta(seconds=8)
    parts = {"decision.0": (ANNA, {"v": 1})}
    world.append(
        "intent", parts, lane=OTHER_LANE, link=True, decided_at=at, send_by=at + timedelta(seconds=5)
    )
    world.sequence_all().sign()
    assert world.verify(now=at + timedelta(seconds=5)).findings == ()
    result = world.verify()
    assert found(result) == [("open", entry(8))]
    assert verdicts(result) == {"pairing": "incomplete"}
    assert result.exit_code == 4


@pytest.mark.parametrize(
    ("target", "findings"),
    [
        (Answer(id=ident(99), h=bytes(32)), [("missing", f"{entry(8)}, re")]),
        (Answer(id=ident(3), h=bytes(32)), [("altered", f"{entry(8)}, re"), ("extra", entry(8))]),
        ("denial", [("altered", f"{entry(8)}, re")]),
        ("intent", [("extra", entry(8))]),
    ],
)
def test_answer_to_no_intent_is_found(target: Answer | str, findings: list[tuple[str, str]]) -> None:
    world = ledger()
    rows = {each.kind: each for each in world.entry_rows}
    re = target if isinstance(target, Answer) else answer(rows[target])
    world.append(
        "outcome", {"exchange.0": (ANNA, {"v": 1})}, lane=OTHER_LANE, link=True, re=re, end="rejected"
    )
    result = world.sequence_all().sign().verify()
    assert found(result) == findings
    assert verdicts(result) == {"pairing": "broken"}


@pytest.mark.parametrize(
    ("tried", "kind"), [(0, None), (5, None), (6, None), (7, None), (8, "truncated"), (99, "truncated")]
)
def test_lane_that_was_left_reaches_as_far_as_its_follower_says(tried: int, kind: str | None) -> None:
    world = ledger()
    world.append("heartbeat", lane=b"N" * 16, after=LanePosition(w=LANE, n=tried))
    result = world.sequence_all().sign().verify()
    assert found(result) == ([(kind, f"lane {LANE.hex()}")] if kind else [])


def test_lane_that_never_wrote_may_be_left_at_its_first_number_only() -> None:
    for tried, findings in ((0, 0), (1, 1)):
        world = ledger()
        world.append("heartbeat", lane=b"N" * 16, after=LanePosition(w=b"O" * 16, n=tried))
        assert len(world.sequence_all().sign().verify().findings) == findings


def test_tail_cut_off_a_lane_is_found_by_the_lane_that_follows_it() -> None:
    world = ledger()
    del world.entry_rows[5:7]
    result = world.sequence_all().sign().verify()
    assert found(result) == [("truncated", f"lane {LANE.hex()}")]


def test_first_entries_of_a_lane_are_missed() -> None:
    world = ledger()
    del world.entry_rows[0:2]
    assert ("missing", f"lane {LANE.hex()}") in found(world.sequence_all().sign().verify())


def test_two_entries_in_one_place_are_found() -> None:
    world = ledger()
    world.lanes[OTHER_LANE] = (0, None)
    world.append("heartbeat", lane=OTHER_LANE)
    assert found(world.sequence_all().sign().verify()) == [("altered", f"lane {OTHER_LANE.hex()}, number 0")]


def test_observations_end_no_intent_and_are_no_second_outcome() -> None:
    world = ledger()
    intent = next(each for each in world.entry_rows if each.kind == "intent")
    part = {"exchange.0": (ANNA, {"v": 1})}
    world.append("observation", part, lane=OTHER_LANE, link=True, re=answer(intent), end="unknown")
    assert world.sequence_all().sign().verify().findings == ()
