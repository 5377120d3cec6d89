"""An operator's process is killed at every step of a recovery: whoever comes next gets one epoch and one key."""

from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from consentgate.config.parts import signer_of
from consentgate.config.recovery import recover
from consentgate.config.settings import Settings
from consentgate.config.upkeep import keep_log, log_database
from consentgate.errors import ConsentGateError
from consentgate.log.append import Lanes
from consentgate.moment import system_random
from tests.databases import Kind, raw
from tests.functional.crash.judgement import require_holds
from tests.functional.crash.walk import Hands, Operation, await_end, run

# So many effects there are at least on the files of state, key and public key.
_FILES = 24


@dataclass(frozen=True, order=True)
class Left:
    """How far a recovery got, in the order of its effects."""

    state: bool
    key: bool
    vkey: bool
    opened: bool
    placed: bool
    remembered: bool
    released: bool


ORDER = tuple(Left(*(n < done for n in range(7))) for done in range(8))


def left_of(settings: Settings, log: int) -> Left:
    """Look at what there is of an epoch, behind the ledger's back."""
    with raw(settings.database) as behind:

        def some(query: str) -> bool:
            return bool(behind.execute(f"SELECT count(*) FROM {query}").fetchone()[0])

        opened = some(f"deployment WHERE name = 'log_origin.{log}'")
        # The fact and the entry are one write.
        written = behind.execute("SELECT count(*) FROM entry WHERE kind = 'epoch'").fetchone()[0]
        assert written == log - (not opened)
        placed, released = (some(f"{table} WHERE log = {log}") for table in ("seq", "checkpoint"))
    state = settings.log_file("state", log)
    return Left(
        state=state.exists(),
        key=settings.log_file("key", log).exists(),
        vkey=settings.log_file("vkey", log).exists(),
        opened=opened,
        placed=placed,
        remembered=state.exists() and '"size":0' not in state.read_text(),
        released=released,
    )


def grow(hands: Hands) -> None:
    hands.append(Lanes(hands.database, system_random))


def recovering(hands: Hands) -> None:
    """In a process of its own, which is killed; it ends well if it comes to its end."""
    done = recover(hands.settings, agreed=lambda _: True)
    assert done is not None
    assert done.failure is None


OPERATION = Operation(name="recover", states=(), run=recovering)


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def refuses(settings: Settings) -> bool:
    with log_database(settings) as database:
        try:
            signer_of(settings, database).once()
        except ConsentGateError:
            return True
    return False


def go_on(settings: Settings, log: int, left: Left) -> None:
    """Do what an operator does next: recover once more where the signer still refuses, else keep the log."""
    key = content(settings.log_file("key", log))
    # Before the epoch is open the old log is as it was, and so is what is wrong with it.
    assert refuses(settings) is not left.opened
    if not left.opened:
        done = recover(settings, agreed=lambda _: True)
        assert done is not None
        assert done.record.log == log
        assert done.failure is None
    assert keep_log(settings) is None
    assert left_of(settings, log) == ORDER[-1]
    if key is not None:
        assert content(settings.log_file("key", log)) == key


def test_kill_at_every_step_of_a_recovery_leaves_one_epoch(home: Settings, kind: Kind) -> None:
    # What is done to files is the same with any database, and how a log is sequenced and signed is walked by itself:
    # on the server the walk goes through the opening of the epoch alone.
    first, last = (0, ORDER[-1]) if kind == "sqlite" else (_FILES, ORDER[4])
    with log_database(home) as database:
        grow(Hands(home, database))
    assert keep_log(home) is None
    came: list[Left] = []
    for step in count(first):
        log = step - first + 1
        home.log_file("state", log - 1).unlink()
        with log_database(home) as database:
            grow(Hands(home, database))
        ended = run(home, OPERATION, step, lambda: None)
        await_end(home.database)
        left = left_of(home, log)
        assert left in ORDER, ended.killed_at
        came.append(left)
        go_on(home, log, left)
        if ended.killed_at is None or (kind == "postgresql" and left == last):
            break
    # Each state came about, one after the other.
    assert tuple(dict.fromkeys(came)) == ORDER[ORDER.index(came[0]) : ORDER.index(last) + 1]
    assert came[0] == ORDER[0] or kind == "postgresql"
    assert not came[0].opened
    assert all(one <= other for one, other in pairwise(came))
    # Each of these logs is whole, and each goes on from the one before it.
    require_holds(home)
