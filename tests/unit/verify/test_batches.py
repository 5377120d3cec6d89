"""What is judged many at a time is judged as if one by one."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.batches import Batches
from consentgate.verify.known import Known
from consentgate.verify.rows import ENTRY_COLUMNS, EntryValues, entry_row
from consentgate.verify.stored import _entry
from tests.unit.verify.world import World, sound

_LEAF, _HASH = ENTRY_COLUMNS.index("leaf"), ENTRY_COLUMNS.index("hash")


def rows_of(world: World) -> list[EntryValues]:
    return [tuple(getattr(row, name) for name in ENTRY_COLUMNS) for row in world.entry_rows]


ROWS = rows_of(sound())


def careful(values: EntryValues) -> Known | None:
    """The facts of a row in which the careful way finds nothing."""
    found, known = _entry(entry_row(values))
    return None if found else known


def with_value(values: EntryValues, column: str, value: object) -> EntryValues:
    number = ENTRY_COLUMNS.index(column)
    return (*values[:number], value, *values[number + 1 :])


def with_leaf(values: EntryValues, leaf: bytes) -> EntryValues:
    """A forger's row: the stored hash fits the leaf again."""
    return with_value(with_value(values, "leaf", leaf), "hash", leaf_hash(leaf))


def judged(*rows: EntryValues) -> list[Known | None]:
    batches = Batches()
    batches.sound(ROWS)
    return batches.sound(rows)


def test_sound_rows_are_known_at_once_but_for_those_that_begin_after_another_lane() -> None:
    found = Batches().sound(ROWS)
    assert [each is None for each in found] == [b'"after"' in row[_LEAF] for row in ROWS]
    assert [each for each in found if each] == [careful(row) for row in ROWS if b'"after"' not in row[_LEAF]]


@given(row=st.sampled_from(ROWS), at=st.integers(0, 700), to=st.binary(min_size=1, max_size=1))
def test_leaf_with_any_byte_changed_is_never_taken_for_sound(row: EntryValues, at: int, to: bytes) -> None:
    leaf = row[_LEAF]
    at %= len(leaf)
    changed = with_leaf(row, leaf[:at] + to + leaf[at + 1 :])
    (known,) = judged(changed)
    assert known is None or known == careful(changed)


@given(row=st.sampled_from(ROWS), parts=st.lists(st.sampled_from([b"-", b"_", b"A", b"9", b"Z"]), max_size=3))
def test_leaf_with_other_characters_at_the_end_of_its_values_is_never_taken_for_sound(
    row: EntryValues, parts: list[bytes]
) -> None:
    leaf = row[_LEAF]
    for each in parts:
        at = leaf.rindex(b'"', 0, len(leaf) - len(parts))
        leaf = leaf[: at - 1] + each + leaf[at:]
    changed = with_leaf(row, leaf)
    (known,) = judged(changed)
    assert known is None or known == careful(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"12:00:0", b"12:60:0"),
        (b"2026-11-22", b"2026-02-30"),
        (b"2026-11-22", b"0000-11-22"),
        (b'.000Z"', b'.00 Z"'),
        (b'"v":1', b'"v":2'),
        (b"-7000-8000-", b"-4000-8000-"),
        (b"-7000-8000-", b"-7000-c000-"),
        (b"019aab00", b"019AAB00"),
        (b'"kind":"call"', b'"kind":"hold"'),
    ],
)
def test_values_that_no_leaf_has_are_left_to_the_careful_way(old: bytes, new: bytes) -> None:
    changed = [with_leaf(row, row[_LEAF].replace(old, new)) for row in ROWS if old in row[_LEAF]]
    assert changed
    assert judged(*changed) == [None] * len(changed)


COLUMNS: list[tuple[str, Any]] = [
    ("id", bytes(16)),
    ("id", b"short"),
    ("kind", "hold"),
    ("at", 7),
    ("about", 2),
    ("w", bytes(16)),
    ("w", b""),
    ("n", 10**16),
    ("n", 77),
    ("re", bytes(16)),
    ("re", b"x"),
    ("end", "rejected"),
    ("hash", sha256(b"").digest()),
    ("parts", "x"),
    ("parts", ""),
    ("parts", "\n".join("abc")),
]


@pytest.mark.parametrize(("column", "value"), COLUMNS)
def test_column_that_says_another_thing_is_left_to_the_careful_way(column: str, value: object) -> None:
    for row in ROWS:
        changed = with_value(row, column, value)
        if changed != row:
            assert judged(changed) == [None]


def test_one_row_that_is_not_sound_takes_none_of_another_layout_with_it() -> None:
    rows = list(ROWS)
    rows[2] = with_value(rows[2], "at", 7)
    found = judged(*rows)
    assert found[2] is None
    assert found[3] == careful(rows[3])


def test_token_cannot_move_from_one_row_to_the_next() -> None:
    two = next(row for row in ROWS if row[ENTRY_COLUMNS.index("parts")].count("\n") == 1)
    first, second = two[ENTRY_COLUMNS.index("parts")].split("\n")
    moved = [with_value(two, "parts", first), with_value(two, "parts", f"{second}\n{first}\n{second}")]
    assert judged(*moved) == [None, None]


def test_whoever_makes_up_layouts_is_left_to_the_careful_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consentgate.verify.batches._MOST_LAYOUTS", 0)
    assert Batches().sound(ROWS) == [None] * len(ROWS)
