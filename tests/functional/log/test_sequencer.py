import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from consentgate.errors import LogRefused
from consentgate.log import sequencer as sequencer_module
from consentgate.log.sequencer import Sequencer
from consentgate.log.tree import root_at, stored_nodes
from consentgate.moment import system_random
from consentgate.storage import looking, sequence, stored
from consentgate.storage.failures import Duplicate
from consentgate.storage.tables import entry
from consentgate.tlog.merkle import EMPTY_ROOT, leaf_hash, root_of
from tests.databases import raw
from tests.functional.log.place import Log, log_at, sequence_once
from tests.functional.storage.place import entry_row, inserted

LOOKED_AT = looking.looked_at


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


def bulk(log: Log, count: int) -> None:
    """Insert rows that the sequencer does not look into."""
    ids = [system_random(16) for _ in range(count)]
    row = {"at": 0, "kind": "call", "about": 1, "n": 0, "re": b"", "end": "", "hash": bytes(32), "parts": ""}
    rows = [{**row, "tenant": f"tenant-{id_[0] % 2}", "id": id_, "w": id_, "leaf": id_} for id_ in ids]
    log.database.write(lambda c: bool(c.execute(entry.insert(), rows)))


def require_log(log: Log) -> int:
    """Check positions, tiles and the last tree against the entries; gives the size."""
    with log.database.read() as connection:
        leaves = {(row["tenant"], row["id"]): leaf_hash(row["leaf"]) for row in stored.entries(connection)}
        positions = list(stored.positions(connection))
        assert [row["position"] for row in positions] == list(range(len(positions)))
        assert len({(row["tenant"], row["entry"]) for row in positions}) == len(positions)
        for row in positions:
            assert row["hash"] == leaves[row["tenant"], row["entry"]]
        hashes = [row["hash"] for row in positions]
        tree = sequence.latest_tree(connection)
        size = tree.size if tree else 0
        assert size == len(positions)
        assert (tree.root if tree else EMPTY_ROOT) == root_of(hashes)
        assert root_at(size, stored_nodes(connection, size)) == root_of(hashes)
        tiles = {(row["level"], row["index"]): row["hashes"] for row in stored.tiles(connection)}
    assert sorted(tiles) == [(level, index) for level in range(2) for index in range(size >> 8 * (level + 1))]
    for index in range(size >> 8):
        assert tiles[0, index] == b"".join(hashes[256 * index : 256 * (index + 1)])
    return size


def test_nothing_to_sequence(log: Log) -> None:
    assert sequence_once(log.database) == 0
    assert require_log(log) == 0


def test_entries_get_dense_positions_in_the_order_of_commit(log: Log) -> None:
    appended = log.append(5)
    assert sequence_once(log.database) == 5
    with log.database.read() as connection:
        found = sequence.sequenced(connection, first=0, end=5)
        assert sequence.position_of(connection, "default", appended[3].id) == 3
        assert sequence.position_of(connection, "other", appended[3].id) is None
    assert [(row.entry, row.hash) for row in found] == [(each.id.bytes, each.hash) for each in appended]
    assert require_log(log) == 5


def test_sequencing_again_changes_nothing(log: Log) -> None:
    log.append(3)
    sequencer = Sequencer(log.database)
    assert [sequencer.once(), sequencer.once(), sequence_once(log.database)] == [3, 0, 0]
    log.append(2)
    assert [sequencer.once(), sequencer.once()] == [2, 0]
    assert require_log(log) == 5


@pytest.mark.parametrize("counts", [(255, 1, 1), (256, 256), (300, 300, 300), (1025,)])
def test_full_tiles_are_stored_once(log: Log, counts: tuple[int, ...]) -> None:
    sequencer = Sequencer(log.database, batch=400)
    for count in counts:
        bulk(log, count)
        assert sequencer.once() == count
    assert require_log(log) == sum(counts)


def test_tile_of_the_second_level_is_made_of_the_first_and_never_without_one(log: Log) -> None:
    bulk(log, 65_500)
    assert Sequencer(log.database, batch=20_000).once() == 65_500
    with raw(log.database._engine.url.render_as_string(hide_password=False)) as behind:
        tile = behind.execute("SELECT * FROM tile WHERE idx = 7").fetchone()
        behind.unguarded("DELETE FROM tile WHERE idx = 7")
        bulk(log, 100)
        with pytest.raises(LogRefused, match="level 0"):
            sequence_once(log.database)
        behind.execute("INSERT INTO tile VALUES (?, ?, ?, ?)", tile)
    assert sequence_once(log.database) == 100
    assert require_log(log) == 65_600
    with log.database.read() as connection:
        (upper,) = sequence.tiles(connection, level=1, first=0, end=1)
    assert len(upper.hashes) == 8192


