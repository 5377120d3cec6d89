"""Every table times every operation: what each comes to is listed here or in `test_matrix`, and none is left out."""

import hashlib
from collections.abc import Callable
from typing import Final

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.moment import from_millis, to_text
from consentgate.tlog.merkle import leaf_hash
from tests.functional.verify.damage import (
    KEYS,
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
from tests.functional.verify.place import Place, heartbeats
from tests.functional.verify.test_matrix import MATRIX, MIDDLE, PACK, WITHDRAWAL

OPERATIONS: Final = (
    "flip",
    "delete",
    "insert",
    "swap",
    "duplicate",
    "reorder",
    "truncate",
    "roll back",
    "go on",
)

SAME: Final[frozenset[str]] = frozenset()
"""Nothing to find: the rows say what they said."""
NO_ORDER: Final = {each: SAME for each in KEYS if each not in ("entry", "seq")}

# Nothing was added to these tables since the older copy was made.
STILL: Final = ("deployment", "notice", "tile", "anchor")

REORDERED: Final = NO_ORDER | {
    "entry": frozenset({"reordered", "unsigned"}),
    "seq": frozenset({"altered", "reordered", "uncovered"}),
}
TRUNCATED: Final = {
    "entry": {"missing"},
    "statement": {"missing"},
    "notice": {"missing"},
    "deployment": {"missing"},
    "seq": {"missing", "truncated", "uncovered", "unsequenced"},
    "tile": {"missing"},
    "tree_state": {"missing"},
    "checkpoint": {"uncovered"},
    "anchor": SAME,
}
AT_RANDOM: Final = ("artifact", "data_key", "subject_ref", "entry_subject")
ROLLED_BACK: Final = {
    "entry": {"extra", "missing"},
    "statement": {"missing"},
    "artifact": {"missing"},
    "seq": {"truncated", "uncovered", "unsequenced"},
    "tree_state": {"missing"},
    "checkpoint": {"uncovered"},
    "data_key": {"link_missing"},
    "subject_ref": {"link_missing", "missing"},
    "entry_subject": {"link_missing"},
} | dict.fromkeys(STILL, SAME)
WENT_ON: Final = ROLLED_BACK | {
    "seq": {"missing", "truncated", "uncovered"},
    "tree_state": {"missing", "uncovered", "unsequenced"},
    # The next checkpoint covers the entries of the one that is gone: see what cannot be found.
    "checkpoint": SAME,
}
WITHOUT_ROWS: Final = {
    ("deployment", "swap"): "has one row",
    ("anchor", "flip"): "see test_anchors",
    ("anchor", "delete"): "see test_anchors",
    ("anchor", "insert"): "see test_anchors",
    ("anchor", "swap"): "see test_anchors",
    ("anchor", "duplicate"): "see test_anchors",
}


def found(place: Place) -> set[str]:
    verification = place.verify().verification
    kinds = {each.kind for each in verification.findings}
    assert verification.exit_code == (0 if not kinds else 4 if kinds == {"uncovered"} else 1)
    return kinds


@pytest.mark.parametrize("table", KEYS)
def test_rows_in_another_order(place: Place, table: str) -> None:
    reorder(place, table)
    expected = set(REORDERED[table])
    if table == "entry" and place.server is not None:
        # Whose entries may overtake whose there, only the keys tell.
        expected = {"reordered", "unsigned"}
    assert found(place) == expected


@pytest.mark.parametrize("table", KEYS)
def test_table_without_its_last_row(place: Place, table: str) -> None:
    truncate(place, table)
    kinds = found(place)
    if table in AT_RANDOM:
        # Which row is the last there is chance: the key of a person or of the tenant, a notice or a registry.
        assert kinds
        assert kinds <= {"link_missing", "missing", "unsigned"}
    else:
        assert kinds == set(TRUNCATED[table])


@pytest.mark.parametrize("table", KEYS)
def test_table_put_back_to_an_older_copy(place: Place, table: str) -> None:
    roll_back(place, table)
    assert found(place) == set(ROLLED_BACK[table])


@pytest.mark.parametrize("table", KEYS)
def test_table_put_back_and_the_gate_going_on(place: Place, table: str) -> None:
    """Truncated and continued: what is written afterwards does not hide it."""
    roll_back(place, table)
    go_on(place)
    assert found(place) == set(WENT_ON[table])


def test_no_table_and_no_operation_is_left_out() -> None:
    listed = {tuple(name.split(" ")[:2]) for name in MATRIX} | set(WITHOUT_ROWS)
    listed |= {
        (table, operation)
        for operation, each in (
            ("reorder", REORDERED),
            ("truncate", (*TRUNCATED, *AT_RANDOM)),
            ("roll back", ROLLED_BACK),
            ("go on", WENT_ON),
        )
        for table in each
    }
    assert {(table, operation) for table in KEYS for operation in OPERATIONS} <= listed
    assert len(MATRIX) + 4 * len(KEYS) >= 60


def _leaf_and_hash(place: Place) -> None:
    """The bytes of an entry, with every hash of them that is stored."""
    leaf, at = place.row(f"SELECT leaf, at FROM entry WHERE ordinal = {MIDDLE}")
    before, after = (to_text(from_millis(each)).encode() for each in (at, at + 1))
    forged = bytes(leaf).replace(before, after)
    with place.raw() as raw:
        old = raw.execute(f"SELECT hash FROM entry WHERE ordinal = {MIDDLE}").fetchone()[0]
        raw.execute(
            f"UPDATE entry SET leaf = ?, hash = ?, at = at + 1 WHERE ordinal = {MIDDLE}",
            (forged, leaf_hash(forged)),
        )
        raw.execute("UPDATE seq SET hash = ? WHERE hash = ?", (leaf_hash(forged), old))


def _content_and_digest(place: Place) -> None:
    content = bytes(place.one(f"SELECT content FROM artifact WHERE digest = {PACK}")) + b"\n"
    with place.raw() as raw:
        digest = hashlib.sha256(content).digest()
        raw.execute(f"UPDATE artifact SET content = ?, digest = ? WHERE digest = {PACK}", (content, digest))


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
    "an entry's bytes with every hash of them": (_leaf_and_hash, {"altered", "uncovered"}),
    "an artifact's bytes with their digest": (_content_and_digest, {"missing", "extra"}),
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
