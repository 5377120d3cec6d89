"""What somebody with the file and a purpose would do, and what merely happens to a file."""

import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from consentgate import NOBODY, ConsentGate
from consentgate.canonical import b64
from consentgate.config.sources import evidence_of
from consentgate.errors import InvalidInput, Misconfigured, Unavailable
from consentgate.log.append import Lanes
from consentgate.log.state import FileState, SignerState
from consentgate.moment import system_clock, system_random
from consentgate.storage import readonly
from consentgate.storage.database import Database
from consentgate.storage.patience import Patience
from consentgate.storage.readonly import read_only
from consentgate.verify.levels import verify
from tests.databases import raw
from tests.functional.log.place import draft, log_at, sequence_once
from tests.functional.storage.place import engine_at
from tests.functional.verify.place import ANNA, Place, person


def truncate(place: Place, size: int = 305) -> None:
    """Cut everything after a size off every table that has it, as if it had never been."""
    ids = f"(SELECT entry FROM seq WHERE position >= {size})"
    place.sql(
        f"DELETE FROM entry WHERE id IN {ids}",
        f"DELETE FROM statement WHERE entry IN {ids}",
        f"DELETE FROM entry_subject WHERE entry IN {ids}",
        f"DELETE FROM seq WHERE position >= {size}",
        f"DELETE FROM tree_state WHERE size > {size}",
        f"DELETE FROM checkpoint WHERE size > {size}",
    )
    named = "SELECT subject FROM entry_subject"
    place.sql(f"DELETE FROM subject_ref WHERE subject NOT IN ({named} UNION SELECT subject FROM data_key)")


def reset(place: Place) -> None:
    """Make the signer's state what `init` wrote."""
    path = place.home / "log.state"
    state = json.loads(path.read_text())
    empty = hashlib.sha256(b"").digest()
    state |= {"size": 0, "root": b64(empty), "note": ""}
    path.write_text(json.dumps(state, separators=(",", ":"), sort_keys=True) + "\n")


def first_person(place: Place) -> str:
    """Whom the first statement is about, in hexadecimal digits."""
    subject: bytes = place.one(
        "SELECT subject FROM entry_subject WHERE entry ="
        " (SELECT id FROM entry WHERE kind = 'statement' ORDER BY ordinal LIMIT 1)"
    )
    return subject.hex()


def test_untouched_home_holds_at_every_level(place: Place) -> None:
    assert place.found() == []
    assert place.exit() == 0


def test_missing_state_cannot_be_judged_and_is_said(place: Place) -> None:
    (place.home / "log.state").unlink()
    verified = place.verify()
    assert place.verdicts() == {"signer": "cannot_judge"}
    assert verified.verification.exit_code == 3
    assert "log.state is missing" in verified.note


def test_unreadable_state_cannot_be_judged_and_is_said(place: Place) -> None:
    (place.home / "log.state").chmod(0o644)
    assert place.verdicts() == {"signer": "cannot_judge"}
    assert "chmod 600" in place.verify().note


def test_state_as_init_wrote_it_is_found_once_something_was_signed(place: Place) -> None:
    reset(place)
    assert place.found() == [("truncated", "signer state")]


def test_state_that_was_rolled_back_is_found(place: Place) -> None:
    place.roll_state_back()
    assert place.found() == [("truncated", "signer state")]


def test_state_that_is_not_what_its_note_says_is_found(place: Place) -> None:
    path = place.home / "log.state"
    path.write_text(path.read_text().replace('"size":313', '"size":312'))
    assert place.found() == [("altered", "signer state")]


def test_missing_vkey_leaves_signature_and_signer_unjudged(place: Place) -> None:
    (place.home / "log.vkey").unlink()
    assert place.verdicts() == {"signature": "cannot_judge", "signer": "cannot_judge"}
    assert place.verify().vkey_from is None


def test_what_is_no_vkey_is_refused_as_handed_in(place: Place) -> None:
    with pytest.raises(InvalidInput, match="vkey"):
        place.verify(vkey="nonsense")


def test_tail_cut_off_everywhere_is_found_by_the_signer_s_memory(place: Place) -> None:
    truncate(place)
    assert ("truncated", "signer state") in place.found()
    reset(place)
    assert ("truncated", "signer state") in place.found()
    (place.home / "log.state").unlink()
    assert place.verdicts()["signer"] == "cannot_judge"


def test_old_copy_is_found_by_the_signer_s_memory(place: Place) -> None:
    place.roll_back()
    assert place.found() == [("truncated", "signer state")]
    reset(place)
    assert place.found() == [("truncated", "signer state")]
    (place.home / "log.state").unlink()
    assert (place.found(), place.exit()) == ([], 3)


