import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consentgate.config.settings import DATABASE_VARIABLE
from consentgate.errors import LogRefused, Misconfigured, Unavailable
from consentgate.log.identity import initialise, new_origin, read_key
from consentgate.log.signer import Signer
from consentgate.log.state import FileState, SignerState, first_state
from consentgate.moment import system_clock, system_random
from consentgate.storage import checkpoints, deployment
from consentgate.storage.checkpoints import CheckpointRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.testing.clock import FrozenClock
from consentgate.tlog.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consentgate.tlog.notekey import NoteKey
from tests.databases import Elsewhere, Server
from tests.functional.log.place import Log, log_at, sequence_once, signer_at
from tests.functional.log.states import Files, held
from tests.functional.log.test_sequencer import bulk, change
from tests.functional.storage.place import engine_at


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with log_at(tmp_path) as found:
        yield found


@pytest.fixture
def signer(tmp_path: Path, log: Log, states: Files) -> Signer:
    return states.signer(tmp_path, log.database)


def grown(log: Log, count: int = 3) -> None:
    log.append(count)
    sequence_once(log.database)


def signed(signer: Signer) -> CheckpointRow:
    row = signer.once()
    assert row is not None
    return row


def stored_checkpoints(log: Log) -> tuple[CheckpointRow, ...]:
    with log.database.read() as connection:
        return checkpoints.checkpoints(connection)


def test_empty_log_is_not_signed(log: Log, signer: Signer) -> None:
    assert signer.once() is None
    assert stored_checkpoints(log) == ()


def test_growth_is_signed_with_the_published_key(tmp_path: Path, log: Log, signer: Signer) -> None:
    key = NoteKey.from_vkey((tmp_path / "log.vkey").read_text().removesuffix("\n"))
    grown(log)
    for size in (3, 6):
        row = signed(signer)
        opened = open_checkpoint(row.note, key)
        assert (opened.size, opened.origin) == (size, row.origin)
        grown(log)
    assert [row.size for row in stored_checkpoints(log)] == [3, 6]
    with log.database.read() as connection:
        assert (checkpoints.latest_checkpoint(connection),) == checkpoints.checkpoints(connection, after=3)
        assert deployment.fact(connection, deployment.LOG_ORIGIN) == key.name


def test_growth_over_tiles_is_consistent(log: Log, signer: Signer) -> None:
    for count in (200, 300, 256, 1):
        bulk(log, count)
        sequence_once(log.database)
        signed(signer)
    assert [row.size for row in stored_checkpoints(log)] == [200, 500, 756, 757]


def test_same_tree_gives_the_stored_note(log: Log, signer: Signer) -> None:
    grown(log)
    assert signed(signer) == signed(signer)
    assert len(stored_checkpoints(log)) == 1


def test_key_and_state_are_for_the_owner_alone(tmp_path: Path, log: Log) -> None:
    signer = signer_at(tmp_path, log.database)
    for name in ("log.key", "log.state"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "log.key").read_text().startswith("PRIVATE+KEY+consentgate.invalid/")
    assert "PRIVATE" not in repr(signer)
    (tmp_path / "log.key").chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        read_key(tmp_path / "log.key")


def test_origin_says_whether_it_is_a_test(tmp_path: Path) -> None:
    name = new_origin(system_random, test=False).removeprefix("consentgate.invalid/")
    assert len(name) == 26
    assert name == name.lower()
    with log_at(tmp_path) as log:
        database = Database(engine_at(tmp_path), clock=system_clock, test_clock=True)
        database.check()
        assert signer_at(tmp_path, log.database).key.key.name.startswith("consentgate.invalid/test/")
        database.close()


def test_crash_between_state_and_database_is_repaired(
    log: Log, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(log)

    def crash(*_: object) -> CheckpointRow:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(Signer, "_release", crash)
        with pytest.raises(Unavailable):
            signer.once()
    assert stored_checkpoints(log) == ()
    state = signer.state.read()
    assert state is not None
    assert signed(signer).note == state.note
    assert len(stored_checkpoints(log)) == 1


def test_missing_state_is_refused(tmp_path: Path, log: Log, signer: Signer, states: Files) -> None:
    grown(log)
    signed(signer)
    states.lose(tmp_path)
    grown(log)
    with pytest.raises(LogRefused, match="3 entries exist"):
        signer.once()
    assert signer.state.read() is None


@pytest.fixture
def backup(
    tmp_path: Path,
    database_url: str | None,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], Callable[[], None]]]:
    """Makes a copy of the test's database, whose connections end, and gives what restores it."""
    running: Server | None = request.getfixturevalue("postgres") if database_url else None
    copies: list[str] = []

    def make() -> Callable[[], None]:
        if running is None or database_url is None:
            with closing(sqlite3.connect(tmp_path / "ledger.db")) as file:
                file.execute(f"VACUUM INTO '{tmp_path / 'old.db'}'")
        else:
            running.hang_up(database_url)
            copies.append(running.copied(database_url))
        return restore

    def restore() -> None:
        if copies:
            monkeypatch.setenv(DATABASE_VARIABLE, copies[-1])
            return
        for leftover in ("ledger.db-wal", "ledger.db-shm"):
            (tmp_path / leftover).unlink(missing_ok=True)
        shutil.copy(tmp_path / "old.db", tmp_path / "ledger.db")

    yield make
    for url in copies:
        request.getfixturevalue("postgres").drop(url)


