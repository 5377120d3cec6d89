"""Every table times every operation: what each comes to is listed here or in `test_matrix`, and none is left out."""

import re
from pathlib import Path
from typing import Final

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from tests.databases import Kind
from tests.functional.verify.cases_edited import EDITED
from tests.functional.verify.cases_stories import STORIES
from tests.functional.verify.cases_tables import (
    REBUILT,
    REORDERED,
    REORDERED_ON_POSTGRESQL,
    ROLLED_BACK,
    TRUNCATED,
    WENT_ON,
)
from tests.functional.verify.conftest import Story
from tests.functional.verify.damage import (
    KEYS,
    anchor_row,
    changing,
    fill,
    go_on,
    other_signer,
    rebuild,
    remember,
    reorder,
    roll_back,
    rows_of,
    truncate,
)
from tests.functional.verify.notation import Names, found, without_times
from tests.functional.verify.place import Place, heartbeats
from tests.functional.verify.test_matrix import MATRIX, ROOT, UNFOUND

OPERATIONS: Final = (
    "flip",
    "delete",
    "insert",
    "swap",
    "duplicate",
    "types",
    "reorder",
    "truncate",
    "go on",
    "roll back",
    "rebuild",
    "bytes with hash",
    "hash with bytes",
)

EARLY: Final = "(SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal LIMIT 1 OFFSET 2)"
"""The first withdrawal: most of the log comes after it."""

NO_ORDER: Final = "their rows have names and no order: none is before another"
NOT_OF_THE_LOG: Final = "they repeat nothing of the log, and stay as they are when that is rebuilt"
NO_HASH: Final = "no hash and no digest is stored in them"
HEADING: Final = "## Tampering that verification does not find"
KEYED: Final = "its hash is keyed, of what is sealed: without the key nobody makes another that fits"

# What cannot be done to a table, and why not; everything else is done.
NOT_DONE: Final = {
    **{
        (table, "reorder"): NO_ORDER
        for table in (
            "deployment",
            "statement",
            "artifact",
            "notice",
            "data_key",
            "subject_ref",
            "entry_subject",
        )
    },
    **{
        (table, "rebuild"): NOT_OF_THE_LOG
        for table in ("deployment", "artifact", "notice", "data_key", "subject_ref")
    },
    **{
        (table, f"{one} with {other}"): NO_HASH
        for table in ("deployment", "data_key", "entry_subject")
        for one, other in (("bytes", "hash"), ("hash", "bytes"))
    },
    ("subject_ref", "bytes with hash"): KEYED,
    ("subject_ref", "hash with bytes"): KEYED,
}


@pytest.mark.parametrize("table", KEYS)
def test_story_has_rows_enough_and_holds(story: Story, table: str) -> None:
    """Else what is done to them would be done to nothing."""
    place = story(table)
    assert len(rows_of(place.url, table)) >= 3
    assert len(rows_of(place.url, table)) > len(rows_of(place.old_url, table)) >= 2
    assert place.found() == []


@pytest.mark.parametrize("table", REORDERED)
def test_rows_in_another_order(story: Story, table: str, kind: Kind) -> None:
    place = story(table)
    names = Names(place)
    with changing(place):
        reorder(place, table)
    expected = REORDERED | (REORDERED_ON_POSTGRESQL if kind == "postgresql" else {})
    assert without_times(found(place, names)) == expected[table]


@pytest.mark.parametrize("table", [table for table, operation in NOT_DONE if operation == "reorder"])
def test_rows_without_an_order_may_lie_anywhere(story: Story, table: str) -> None:
    place = story(table)
    before = rows_of(place.url, table)
    fill(place, table, [*reversed(before)])
    assert rows_of(place.url, table) == before
    assert place.found() == []


@pytest.mark.parametrize("table", TRUNCATED)
def test_table_without_its_last_row(story: Story, table: str) -> None:
    place = story(table)
    names = Names(place)
    with changing(place):
        truncate(place, table)
    assert found(place, names) == TRUNCATED[table]


@pytest.mark.parametrize("table", ROLLED_BACK)
def test_table_put_back_to_an_older_copy(story: Story, table: str) -> None:
    place = story(table)
    names = Names(place)
    with changing(place):
        roll_back(place, table)
    assert found(place, names) == ROLLED_BACK[table]


@pytest.mark.parametrize("table", WENT_ON)
def test_table_put_back_and_the_gate_going_on(story: Story, table: str) -> None:
    """Truncated and continued: what is written afterwards does not hide it."""
    place = story(table)
    names = Names(place)
    with changing(place):
        roll_back(place, table)
    go_on(place)
    assert found(place, names) == WENT_ON[table]


@pytest.mark.parametrize("table", REBUILT)
def test_table_of_a_log_that_was_rebuilt(story: Story, table: str, tmp_path: Path) -> None:
    """The whole of such a log is among the stories below."""
    place = story(table)
    names = Names(place)
    with place.copied(tmp_path / "rebuilt") as other:
        rebuild(
            other,
            without=bytes(other.one(f"SELECT id FROM entry WHERE id = {EARLY}")),
            signer=other_signer(other),
        )
        rows = rows_of(other.url, table) if table != "anchor" else [anchor_row(other)]
    with changing(place):
        fill(place, table, rows)
    lines = found(place, names)
    # Positions are of later entries than when the rows of their sizes were written.
    assert (without_times(lines) if table == "seq" else lines) == REBUILT[table]


