import tracemalloc
from collections.abc import Sequence

import pytest

from consentgate.verify.known import EntryId, Known
from consentgate.verify.turns import People, Writers, check_people
from tests.unit.verify.tampering import swap_rows
from tests.unit.verify.world import LANE, TENANT, ident, sound

ANN, BEN = b"A" * 16, b"B" * 16


def known(number: int, kind: str, ordinal: int, lane: int | None = None) -> Known:
    """An entry, in a lane of its own unless told otherwise."""
    return Known(
        tenant=TENANT,
        id=ident(number).bytes,
        ordinal=ordinal,
        readable=True,
        hash=bytes(32),
        kind=kind,
        at=0,
        w=bytes([number if lane is None else lane] * 16),
        n=number,
    )


def people(order: Sequence[Known]) -> People:
    """What is kept of entries along the log."""
    kept = People()
    assert [*Writers(kept).take(order)] == []
    return kept


def links(*about: Sequence[bytes]) -> dict[EntryId, list[bytes]]:
    return {(TENANT, ident(n).bytes): list(subjects) for n, subjects in enumerate(about)}


def test_rows_of_different_people_may_overtake_each_other() -> None:
    order = [known(0, "statement", 2), known(1, "statement", 1), known(2, "statement", 3)]
    assert not [*check_people(people(order), links([ANN], [BEN], [ANN, BEN]))]


def test_requests_of_one_person_may_overtake_each_other() -> None:
    order = [known(0, "intent", 2), known(1, "outcome", 1)]
    assert not [*check_people(people(order), links([ANN], [ANN]))]


@pytest.mark.parametrize("kind", ["statement", "assertion", "call"])
def test_what_is_said_about_one_person_keeps_its_order(kind: str) -> None:
    order = [known(0, "statement", 2), known(1, kind, 1)]
    found = [*check_people(people(order), links([ANN, BEN], [ANN, BEN]))]
    assert [(each.kind, each.where) for each in found] == [("reordered", f"entry {ident(1)}")]


@pytest.mark.parametrize("kind", ["packs", "registry"])
def test_what_is_in_force_keeps_its_order(kind: str) -> None:
    order = [known(0, kind, 3), known(1, "statement", 2), known(2, kind, 1)]
    assert [each.where for each in Writers().take(order)] == [f"entry {ident(2)}"]
    other = [known(0, "packs", 2), known(1, "registry", 1)]
    assert not [*Writers().take(other)]


def test_what_one_writer_wrote_keeps_its_order() -> None:
    order = [known(0, "heartbeat", 2, lane=1), known(1, "heartbeat", 1, lane=1), known(2, "heartbeat", 0)]
    assert [each.where for each in Writers().take(order)] == [f"entry {ident(1)}"]
    both = [known(0, "registry", 2, lane=1), known(1, "registry", 1, lane=1)]
    assert len([*Writers().take(both)]) == 1


def test_second_link_to_one_person_is_no_second_turn() -> None:
    assert not [*check_people(people([known(0, "statement", 1)]), links([ANN, ANN]))]


def test_little_is_kept_of_each_entry_about_a_person() -> None:
    some, kept = [known(each % 250, "call", each) for each in range(5_000)], People()
    tracemalloc.start()
    for each in some:
        kept.take(each)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(some) < 40
    assert [(turn.key, turn.ordinal) for turn in kept] == [(each.key, each.ordinal) for each in some]


def test_numbers_that_commits_overtook_are_no_finding_where_they_may() -> None:
    world = sound()
    swap_rows(world)
    assert "reordered" in {each.kind for each in world.verify().findings}
    world.of_commits = False
    # What is left: the order within one lane, in rows and in the log, and that of what concerns one person.
    found = [each.where for each in world.verify().findings if each.kind == "reordered"]
    assert found == [f"lane {LANE.hex()}", f"entry {ident(2)}", f"entry {ident(2)}"]
