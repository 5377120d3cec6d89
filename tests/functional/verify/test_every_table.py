"""Every table times every operation: what each comes to is listed here or in `test_matrix`, and none is left out."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
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
from tests.functional.verify.edits import EDITED
from tests.functional.verify.place import Place, heartbeats
from tests.functional.verify.test_matrix import MATRIX, MIDDLE, ROOT, UNFOUND, WITHDRAWAL

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

SAME: Final[frozenset[str]] = frozenset()
"""Nothing to find: see what cannot be found."""

REORDERED: Final[dict[str, set[str] | frozenset[str]]] = {
    "entry": {"reordered", "unsigned"},
    "seq": {"altered", "reordered", "uncovered"},
    "tile": {"altered"},
    "tree_state": {"altered"},
    "checkpoint": {"altered", "uncovered"},
    "anchor": {"altered"},
}
TRUNCATED: Final[dict[str, set[str] | frozenset[str]]] = {
    "deployment": {"altered", "extra", "truncated", "uncovered", "unsequenced", "unsigned"},
    "entry": {"missing"},
    "statement": {"missing"},
    "artifact": {"missing"},
    "notice": {"missing"},
    "seq": {"missing", "truncated", "uncovered", "unsequenced"},
    "tile": {"missing"},
    "tree_state": {"missing"},
    "checkpoint": {"uncovered"},
    # Only the newest checkpoint may lack its row: it is put first, and written down then.
    "anchor": {"uncovered"},
    "data_key": {"link_missing"},
    "subject_ref": {"missing"},
    "entry_subject": {"link_missing"},
}
ROLLED_BACK: Final[dict[str, set[str] | frozenset[str]]] = {
    "deployment": {"altered", "extra", "truncated", "uncovered", "unsequenced", "unsigned"},
    "entry": {"extra", "missing"},
    "statement": {"missing"},
    "artifact": {"missing"},
    "notice": {"missing"},
    "seq": {"extra", "truncated", "uncovered", "unsequenced"},
    "tile": {"missing"},
    "tree_state": {"missing"},
    "checkpoint": {"uncovered"},
    "anchor": {"missing", "uncovered"},
    "data_key": {"link_missing"},
    "subject_ref": {"link_missing", "missing"},
    "entry_subject": {"link_missing"},
}
WENT_ON: Final = ROLLED_BACK | {
    "deployment": {"altered", "extra", "uncovered", "unsigned"},
    "seq": {"extra", "truncated", "uncovered", "unsequenced"},
    "tile": {"missing", "uncovered"},
    "tree_state": {"missing", "uncovered", "unsequenced"},
    # The next checkpoint covers the entries of the one that is gone: see what cannot be found.
    "checkpoint": SAME,
}
REBUILT: Final[dict[str, set[str] | frozenset[str]]] = {
    "entry": {"altered", "extra", "missing", "uncovered"},
    "statement": {"missing"},
    "seq": {"altered", "missing", "reordered", "truncated", "uncovered", "unsequenced"},
    "tile": {"altered"},
    "tree_state": {"altered", "missing"},
    "checkpoint": {"uncovered", "unsigned"},
    "anchor": {"missing", "uncovered"},
    "entry_subject": {"link_missing"},
}
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


def found(place: Place) -> set[str]:
    verification = place.verify().verification
    kinds = {each.kind for each in verification.findings}
    assert verification.exit_code == (0 if not kinds else 4 if kinds == {"uncovered"} else 1)
    return kinds


@pytest.mark.parametrize("table", KEYS)
def test_story_has_rows_enough_and_holds(story: Story, table: str) -> None:
    """Else what is done to them would be done to nothing."""
    place = story(table)
    assert len(rows_of(place.url, table)) >= 3
    assert len(rows_of(place.url, table)) > len(rows_of(place.old_url, table)) >= 2
    assert found(place) == SAME


@pytest.mark.parametrize("table", REORDERED)
def test_rows_in_another_order(story: Story, table: str) -> None:
    place = story(table)
    with changing(place):
        reorder(place, table)
    assert found(place) == REORDERED[table]


@pytest.mark.parametrize("table", [table for table, operation in NOT_DONE if operation == "reorder"])
def test_rows_without_an_order_may_lie_anywhere(story: Story, table: str) -> None:
    place = story(table)
    before = rows_of(place.url, table)
    fill(place, table, [*reversed(before)])
    assert rows_of(place.url, table) == before
    assert found(place) == SAME


@pytest.mark.parametrize("table", TRUNCATED)
def test_table_without_its_last_row(story: Story, table: str) -> None:
    place = story(table)
    with changing(place):
        truncate(place, table)
    assert found(place) == TRUNCATED[table]


@pytest.mark.parametrize("table", ROLLED_BACK)
def test_table_put_back_to_an_older_copy(story: Story, table: str) -> None:
    place = story(table)
    with changing(place):
        roll_back(place, table)
    assert found(place) == ROLLED_BACK[table]


@pytest.mark.parametrize("table", WENT_ON)
def test_table_put_back_and_the_gate_going_on(story: Story, table: str) -> None:
    """Truncated and continued: what is written afterwards does not hide it."""
    place = story(table)
    with changing(place):
        roll_back(place, table)
    go_on(place)
    assert found(place) == WENT_ON[table]


@pytest.mark.parametrize("table", REBUILT)
def test_table_of_a_log_that_was_rebuilt(story: Story, table: str, tmp_path: Path) -> None:
    """The whole of such a log is among the stories below."""
    place = story(table)
    with place.copied(tmp_path / "rebuilt") as other:
        rebuild(
            other,
            without=bytes(other.one(f"SELECT id FROM entry WHERE id = {EARLY}")),
            signer=other_signer(other),
        )
        rows = rows_of(other.url, table) if table != "anchor" else [anchor_row(other)]
    with changing(place):
        fill(place, table, rows)
    assert found(place) == REBUILT[table]


@pytest.mark.parametrize("name", EDITED)
def test_hash_that_fits_its_bytes_is_found_by_what_else_names_it(story: Story, name: str) -> None:
    edit, expected = EDITED[name]
    place = story(name.partition(",")[0])
    with changing(place):
        edit(place)
    assert found(place) == expected


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
    unfound = {table for each in tables for table, kinds in each.items() if not kinds}
    assert unfound == {"checkpoint"}
    assert "A checkpoint or tree state before the last is deleted." in UNFOUND
    assert all(kinds for _, kinds in (*MATRIX.values(), *EDITED.values()))


def _tree(place: Place) -> None:
    """A hash in its tile and in the frontier that comes of it."""
    rebuild(place)
    place.sql("UPDATE seq SET hash = (SELECT hash FROM seq WHERE position = 7) WHERE position = 8")


def _resigned(place: Place) -> None:
    """Old entries under a newer key: the same log, signed again by somebody else."""
    rebuild(place, signer=other_signer(place))


def _rebuilt(place: Place) -> None:
    rebuild(place, without=_withdrawal(place), signer=other_signer(place))


def _rebuilt_and_remembered(place: Place) -> None:
    _rebuilt(place)
    remember(place)


def _rebuilt_unsigned(place: Place) -> None:
    rebuild(place, without=_withdrawal(place))


def _withdrawal(place: Place) -> bytes:
    return bytes(place.one(f"SELECT id FROM entry WHERE id = {WITHDRAWAL}"))


def _bytes_appended(place: Place) -> None:
    place.sql(f"UPDATE entry SET leaf = CAST(leaf || x'20' AS BLOB) WHERE ordinal = {MIDDLE}")


def _part_appended(place: Place) -> None:
    place.sql(f"UPDATE entry SET parts = parts || '\n' || parts WHERE id = {WITHDRAWAL}")


def _text_appended(place: Place) -> None:
    place.sql("UPDATE checkpoint SET note = note || 'more' WHERE size = 313")


def _without_checkpoints(place: Place) -> None:
    place.sql("DELETE FROM checkpoint")


STORIES: Final[dict[str, tuple[Callable[[Place], None], set[str]]]] = {
    "a position's hash under a tree that was rebuilt": (_tree, {"altered", "uncovered"}),
    "the same log signed by another key": (_resigned, {"unsigned", "uncovered"}),
    "a log rebuilt without a withdrawal, signed by another key": (
        _rebuilt,
        {"unsigned", "uncovered", "truncated"},
    ),
    "the same, with the signer's state made to fit": (
        _rebuilt_and_remembered,
        {"unsigned", "uncovered"},
    ),
    "a log rebuilt without a withdrawal, and not signed": (
        _rebuilt_unsigned,
        {"uncovered", "truncated"},
    ),
    "a byte after a leaf": (_bytes_appended, {"malformed", "altered", "uncovered"}),
    "a part after the last": (_part_appended, {"altered"}),
    "text after a checkpoint": (_text_appended, {"unsigned", "uncovered"}),
    "no checkpoint at all": (_without_checkpoints, {"uncovered"}),
}


@pytest.mark.parametrize("story", STORIES)
def test_story_is_found_as_what_it_is(place: Place, story: str) -> None:
    tell, expected = STORIES[story]
    tell(place)
    assert found(place) == expected


def test_two_rows_deleted_one_after_the_other_are_both_named(place: Place) -> None:
    """Others reported one of two missing files, and called the rest valid."""
    both = [
        bytes(each).hex()
        for each in place.all("SELECT entry FROM seq WHERE position IN (100, 101) ORDER BY position")
    ]
    place.sql(*(f"DELETE FROM entry WHERE id = x'{each}'" for each in both))
    places = [each.where for each in place.verify().verification.findings if " at position " in each.where]
    assert [each.rpartition(" ")[2] for each in places] == ["100", "101"]


def test_entry_deleted_before_it_was_sequenced_is_missed_by_the_next_of_its_lane(place: Place) -> None:
    with ConsentGate(load_settings(place.home), background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 2))
    first = place.one(
        "SELECT ordinal FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal DESC LIMIT 1 OFFSET 1"
    )
    assert (place.kinds(), place.exit()) == ({"unsequenced", "uncovered"}, 4)
    place.sql(f"DELETE FROM entry WHERE ordinal = {first}")
    assert (place.kinds(), place.exit()) == ({"missing", "unsequenced", "uncovered"}, 1)


def test_two_signed_views_contradict_each_other(place: Place) -> None:
    """One key signed two histories: the memory that belongs to the one is held against the other."""
    state = (place.home / "log.state").read_text()
    place.roll_back()
    place.roll_state_back()
    go_on(place)
    assert place.found() == []
    (place.home / "log.state").write_text(state)
    # The other view has fewer entries than were signed in this one.
    assert ("truncated", "signer state") in place.found()


def test_key_is_never_taken_from_the_database(place: Place) -> None:
    """Another key in the home, under which all was signed anew, fits; the one that was handed out does not."""
    vkey = (place.home / "log.vkey").read_text().strip()
    signer = other_signer(place)
    rebuild(place, signer=signer)
    remember(place)
    (place.home / "log.vkey").write_text(f"{signer.key.vkey}\n")
    assert place.found() == []
    kinds = {each.kind for each in place.verify(vkey=vkey).verification.findings}
    assert kinds == {"unsigned", "uncovered"}


def test_rows_fill_as_they_were(place: Place) -> None:
    """Guards the tools of this page: what only reads and writes changes nothing."""
    for table in KEYS:
        fill(place, table, rows_of(place.url, table))
    assert place.found() == []