def test_competing_sequencers_agree(log: Log) -> None:
    stop = threading.Event()

    def compete(_: int) -> int:
        sequencer, total = Sequencer(log.database, batch=7), 0
        while not stop.is_set():
            total += sequencer.once()
        return total + sequencer.once()

    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(compete, n) for n in range(3)]
        for _ in range(60):
            log.append(3)
        stop.set()
        counted = sum(each.result() for each in running)
    assert counted + sequence_once(log.database) == 180
    assert require_log(log) == 180


def test_late_commit_below_the_highest_ordinal_is_found(log: Log) -> None:
    now = 0.0
    sequencer = Sequencer(log.database, monotonic=lambda: now)
    # Ordinals 1 to 5 exist; 3 commits late, as a transaction on another database may.
    rows = [entry_row() for _ in range(5)]
    inserted(log.database, *rows)
    late = hidden(log, 3)
    assert sequencer.once() == 4
    now = 59.0
    assert sequencer.once() == 0
    late()
    assert sequencer.once() == 1
    assert require_log(log) == 5


def test_what_was_passed_over_comes_before_what_followed_it_in_its_lane(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer = Sequencer(log.database)
    appended = log.append(3)
    late = hidden(log, 2)
    assert sequencer.once() == 2
    among = looking.looked_among

    def meanwhile(connection: Connection, *asked: Any, **more: Any) -> Any:
        found = among(connection, *asked, **more)
        monkeypatch.setattr(looking, "looked_among", among)
        # It commits just after it was looked for, and its lane goes on at once.
        late()
        appended.extend(log.append())
        return found

    monkeypatch.setattr(looking, "looked_among", meanwhile)
    assert sequencer.once() + sequencer.once() == 2
    with log.database.read() as connection:
        positions = [sequence.position_of(connection, "default", each.id) for each in appended]
    assert positions == [0, 2, 1, 3]


def test_sweep_finds_what_was_given_up(log: Log) -> None:
    now = 0.0
    sequencer = Sequencer(log.database, monotonic=lambda: now)
    inserted(log.database, *(entry_row() for _ in range(3)))
    late = hidden(log, 2)
    assert sequencer.once() == 2
    now = 100.0
    assert sequencer.once() == 0
    late()
    assert sequencer.once() == 0
    now = 3700.0
    assert sequencer.once() == 1


def test_pass_costs_what_is_new(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    sequencer = Sequencer(log.database, batch=100)
    bulk(log, 500)
    assert sequencer.once() == 500
    looked: list[int] = []

    def counted(connection: Connection, **asked: Any) -> Any:
        found = LOOKED_AT(connection, **asked)
        looked.append(len(found))
        return found

    monkeypatch.setattr(looking, "looked_at", counted)
    assert sequencer.once() == 0
    bulk(log, 3)
    assert sequencer.once() == 3
    assert looked == [0, 3]


def test_ordinals_far_behind_are_not_waited_for(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer_module, "_SPAN", 3)
    inserted(log.database, *(entry_row() for _ in range(2)))

    def sparse(connection: Connection, **asked: Any) -> Any:
        return tuple(replace(each, ordinal=each.ordinal * 10) for each in LOOKED_AT(connection, **asked))

    monkeypatch.setattr(looking, "looked_at", sparse)
    sequencer = Sequencer(log.database)
    assert sequencer.once() == 2
    asked: list[list[int]] = []

    def among(_: Connection, ordinals: Any, **__: Any) -> tuple[()]:
        asked.append(sorted(ordinals))
        return ()

    monkeypatch.setattr(looking, "looked_among", among)
    assert sequencer.once() == 0
    assert asked == [[17, 18, 19]]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE tree_state SET root = zeroblob(32)",
        "UPDATE tree_state SET frontier = x'00'",
        "UPDATE tree_state SET size = size - 1",
        "DELETE FROM seq WHERE position = 299",
    ],
)
def test_damaged_tree_is_refused(log: Log, damage: str) -> None:
    bulk(log, 300)
    sequence_once(log.database)
    change(log, damage)
    bulk(log, 300)
    with pytest.raises(LogRefused):
        sequence_once(log.database)


def test_loser_of_the_race_inserts_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise Duplicate("pk_seq")

    log.append(2)
    with monkeypatch.context() as patch:
        patch.setattr(sequence, "insert_batch", taken)
        assert sequence_once(log.database) == 0
    assert sequence_once(log.database) == 2


def hidden(log: Log, ordinal: int) -> Callable[[], object]:
    """Take a row away, as if its transaction went on; gives what commits it."""
    url = log.database._engine.url.render_as_string(hide_password=False)
    with raw(url) as behind:
        late = behind.execute("SELECT * FROM entry WHERE ordinal = ?", (ordinal,)).fetchone()
        behind.unguarded("DELETE FROM entry WHERE ordinal = ?", (ordinal,))

    def commit() -> None:
        with raw(url) as again:
            again.execute(f"INSERT INTO entry VALUES ({', '.join('?' * len(late))})", late)

    return commit


def change(log: Log, sql: str) -> None:
    """Change an insert-only table as an owner of the database can."""
    with raw(log.database._engine.url.render_as_string(hide_password=False)) as behind:
        behind.unguarded(sql)