@pytest.mark.parametrize("name", EDITED)
def test_hash_that_fits_its_bytes_is_found_by_what_else_names_it(story: Story, name: str) -> None:
    edit, expected = EDITED[name]
    place = story(name.partition(",")[0])
    names = Names(place)
    with changing(place):
        edit(place)
    assert found(place, names) == expected


def test_no_table_and_no_operation_is_left_out() -> None:
    done = {(table, operation) for table, operation, *_ in (name.split(" ") for name in MATRIX)}
    done |= {(table, edit) for table, edit, *_ in (name.split(", ") for name in EDITED)}
    for operation, tables in (
        ("reorder", REORDERED),
        ("truncate", TRUNCATED),
        ("roll back", ROLLED_BACK),
        ("go on", WENT_ON),
        ("rebuild", REBUILT),
    ):
        done |= {(table, operation) for table in tables}
    every = {(table, operation) for table in KEYS for operation in OPERATIONS}
    assert every - done == NOT_DONE.keys()
    assert len(every - NOT_DONE.keys()) >= 60


@pytest.mark.parametrize("reason", sorted({*NOT_DONE.values()}))
def test_what_is_not_done_is_documented(reason: str) -> None:
    page = (ROOT / "docs/explanation/threat-model.md").read_text().partition(HEADING)[2]
    (item,) = [each for each in page.partition("\n## ")[0].split("\n- ") if reason in " ".join(each.split())]
    tables = {table for (table, _), why in NOT_DONE.items() if why == reason}
    assert {*re.findall(r"`(\w+)`", item)} == tables


def test_what_is_done_and_not_found_is_documented() -> None:
    """Nothing of this page goes unfound but what that list says."""
    tables = (REORDERED, TRUNCATED, ROLLED_BACK, WENT_ON, REBUILT)
    unfound = {table for each in tables for table, lines in each.items() if not lines}
    assert unfound == {"checkpoint"}
    assert "A checkpoint or tree state before the last is deleted." in UNFOUND
    assert all(lines for _, lines in (*MATRIX.values(), *EDITED.values()))


@pytest.mark.parametrize("story", STORIES)
def test_story_is_found_as_what_it_is(place: Place, story: str) -> None:
    tell, expected = STORIES[story]
    names = Names(place)
    tell(place)
    assert found(place, names) == expected


def test_two_rows_deleted_one_after_the_other_are_both_named(place: Place) -> None:
    """Others reported one of two missing files, and called the rest valid."""
    names = Names(place)
    both = [
        bytes(each).hex()
        for each in place.all("SELECT entry FROM seq WHERE position IN (100, 101) ORDER BY position")
    ]
    place.sql(*(f"DELETE FROM entry WHERE id = x'{each}'" for each in both))
    assert found(place, names) == [
        "missing: entry 101-102 at position 100-101",
        "missing: lane 1 (numbers 100 to 101)",
    ]


def test_entry_deleted_before_it_was_sequenced_is_missed_by_the_next_of_its_lane(place: Place) -> None:
    with ConsentGate(load_settings(place.home), background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 2))
    first = place.one(
        "SELECT ordinal FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal DESC LIMIT 1 OFFSET 1"
    )
    names = Names(place)
    assert found(place, names) == [
        "uncovered: the last 3 entries",
        f"unsequenced: 3 entries from entry {first} on",
    ]
    place.sql(f"DELETE FROM entry WHERE ordinal = {first}")
    assert found(place, names) == [
        "missing: lane 3 (number 0)",
        "uncovered: the last 2 entries",
        f"unsequenced: 2 entries from entry {first + 1} on",
    ]


def test_two_signed_views_contradict_each_other(place: Place) -> None:
    """One key signed two histories: the memory that belongs to the one is held against the other."""
    state = (place.home / "log.state").read_text()
    place.roll_back()
    place.roll_state_back()
    go_on(place)
    assert place.found() == []
    (place.home / "log.state").write_text(state)
    # The other view has fewer entries than were signed in this one.
    assert place.found() == [("truncated", "signer state")]


def test_key_is_never_taken_from_the_database(place: Place) -> None:
    """Another key in the home, under which all was signed anew, fits; the one that was handed out does not."""
    vkey = (place.home / "log.vkey").read_text().strip()
    signer = other_signer(place)
    rebuild(place, signer=signer)
    remember(place)
    (place.home / "log.vkey").write_text(f"{signer.key.vkey}\n")
    assert place.found() == []
    assert found(place, Names(place), vkey=vkey) == [
        "uncovered: all 313 entries",
        "unsigned: checkpoint of size 313",
    ]


def test_rows_fill_as_they_were(place: Place) -> None:
    """Guards the tools of this page: what only reads and writes changes nothing."""
    for table in KEYS:
        fill(place, table, rows_of(place.url, table))
    assert place.found() == []