def test_signer_that_signs_between_the_readings_is_no_finding(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, before = FileState.read, list[SignerState | None]()

    def live(store: FileState) -> SignerState | None:
        state = read(store)
        if not before:
            before.append(state)
            place.work(lambda gate: gate.assert_("has_dpo", True, by="me", since=system_clock()))
        return state

    monkeypatch.setattr(FileState, "read", live)
    assert place.found() == []
    assert before[0] is not None
    assert before[0].size == 313


def test_swapped_order_of_two_lanes_is_found(place: Place) -> None:
    """The withdrawal before the grant: within each lane the rows stay in order."""
    with place.raw() as raw:
        lanes = [w for (w,) in raw.execute("SELECT w FROM entry GROUP BY w ORDER BY min(ordinal)").fetchall()]
        assert len(lanes) == 2
        found = raw.execute("SELECT ordinal FROM entry ORDER BY w = ?, ordinal", (lanes[0],)).fetchall()
        raw.execute("UPDATE entry SET ordinal = ordinal + 100000")
        for new, (old,) in enumerate(found, start=1):
            raw.execute("UPDATE entry SET ordinal = ? WHERE ordinal = ?", (new, old + 100000))
    # The issuer's key then comes after what it signed.
    assert place.kinds() == {"reordered", "unsigned"}
    # On PostgreSQL lanes may overtake each other: what is said about a person may not, and that takes the keys.
    assert place.verdicts() == {"links": "broken"} | ({"tree": "broken"} if place.server is None else {})


@pytest.mark.sqlite_file  # PostgreSQL's catalogue gives no index back that was taken away while rows changed
def test_index_that_differs_from_its_table_is_found(place: Place) -> None:
    name = "ix_entry_subject_subject"
    with place.raw() as raw:
        index = raw.execute(
            "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master WHERE name = ?", (name,)
        ).fetchone()
        row = raw.execute("SELECT * FROM entry_subject WHERE kind = 'statement' LIMIT 1").fetchone()
        raw.execute("DELETE FROM entry_subject WHERE entry = ? AND subject = ?", row[1:3])
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("DELETE FROM sqlite_master WHERE name = ?", (name,))
    with place.raw() as raw:
        # The table has its row again, the index has not.
        raw.execute("INSERT INTO entry_subject VALUES (?, ?, ?, ?)", row)
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", index)
    verified = place.verify().verification
    assert {each.where for each in verified.findings} >= {"database file"}
    assert any(name in each.found for each in verified.findings)
    assert place.verdicts()["bytes"] == "broken"


@pytest.mark.sqlite_file  # how PostgreSQL says it stands below
def test_damaged_page_is_a_finding_and_not_only_out_of_reach(place: Place) -> None:
    with place.raw() as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'seq'").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(place.database.read_bytes())
    data[(page - 1) * size : (page - 1) * size + 200] = bytes(200)
    place.database.write_bytes(data)
    verified = place.verify().verification
    assert verified.exit_code == 1
    assert {each.kind for each in verified.findings} == {"altered"}
    assert [each.verdict for each in verified.levels] == ["broken", *["cannot_judge"] * 6]


def test_missing_table_is_no_ledger(place: Place) -> None:
    place.sql("DROP TABLE tile")
    with pytest.raises(Misconfigured):
        place.verify()


def test_second_speaker_cannot_be_dropped_from_a_call(place: Place) -> None:
    entry = "(SELECT id FROM entry WHERE kind = 'call' ORDER BY ordinal DESC LIMIT 1)"
    unkeyed = "SELECT subject FROM data_key"
    place.sql(f"DELETE FROM entry_subject WHERE entry = {entry} AND subject NOT IN ({unkeyed})")
    assert place.kinds() == {"link_missing"}


def test_call_cannot_be_made_another_call(place: Place) -> None:
    calls = "FROM subject_ref WHERE subject NOT IN (SELECT subject FROM data_key) ORDER BY subject"
    one, other = f"(SELECT subject {calls} LIMIT 1)", f"(SELECT subject {calls} DESC LIMIT 1)"
    place.sql(f"UPDATE subject_ref SET subject = {one} WHERE subject = {other}")
    assert place.kinds() == {"missing", "link_missing"}


def test_person_cannot_be_made_somebody_new(place: Place) -> None:
    """The reference is pointed at a new subject, for whom nothing was ever said."""
    anna = first_person(place)
    place.sql(f"UPDATE subject_ref SET subject = randomblob(16) WHERE subject = x'{anna}'")
    assert place.kinds() == {"missing", "altered"}


def test_one_altered_key_leaves_the_others_at_work(place: Place) -> None:
    keyed = "subject IN (SELECT subject FROM data_key)"
    anna = f"(SELECT subject FROM entry_subject WHERE kind = 'outcome' AND {keyed})"
    place.sql(f"UPDATE data_key SET wrapping_key = 'x' WHERE subject = {anna}")
    assert place.kinds() == {"altered", "link_missing"}


def test_keys_that_are_all_under_another_wrapping_key_cannot_be_judged(place: Place) -> None:
    place.sql("UPDATE data_key SET wrapping_key = 'x'")
    assert place.verdicts() == {"links": "cannot_judge"}


def test_person_who_was_erased_and_came_back_is_quiet(place: Place) -> None:
    """Anna's rows are destroyed; she comes back: the withdrawal that named her phone first does not complain."""
    anna = first_person(place)
    with raw(place.url) as connection:
        for table in ("data_key", "subject_ref", "entry_subject"):
            connection.execute(f"DELETE FROM {table} WHERE subject = x'{anna}'")
    lost = place.found()
    assert {kind for kind, _ in lost} == {"link_missing"}

    def again(gate: ConsentGate) -> None:
        gate.register_call("tx-9", caller=[person(ANNA)], callee=NOBODY, purpose="authentication")

    place.work(again)
    assert place.found() == lost


@pytest.mark.sqlite_file  # modes of the file, and its journal's
def test_verifying_changes_nothing_and_takes_a_read_only_copy(place: Place) -> None:
    with place.raw() as raw:
        assert raw.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    place.database.chmod(0o444)
    before = place.database.read_bytes(), sorted(each.name for each in place.home.iterdir())
    assert place.exit() == 0
    assert (place.database.read_bytes(), sorted(each.name for each in place.home.iterdir())) == before


@pytest.mark.sqlite_file  # its write-ahead log
def test_verifying_a_file_in_write_ahead_mode_leaves_the_file_alone(place: Place) -> None:
    before = hashlib.sha256(place.database.read_bytes()).digest()
    assert place.exit() == 0
    assert hashlib.sha256(place.database.read_bytes()).digest() == before


def test_connection_for_verifying_cannot_write(place: Place) -> None:
    refusal = pytest.raises(Exception, match=r"readonly|read-only")
    with read_only(place.url) as connection, refusal:
        connection.exec_driver_sql("DELETE FROM deployment")


def test_a_database_in_memory_or_out_of_reach_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured), read_only("sqlite://"):
        pass
    (tmp_path / "x.db-wal").write_bytes(b"somebody writes")
    with pytest.raises(Unavailable), read_only(f"sqlite:///{tmp_path / 'x.db'}"):
        pass


