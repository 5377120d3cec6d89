"""Each level finds and names what is wrong, and a sound ledger holds at all of them."""

from collections.abc import Callable

import pytest

from consentgate.verify.result import Level, Verification
from consentgate.verify.rows import name_of
from tests.unit.verify.tampering import LAST, MUTATIONS, NAMES, drop, entry
from tests.unit.verify.world import LATER, NOON, SIGNER, World, change, found, ident, only, sound


def test_sound_ledger_holds_at_every_level_up_to_its_last_entry() -> None:
    result = sound().verify()
    assert result.findings == ()
    assert result.levels == tuple(Level(name=each, verdict="holds", until=LAST) for each in NAMES)
    assert result.exit_code == 0


def test_empty_ledger_holds_and_covers_nothing() -> None:
    result = World().verify()
    assert result.findings == ()
    assert {each.until for each in result.levels} == {None}
    assert result.exit_code == 0


def test_finding_beats_cannot_judge_beats_incomplete() -> None:
    def code(*verdicts: str) -> int:
        levels = tuple(Level(name="x", verdict=each) for each in verdicts)  # type: ignore[arg-type]  # plain words
        return Verification(levels=levels, findings=()).exit_code

    assert code("holds") == 0
    assert code("incomplete", "holds") == 4
    assert code("incomplete", "cannot_judge") == 3
    assert code("incomplete", "cannot_judge", "broken") == 1


Mutation = Callable[[World], None]


@pytest.mark.parametrize(("mutate", "expected"), MUTATIONS)
def test_single_change_is_found_and_named(mutate: Mutation, expected: list[tuple[str, str]]) -> None:
    world = sound()
    mutate(world)
    result = world.verify()
    assert found(result) == expected
    assert result.exit_code == 1
    assert all(each.cure for each in result.findings)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("hash", bytes(32)),
        ("kind", "statement"),
        ("at", 0),
        ("about", 0),
        ("re", bytes(16)),
        ("end", "rejected"),
        ("n", 9),
        ("w", bytes(16)),
    ],
)
def test_index_column_that_differs_from_the_leaf_is_found(column: str, value: object) -> None:
    world = sound()
    change(world.entry_rows, 4, **{column: value})
    finding = only(world.verify())
    assert (finding.kind, finding.where) == ("altered", f"{entry(4)}, column {column}")
    assert finding.expected != finding.found


def test_id_column_that_differs_from_the_leaf_is_found() -> None:
    world = sound()
    change(world.entry_rows, 7, id=ident(99).bytes)
    assert ("altered", f"{entry(99)}, column id") in found(world.verify())


TABLES = ("entry", "statement", "artifact", "notice", "seq", "state", "checkpoint", "link")


@pytest.mark.parametrize("table", TABLES)
def test_no_row_can_be_deleted_unseen(table: str) -> None:
    count = len(getattr(sound(), f"{table}_rows"))
    assert count > 0
    for index in range(count):
        world = sound()
        note = world.checkpoint_rows[-1].note
        drop(f"{table}_rows", index)(world)
        assert world.verify(signer_note=note).exit_code == (4 if table == "checkpoint" else 1), index


def test_no_byte_of_a_leaf_or_part_can_be_flipped_unseen() -> None:
    for index, row in enumerate(sound().entry_rows):
        for at in range(0, len(row.leaf), 7):
            world = sound()
            change(
                world.entry_rows, index, leaf=row.leaf[:at] + bytes([row.leaf[at] ^ 1]) + row.leaf[at + 1 :]
            )
            assert world.verify().exit_code == 1
        for at in range(0, len(row.parts), 97):
            world = sound()
            other = "A" if row.parts[at] != "A" else "B"
            change(world.entry_rows, index, parts=row.parts[:at] + other + row.parts[at + 1 :])
            assert world.verify().exit_code == 1


def test_rows_that_no_database_should_hold_are_findings_too() -> None:
    world = sound()
    change(world.entry_rows, 7, leaf=b"", at=1 << 62)
    change(world.seq_rows, 1, entry=b"", hash=b"")
    result = world.verify()
    assert ("malformed", entry(7)) in found(result)
    assert ("missing", "entry  at position 1") in found(result)
    assert result.exit_code == 1


def test_names_of_entries_are_ids_where_they_can_be() -> None:
    assert name_of(ident(1).bytes) == str(ident(1))
    assert name_of(b"\x01") == "01"
    assert SIGNER.key.name in SIGNER.key.vkey
    assert LATER > NOON
