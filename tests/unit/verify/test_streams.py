"""However few rows are in memory at once, and in whatever order they come, the findings are the same."""

from collections.abc import Collection, Iterable, Sequence

import pytest

from consentgate.verify import pairing, tree
from consentgate.verify.known import EntryId
from consentgate.verify.rows import EntryRow, EntryValues, SeqValues
from tests.unit.verify.tampering import MUTATIONS, Mutation, entry
from tests.unit.verify.world import ANNA, LANE, OTHER_LANE, World, answer, change, found, ledger, sound


class Slow(World):
    """A world whose rows come one by one, or two by two."""

    entries_at_once, positions_at_once = 1, 2

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        (whole,) = super().entries()
        return _cut(whole, self.entries_at_once)

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        (whole,) = super().sequence()
        return _cut(whole, self.positions_at_once)


def _cut(rows: Sequence[EntryValues], size: int) -> list[Sequence[EntryValues]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def slow(world: World, entries: int = 1, positions: int = 2) -> Slow:
    made = Slow()
    made.__dict__.update(world.__dict__)
    made.entries_at_once, made.positions_at_once = entries, positions
    return made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for."""
    monkeypatch.setattr(tree, "_AHEAD", 1)
    monkeypatch.setattr(tree, "_AT_ONCE", 2)
    monkeypatch.setattr(pairing, "_AT_ONCE", 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("at_once", [(1, 2), (3, 1), (2, 2)])
@pytest.mark.parametrize(("mutate", "expected"), MUTATIONS)
def test_few_rows_at_once_give_the_same_findings(
    mutate: Mutation, expected: list[tuple[str, str]], at_once: tuple[int, int]
) -> None:
    world = sound()
    mutate(world)
    note = world.checkpoint_rows[-1].note
    assert sorted(found(slow(world, *at_once).verify(signer_note=note))) == sorted(expected)


@pytest.mark.usefixtures("impatient")
def test_sound_world_holds_however_few_rows_come_at_once() -> None:
    assert found(slow(sound()).verify()) == []


def mixed() -> World:
    """Entries of two lanes, each with rows in another order than the log's."""
    world = ledger()
    for number in range(8):
        world.append("heartbeat", lane=OTHER_LANE if number % 2 else LANE)
    world.sequence_all().sign()
    world.of_commits = False
    first, second = world.entry_rows[8::2], world.entry_rows[9::2]
    world.entry_rows[8:] = [*second, *first]
    for number in range(8, 16):
        change(world.entry_rows, number, ordinal=number + 1)
    return world


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("at_once", [(1, 1), (2, 3), (8, 8)])
def test_entries_that_come_before_or_after_their_turn_are_looked_up(at_once: tuple[int, int]) -> None:
    assert found(slow(mixed(), *at_once).verify()) == []


@pytest.mark.usefixtures("impatient")
def test_second_position_is_told_from_one_that_comes_early() -> None:
    world = mixed()
    again = world.seq_rows[9]
    world.seq_rows.append(again._replace(position=len(world.seq_rows)))
    kinds = found(slow(world).verify())
    assert ("extra", f"{entry(9)} at position 16") in kinds
    assert ("extra", f"{entry(9)} at position 16") in found(world.verify())


def test_entry_that_is_looked_up_is_read_again_and_not_believed() -> None:
    class Lying(Slow):
        def find(self, keys: Collection[EntryId]) -> Iterable[EntryRow]:
            for row in super().find(keys):
                yield EntryRow(**{name: getattr(row, name) for name in EntryRow.__slots__} | {"leaf": b"{}"})

    world = ledger()
    intent = next(each for each in world.entry_rows if each.kind == "intent")
    part = {"exchange.0": (ANNA, {"v": 1})}
    world.append("observation", part, lane=OTHER_LANE, link=True, re=answer(intent), end="unknown")
    made = Lying()
    made.__dict__.update(world.sequence_all().sign().__dict__)
    assert found(made.verify()) == [("altered", f"{entry(8)}, re")]


def test_rows_of_a_lane_out_of_their_order_are_found_and_fill_its_gaps() -> None:
    world = ledger()
    rows = world.entry_rows
    world.sequence_all().sign()
    world.of_commits = False
    rows[0:6] = [rows[each] for each in (5, 3, 0, 1, 4, 2)]
    for number in range(6):
        change(rows, number, ordinal=number + 1)
    lanes = [each for each in found(world.verify(keys=None)) if each[1] == f"lane {LANE.hex()}"]
    assert lanes == [("reordered", f"lane {LANE.hex()}")] * 3


def test_gap_and_broken_chain_in_rows_out_of_order_are_found() -> None:
    world = ledger()
    rows = world.entry_rows
    world.sequence_all().sign()
    rows[0:6] = [rows[each] for each in (4, 2, 0, 1)]
    for number in range(4):
        change(rows, number, ordinal=number + 1)
    missed = [each.expected for each in world.verify().findings if each.where == f"lane {LANE.hex()}"]
    assert missed[-2:] == ["number 3", "number 5"]