def test_restored_old_copy_is_refused(
    tmp_path: Path, log: Log, signer: Signer, backup: Callable[[], Callable[[], None]], states: Files
) -> None:
    grown(log)
    signed(signer)
    log.database.close()
    restore = backup()
    with log_at(tmp_path) as again:
        grown(again)
        signed(states.signer(tmp_path, again.database))
    restore()
    with log_at(tmp_path) as restored:
        with pytest.raises(LogRefused, match="3 entries, but 6 were signed"):
            states.signer(tmp_path, restored.database).once()
        # The same size again, and more: another history than the one that was signed.
        grown(restored)
        with pytest.raises(LogRefused):
            states.signer(tmp_path, restored.database).once()
        grown(restored)
        with pytest.raises(LogRefused, match="continuation"):
            states.signer(tmp_path, restored.database).once()


@pytest.mark.parametrize("size", [0, 3])
@pytest.mark.parametrize("regrown", [3, 6, 9])
def test_state_rolled_back_signs_no_second_story(log: Log, signer: Signer, size: int, regrown: int) -> None:
    states = [signer.state.read()]
    for _ in range(2):
        grown(log)
        signed(signer)
        states.append(signer.state.read())
    old, newest = states[size // 3], states[-1]
    assert old is not None
    assert newest is not None
    # Another history after the old state, and the checkpoint of the first one still there.
    for table, column in (("seq", "position"), ("tree_state", "size - 1"), ("entry", "ordinal - 1")):
        change(log, f"DELETE FROM {table} WHERE {column} >= {size}")
    grown(log, regrown)
    assert signer.state.replace(newest, old)
    with pytest.raises(LogRefused, match=f"6 entries was released, but the signer's state is of {size}"):
        signer.once()
    assert signer.state.read() == old
    assert [row.note for row in stored_checkpoints(log)] == [state.note for state in states[1:] if state]


def test_another_checkpoint_of_the_same_size_is_refused(log: Log, signer: Signer) -> None:
    grown(log)
    first = signed(signer)
    state = signer.state.read()
    assert state is not None
    other = sign_checkpoint(Checkpoint(origin=first.origin, size=3, root=bytes(32)), signer.key)
    assert signer.state.replace(state, replace(state, root=bytes(32), note=other))
    with pytest.raises(LogRefused, match="another checkpoint"):
        signer.once()


def test_checkpoint_whose_row_names_another_size_is_refused(log: Log, signer: Signer) -> None:
    grown(log)
    signed(signer)
    change(log, "UPDATE checkpoint SET size = 2")
    grown(log)
    with pytest.raises(LogRefused, match="another checkpoint"):
        signer.once()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE seq SET hash = zeroblob(32) WHERE position = 299",
        "UPDATE tile SET hashes = zeroblob(8192)",
        "DELETE FROM seq WHERE position = 298",
        "DELETE FROM tile",
        "DELETE FROM tree_state",
        "UPDATE tree_state SET root = zeroblob(32)",
    ],
)
@pytest.mark.parametrize("regrown", [False, True])
def test_tampered_tree_gets_no_signature(log: Log, signer: Signer, damage: str, regrown: bool) -> None:
    bulk(log, 300)
    sequence_once(log.database)
    signed(signer)
    if regrown:
        grown(log)
    before = signer.state.read()
    change(log, damage)
    with pytest.raises(LogRefused):
        signer.once()
    assert signer.state.read() == before


def test_checkpoint_edited_in_the_database_is_noticed(log: Log, signer: Signer) -> None:
    grown(log)
    signed(signer)
    change(log, "UPDATE checkpoint SET note = 'other'")
    with pytest.raises(LogRefused, match="another checkpoint"):
        signer.once()
    change(log, "UPDATE checkpoint SET origin = 'consentgate.invalid/other'")
    with pytest.raises(LogRefused, match="another checkpoint"):
        signer.once()


