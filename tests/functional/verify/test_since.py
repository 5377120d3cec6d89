"""Verifying from a pinned checkpoint on: what is read, what is found, and what is said not to be looked at."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.since import read_pinned, since_pinned
from consentgate.config.sources import evidence_of
from consentgate.config.upkeep import keep_log, vkey_of
from consentgate.config.verification import work_of
from consentgate.errors import InvalidInput
from consentgate.moment import system_clock
from consentgate.storage import inbulk
from consentgate.storage import since as rows
from consentgate.storage.readonly import read_only
from consentgate.tlog.checkpoint import Checkpoint, decode, sign_checkpoint
from consentgate.tlog.merkle import EMPTY_ROOT
from consentgate.tlog.note import parse_note
from consentgate.tlog.notekey import NoteSigner
from consentgate.verify.levels import verify
from tests.databases import Kind
from tests.functional.verify.damage import rebuild
from tests.functional.verify.pinning import found, grow, pin, pin_at, since, size_of, verdicts
from tests.functional.verify.place import Place, heartbeats


def at(position: int) -> str:
    return f"(SELECT entry FROM seq WHERE position = {position})"


@pytest.fixture
def pinned(place: Place) -> Path:
    """A checkpoint of the place as it is, before three hundred further entries."""
    file = pin(place)
    grow(place, 300)
    return file


def test_untouched_ledger_holds(place: Place, pinned: Path) -> None:
    done = since(place, pinned, with_keys=True)
    assert found(done) == []
    assert verdicts(done) == {}
    assert done.verification.exit_code == 0
    whole = place.verify()
    assert done.entries == whole.entries
    assert [each.until for each in done.verification.levels[:5]] == [
        each.until for each in whole.verification.levels[:5]
    ]


def test_nothing_new_holds_at_the_size_of_the_log(place: Place) -> None:
    file = pin(place)
    done = since(place, file)
    assert (found(done), verdicts(done)) == ([], {"links": "cannot_judge"})
    assert done.entries == size_of(file)


def test_empty_checkpoint_leaves_nothing_out(place: Place, tmp_path: Path) -> None:
    signer = NoteSigner.generate("consentgate.invalid/x", bytes)
    file = tmp_path / "empty"
    file.write_text(sign_checkpoint(Checkpoint(origin=signer.key.name, size=0, root=EMPTY_ROOT), signer))
    settings = load_settings(place.home)
    with read_only(settings.database) as connection:
        evidence = evidence_of(connection, now=system_clock())
        assert since_pinned(evidence, connection, read_pinned(file, signer.key.vkey)) is evidence
    assert work_of(settings, read_pinned(file, signer.key.vkey)) == work_of(settings)


def test_entry_altered_before_it_is_not_read_again(place: Place, pinned: Path) -> None:
    place.sql(f"UPDATE entry SET at = at + 1, parts = 'x' WHERE id = {at(3)}")
    assert found(since(place, pinned)) == []
    assert place.kinds() == {"altered"}


def test_entry_altered_in_the_tile_at_the_edge_is_found(place: Place, pinned: Path) -> None:
    last = size_of(pinned) - 1
    place.sql(f"UPDATE entry SET leaf = CAST('x' AS BLOB) WHERE id = {at(last)}")
    done = since(place, pinned)
    assert ("altered", f"position {last}") in [
        (kind, where[-len(f"position {last}") :]) for kind, where in found(done)
    ]
    assert verdicts(done)["tree"] == "broken"


@pytest.mark.parametrize("offset", [0, 1, 150, 299])
def test_entry_altered_after_it_is_found_as_by_reading_everything(
    place: Place, pinned: Path, offset: int
) -> None:
    place.sql(f"UPDATE entry SET at = at + 1 WHERE id = {at(size_of(pinned) + offset)}")
    done = since(place, pinned)
    assert [kind for kind, _ in found(done)] == ["altered"]
    assert found(done) == place.found()
    assert done.verification.exit_code == 1


@pytest.mark.parametrize("offset", [0, 150])
def test_entry_deleted_after_it_is_found_as_by_reading_everything(
    place: Place, pinned: Path, offset: int
) -> None:
    place.sql(f"DELETE FROM entry WHERE id = {at(size_of(pinned) + offset)}")
    done = since(place, pinned)
    assert "missing" in {kind for kind, _ in found(done)}
    assert found(done) == place.found()


def test_tile_altered_before_it_is_found_by_the_root(place: Place, pinned: Path) -> None:
    place.sql(
        "UPDATE tile SET hashes = CAST(substr(hashes, 2) || substr(hashes, 1, 1) AS BLOB) WHERE idx = 0"
    )
    done = since(place, pinned)
    assert found(done) == [("altered", f"tree of the first {size_of(pinned)} positions")]
    assert set(verdicts(done).values()) == {"broken", "cannot_judge"}
    assert done.verification.exit_code == 1


def test_tile_missing_before_it_is_found(place: Place, pinned: Path) -> None:
    place.sql("DELETE FROM tile WHERE idx = 0")
    assert found(since(place, pinned)) == [("missing", "tile 0/0")]


def test_position_missing_at_the_edge_is_found(place: Place, pinned: Path) -> None:
    last = size_of(pinned) - 1
    place.sql(f"DELETE FROM seq WHERE position = {last}")
    assert found(since(place, pinned)) == [("missing", f"position {last}")]


def test_log_cut_below_it_is_found(place: Place, pinned: Path) -> None:
    size = size_of(pinned)
    place.sql(f"DELETE FROM seq WHERE position >= {size - 10}")
    done = since(place, pinned)
    assert found(done) == [("truncated", f"checkpoint {pinned}")]
    assert done.verification.findings[0].found == f"{size - 10} entries"
    assert done.verification.findings[0].expected == f"at least {size} entries in the log"


def test_older_copy_of_database_and_state_is_found(place: Place, pinned: Path) -> None:
    place.roll_back()
    place.roll_state_back()
    assert found(since(place, pinned)) == [("truncated", f"checkpoint {pinned}")]


def test_signer_that_remembers_less_is_found(place: Place, pinned: Path) -> None:
    place.roll_state_back()
    assert found(since(place, pinned)) == [("truncated", "signer state")]


def test_rebuilt_log_is_no_continuation(place: Place, pinned: Path) -> None:
    rebuild(
        place, without=place.one("SELECT id FROM entry WHERE kind = 'heartbeat' ORDER BY ordinal LIMIT 1")
    )
    done = since(place, pinned)
    assert found(done) == [("altered", f"tree of the first {size_of(pinned)} positions")]


def test_second_row_of_a_covered_entry_is_found(place: Place, pinned: Path) -> None:
    place.loosen("entry")
    columns = 'id, tenant, kind, at, about, w, n, re, "end", leaf, hash, parts'
    place.sql(
        f"INSERT INTO entry (ordinal, {columns})"
        f" SELECT (SELECT max(ordinal) + 1 FROM entry), {columns} FROM entry WHERE id = {at(3)}"
    )
    assert [(kind, where.split()[0]) for kind, where in found(since(place, pinned))] == [("extra", "entry")]


def test_second_position_of_a_covered_entry_is_found(place: Place, pinned: Path) -> None:
    place.loosen("seq")
    size = place.one("SELECT count(*) FROM seq")
    place.sql(f"INSERT INTO seq SELECT log, {size}, tenant, entry, hash FROM seq WHERE position = 3")
    assert "extra" in {kind for kind, _ in found(since(place, pinned))}


def test_lane_that_begins_before_it_is_held_against_its_last_entry(place: Place) -> None:
    settings = load_settings(place.home)
    with ConsentGate(settings, background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 2))
        keep_log(settings)
        file = pin(place)
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 2))
    keep_log(settings)
    assert found(since(place, file)) == []
    last = size_of(file) - 1
    lane = place.one(f"SELECT w FROM entry WHERE id = {at(last)}").hex()
    number = place.one(f"SELECT n FROM entry WHERE id = {at(last)}")
    place.sql(f"DELETE FROM entry WHERE id = {at(last)}")
    done = since(place, file)
    (gap,) = (each for each in done.verification.findings if each.where == f"lane {lane}")
    assert (gap.kind, gap.expected) == ("missing", f"number {number}")


def test_wrong_key_is_refused(place: Place, pinned: Path) -> None:
    other = NoteSigner.generate("consentgate.invalid/other", lambda count: b"\7" * count)
    with pytest.raises(InvalidInput, match=r"is no checkpoint that consentgate\.invalid/other signed"):
        read_pinned(pinned, other.key.vkey)


def test_same_name_and_another_key_is_refused(place: Place, pinned: Path) -> None:
    name = decode(parse_note(pinned.read_text()).text).origin
    other = NoteSigner.generate(name, lambda count: b"\7" * count)
    with pytest.raises(InvalidInput, match="is no checkpoint that"):
        read_pinned(pinned, other.key.vkey)


def test_no_key_no_file_and_no_note_are_refused(place: Place, pinned: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="give --vkey"):
        read_pinned(pinned, None)
    vkey = vkey_of(load_settings(place.home))
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_pinned(tmp_path / "nowhere", vkey)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InvalidInput, match="is no checkpoint"):
        read_pinned(tmp_path / "text", vkey)


def test_any_signed_checkpoint_gives_what_reading_everything_gives(place: Place) -> None:
    chance = random.Random(7)
    for _ in range(4):
        grow(place, chance.randint(1, 200))
    file = place.folder / "pinned"
    notes = [row[0] for row in _all(place, "SELECT note FROM checkpoint ORDER BY size")]
    assert len(notes) > 4
    whole = place.verify(with_keys=False)
    assert whole.verification.findings == ()
    for note in notes:
        file.write_text(note)
        done = since(place, file)
        assert done.verification == whole.verification, size_of(file)


def _all(place: Place, query: str) -> list[Any]:
    with place.raw() as connection:
        return [*connection.execute(query)]


def test_cost_is_that_of_the_edge_and_of_what_came_after(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(place, 700)
    file = pin(place)
    grow(place, 5)
    read: list[int] = []
    batches, mapped = inbulk.batches, rows._rows

    def counted(*arguments: Any) -> Iterator[list[tuple[Any, ...]]]:
        for batch in batches(*arguments):
            read.append(len(batch))
            yield batch

    def counted_rows(*arguments: Any) -> Iterator[Any]:
        for row in mapped(*arguments):
            read.append(1)
            yield row

    monkeypatch.setattr(inbulk, "batches", counted)
    monkeypatch.setattr(rows, "_rows", counted_rows)
    assert found(since(place, file)) == []
    before, new = size_of(file), place.one("SELECT count(*) FROM seq") - size_of(file)
    edge = before % 256 + before // 256
    # Entries and positions that are new, lanes' last entries, a tree and a checkpoint or two of them.
    assert edge + 2 * new <= sum(read) <= edge + 2 * new + 20


def test_verification_from_a_checkpoint_says_what_it_leaves_out(place: Place, pinned: Path) -> None:
    settings = load_settings(place.home)
    with read_only(settings.database) as connection:
        whole = evidence_of(connection, now=system_clock(), vkey=vkey_of(settings))
        evidence = since_pinned(whole, connection, read_pinned(pinned, vkey_of(settings)))
        assert [*evidence.ledger.damage(), *evidence.ledger.statements()] == []
        assert evidence.log.strays() == {}
        assert {each.name: each.verdict for each in verify(evidence).levels}["links"] == "cannot_judge"


def test_tile_of_another_length_is_found(place: Place, pinned: Path) -> None:
    place.loosen("tile")
    place.sql("UPDATE tile SET hashes = CAST(substr(hashes, 1, 32) AS BLOB)")
    assert found(since(place, pinned)) == [("altered", "tile 0/0")]


def test_second_row_of_a_position_at_the_edge_is_found(place: Place, pinned: Path) -> None:
    place.loosen("seq")
    last = size_of(pinned) - 1
    place.sql(f"INSERT INTO seq SELECT * FROM seq WHERE position = {last}")
    ((kind, where),) = found(since(place, pinned))
    assert (kind, where.partition(" ")[0]) == ("extra", "positions")


def between_intent_and_outcome(place: Place) -> Path:
    """The checkpoint after the intent and before its outcome; that there is one is made so."""
    return pin_at(
        place, place.one("SELECT position FROM seq JOIN entry ON id = seq.entry WHERE kind = 'intent'") + 1
    )


def test_outcome_of_an_intent_before_it_is_held_against_that(place: Place) -> None:
    file = between_intent_and_outcome(place)
    assert found(since(place, file)) == []
    place.sql("UPDATE entry SET leaf = CAST(leaf || ' ' AS BLOB) WHERE kind = 'intent'")
    done = since(place, file)
    assert verdicts(done)["pairing"] == "broken"


def test_second_outcome_of_an_intent_before_it_is_found(place: Place) -> None:
    file = between_intent_and_outcome(place)
    place.loosen("entry")
    columns = 'tenant, kind, at, about, w, n, re, "end", leaf, hash, parts'
    twin = "CAST('0123456789abcdef' AS BLOB)"
    place.sql(
        f"INSERT INTO entry (ordinal, id, {columns}) SELECT (SELECT max(ordinal) + 1 FROM entry), {twin},"
        f" {columns} FROM entry WHERE kind = 'outcome'"
    )
    done = since(place, file)
    assert "extra" in {kind for kind, _ in found(done)}
    assert verdicts(done)["pairing"] == "broken"


def test_what_is_looked_up_never_reads_a_whole_table(place: Place, kind: Kind) -> None:
    if kind != "sqlite":
        # On a server the planner decides by how many rows there are.
        return
    plans: list[str] = []
    with read_only(place.url) as connection:

        def explained(_: Any, cursor: Any, statement: str, values: Any, *__: Any) -> None:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            plans.extend(str(row[-1]) for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))

        event.listen(connection, "before_cursor_execute", explained)
        keys = {("t", b"1" * 16), ("t", b"2" * 16)}
        lanes = {(*key, 3) for key in keys}
        for read in (
            rows.in_lanes(connection, lanes),
            rows.answering(connection, keys),
            rows.statements_of(connection, keys),
            rows.tiles(connection, 0, 70_000),
            rows.tree_states(connection, 0, 300),
            rows.checkpoints(connection, 0, 300),
            rows.some_tiles(connection, log=0, level=0, first=0, stop=1),
        ):
            assert len([*read]) < 300
        rows.repeated(connection, low=300)
        rows.positioned_again(connection, log=0, size=300)
        rows.first_row(connection, log=0, size=300, after=300)
    assert len(plans) > 15
    assert [each for each in plans if each.startswith("SCAN")] == []


def test_row_of_another_type_that_is_looked_up_is_left_out(place: Place, kind: Kind) -> None:
    file = between_intent_and_outcome(place)
    if kind == "sqlite":
        place.sql("UPDATE entry SET parts = x'00' WHERE kind = 'outcome'")
        assert "malformed" in {kind for kind, _ in found(since(place, file))}
    else:
        place.loosen("entry")
        place.sql("UPDATE entry SET parts = NULL WHERE kind = 'outcome'")
        assert "malformed" in {kind for kind, _ in found(since(place, file))}