@pytest.mark.sqlite_file  # its write-ahead log
def test_file_in_write_ahead_mode_is_read_in_a_folder_that_takes_no_log(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = readonly._opened

    def refusing(path: Path, how: str, patience: Patience) -> Connection:
        if how == "mode=ro":
            raise Unavailable
        return opened(path, how, patience)

    monkeypatch.setattr(readonly, "_opened", refusing)
    names = sorted(each.name for each in place.home.iterdir())
    assert place.exit() == 0
    assert sorted(each.name for each in place.home.iterdir()) == names


def test_backdated_entries_are_found(tmp_path: Path, on_database: None) -> None:
    def long_ago() -> datetime:
        return system_clock() - timedelta(days=400)

    with log_at(tmp_path) as log:
        log.append(3)
        sequence_once(log.database)
    with log_at(tmp_path, clock=long_ago) as log:
        log.append(2)
    with log_at(tmp_path) as log:
        sequence_once(log.database)
        with log.database.read() as connection:
            found = verify(evidence_of(connection, now=system_clock())).findings
    late = [each for each in found if each.where.endswith(", at")]
    assert [each.kind for each in late] == ["altered"]


def test_lane_that_goes_on_under_its_clone_is_sound(tmp_path: Path, on_database: None) -> None:
    with log_at(tmp_path) as log:
        log.append(2)
        other = Database(engine_at(tmp_path), clock=system_clock)
        lanes, marks = Lanes(other, system_random), list[object]()
        log.database.write(lambda connection: marks.append(log.lanes.mark(connection)))
        other.write(lambda connection: lanes.reset(connection, marks[0]))
        log.append()
        # The clone meets the original's entry at its own number, and begins a lane that names that one.
        other.write(lambda connection: lanes.append(connection, draft(system_clock())))
        log.append(3)
        other.close()
        with log.database.read() as connection:
            levels = verify(evidence_of(connection, now=system_clock())).levels
    assert {each.name: each.verdict for each in levels}["lanes"] == "holds"