def test_checkpoint_that_another_process_released_in_this_moment_is_the_same(
    log: Log, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object, **__: object) -> bool:
        raise Duplicate("pk_checkpoint")

    grown(log)
    monkeypatch.setattr(checkpoints, "insert_checkpoint", taken)
    assert signed(signer).size == 3


def test_state_of_another_log_is_refused(tmp_path: Path, log: Log, signer: Signer, states: Files) -> None:
    grown(log)
    (tmp_path / "other").mkdir()
    other = states.at(tmp_path / "other")
    other.create(first_state("consentgate.invalid/other"))
    with pytest.raises(Misconfigured, match="another log"):
        Signer(database=log.database, key=signer.key, state=other).once()


def test_edited_state_is_refused(log: Log, signer: Signer) -> None:
    grown(log)
    signed(signer)
    state = signer.state.read()
    assert state is not None
    for note, root in ((state.note, bytes(32)), (state.note.replace("\n3\n", "\n2\n"), state.root)):
        edited = SignerState(origin=state.origin, size=3, root=root, note=note)
        assert signer.state.replace(state, edited)
        with pytest.raises(LogRefused):
            signer.once()
        assert signer.state.replace(edited, state)


def test_key_of_another_log_is_refused(tmp_path: Path, signer: Signer, elsewhere: Elsewhere) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with elsewhere(), log_at(folder) as other, pytest.raises(Misconfigured, match="key"):
        Signer(database=other.database, key=signer.key, state=signer.state).once()


def test_log_is_made_once(tmp_path: Path, log: Log, signer: Signer) -> None:
    with pytest.raises(Misconfigured, match="already"):
        initialise(
            log.database,
            key=tmp_path / "new.key",
            vkey=tmp_path / "new.vkey",
            state=signer.state,
            random=system_random,
        )
    assert not (tmp_path / "new.key").exists()


@pytest.mark.parametrize("missing", [("log.vkey", "log.key"), ("log.vkey",), ()])
def test_interrupted_making_goes_on_where_it_stopped(
    tmp_path: Path, log: Log, missing: tuple[str, ...], elsewhere: Elsewhere, states: Files
) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    with elsewhere(), log_at(folder) as first:
        key = states.signer(folder, first.database).key
    for name in missing:
        (folder / name).unlink()
    state = states.at(folder)
    made = initialise(
        log.database, key=folder / "log.key", vkey=folder / "log.vkey", state=state, random=system_random
    )
    assert (made == key.key) == ("log.key" not in missing)
    assert (folder / "log.vkey").read_text() == f"{made.vkey}\n"
    grown(log)
    signed(Signer(database=log.database, key=read_key(folder / "log.key"), state=state))


def test_key_that_lost_its_state_gets_no_other(
    tmp_path: Path, log: Log, elsewhere: Elsewhere, states: Files
) -> None:
    """Neither in a log that is made anew, nor where that was cut off."""
    folder = tmp_path / "first"
    folder.mkdir()
    with elsewhere(), log_at(folder) as first:
        grown(first)
        signed(states.signer(folder, first.database))
    states.lose(folder)
    for _ in range(2):
        with pytest.raises(Misconfigured, match="log recover"):
            initialise(
                log.database,
                key=folder / "log.key",
                vkey=folder / "log.vkey",
                state=states.at(folder),
                random=system_random,
            )
    assert states.at(folder).read() is None


def test_key_with_another_log_s_state_is_refused(tmp_path: Path, log: Log, elsewhere: Elsewhere) -> None:
    folder = tmp_path / "first"
    folder.mkdir()
    with elsewhere(), log_at(folder) as first:
        signer_at(folder, first.database)
    other = FileState(tmp_path / "other.state")
    other.create(first_state("consentgate.invalid/other"))
    with pytest.raises(Misconfigured, match="another log"):
        initialise(
            log.database,
            key=folder / "log.key",
            vkey=folder / "log.vkey",
            state=other,
            random=system_random,
        )
    assert other.read() == first_state("consentgate.invalid/other")


def test_public_key_of_another_key_is_refused(tmp_path: Path, log: Log) -> None:
    (tmp_path / "log.vkey").write_text("another\n")
    with pytest.raises(Misconfigured, match="of another key"):
        signer_at(tmp_path, log.database)
    assert not (tmp_path / "log.key").exists()
    assert not (tmp_path / "log.state").exists()


def test_checkpoints_of_all_signers_are_apart(
    tmp_path: Path, elsewhere: Elsewhere, frozen_clock: FrozenClock
) -> None:
    with (
        elsewhere(),
        log_at(tmp_path, clock=frozen_clock) as log,
        log_at(tmp_path, clock=frozen_clock) as two,
    ):
        one, other = signer_at(tmp_path, log.database), signer_at(tmp_path, two.database)
        grown(log)
        assert one.once(every=5) is not None
        grown(log)
        frozen_clock.advance(4)
        assert other.once(every=5) is None
        assert [row.size for row in stored_checkpoints(log)] == [3]
        frozen_clock.advance(1)
        assert other.once(every=5) is not None
        grown(log)
        assert one.once(every=5) is None
        assert signed(one).size == 9


def test_used_state_is_not_taken_over(tmp_path: Path, log: Log, signer: Signer, elsewhere: Elsewhere) -> None:
    grown(log)
    signed(signer)
    folder = tmp_path / "other"
    folder.mkdir()
    with elsewhere(), log_at(folder) as other, pytest.raises(Misconfigured, match="another log"):
        initialise(
            other.database,
            key=tmp_path / "log.key",
            vkey=tmp_path / "log.vkey",
            state=signer.state,
            random=system_random,
        )


def test_competing_signers_sign_one_story(tmp_path: Path, log: Log, signer: Signer) -> None:
    def compete(_: int) -> None:
        for _ in range(5):
            log.append()
            sequence_once(log.database)
            signer.once()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(compete, range(4)))
    sequence_once(log.database)
    assert signed(signer).size == 20
    sizes = [row.size for row in stored_checkpoints(log)]
    assert sizes == sorted(set(sizes))


def test_signer_that_was_overtaken_signs_nothing(
    tmp_path: Path, log: Log, signer: Signer, states: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another signs a larger tree after this one read the state, and before it writes."""
    grown(log)
    other = states.signer(tmp_path, log.database)
    checked = Signer._grown

    def overtaken(self: Signer, *arguments: Any) -> Checkpoint | None:
        found = checked(self, *arguments)
        if self is signer:
            grown(log)
            assert signed(other).size == 6
        return found

    monkeypatch.setattr(Signer, "_grown", overtaken)
    assert signer.once() is None
    assert [row.size for row in stored_checkpoints(log)] == [6]
    left = signer.state.read()
    assert left is not None
    assert left.size == 6


def test_state_ahead_of_what_was_released_releases_that(log: Log, signer: Signer) -> None:
    """The state holds a note that the database never got: it is released, and no other is signed."""
    grown(log)
    signed(signer)
    grown(log)
    row = signed(signer)
    change(log, "DELETE FROM checkpoint WHERE size = 6")
    assert signed(signer).note == row.note
    assert [each.note for each in stored_checkpoints(log)][-1] == row.note


def test_loser_of_the_race_signs_nothing(log: Log, signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(log)
    monkeypatch.setattr(type(signer.state), "replace", lambda *_: False)
    assert signer.once() is None
    assert stored_checkpoints(log) == ()


def test_state_changes_only_from_what_was_read(tmp_path: Path) -> None:
    state = FileState(tmp_path / "s")
    first = first_state("consentgate.invalid/x")
    state.create(first)
    with pytest.raises(Misconfigured, match="already"):
        state.create(first)
    second = SignerState(origin=first.origin, size=1, root=bytes(32), note="note\n\n")
    assert state.replace(first, second)
    assert not state.replace(first, second)
    assert state.read() == second


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format":2,"note":"","origin":"o","root":"","size":0}',
        b'{"format":1,"note":"","origin":"o","root":"AAAA","size":0}',
        b'{"format":1,"note":"","origin":"o","root":1,"size":0}',
        b'{"format":1,"note":"","origin":"o","root":"AAAA","size":-1}',
        b'{"format":1,"note":"","origin":"o","root":"AAAA","size":true}',
        b'{"format":1,"note":"","origin":1,"root":"AAAA","size":0}',
    ],
)
def test_file_that_is_no_state_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured):
        FileState(path).read()


def test_key_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text("PRIVATE+KEY+secret")
    path.chmod(0o600)
    with pytest.raises(Misconfigured) as caught:
        read_key(path)
    assert "secret" not in str(caught.value)


def test_lock_in_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        FileState(tmp_path / "none" / "s").create(first_state("consentgate.invalid/x"))


def test_lock_that_another_holds_is_not_waited_for(tmp_path: Path) -> None:
    state, first = FileState(tmp_path / "s", within=0.05), first_state("consentgate.invalid/x")
    state.create(first)
    with held(tmp_path / "s.lock"):
        with pytest.raises(Unavailable, match="Another process has held the lock"):
            state.replace(first, first)
        with pytest.raises(Unavailable, match="Another process has held the lock"):
            FileState(tmp_path / "s", within=0.05).create(first)
    assert state.replace(first, first)
