"""Kills a process at every step of an operation, one process after another on the same ledger.

After each kill the ledger is in one of the states that the operation's row allows; then another process goes on by
the normal path, and everything that the killed one was told is durable is there.
"""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consentgate.config.anchoring import anchorer_of
from consentgate.config.settings import FILE, Settings, load_settings
from consentgate.config.upkeep import keep_log, log_database
from consentgate.entries.leaf import Draft
from consentgate.log.append import Lanes
from consentgate.moment import system_clock, system_random, uuid7
from consentgate.storage.database import Database
from tests.databases import raw
from tests.functional.crash.effects import Effects
from tests.functional.crash.judge import bare, require_whole
from tests.functional.crash.judgement import require_holds

_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class State:
    """What there is.

    Attributes:
        written: entries.
        placed: entries with a position.
        remembered: the size that the signer remembers.
        released: the size of the newest checkpoint.
        anchored: the size of the newest checkpoint that the anchor holds, if there is one.
        noted: the size of the newest one that is said to be anchored.
    """

    written: int = 0
    placed: int = 0
    remembered: int = 0
    released: int = 0
    anchored: int = 0
    noted: int = 0

    def since(self, before: "State") -> "State":
        mine, old = astuple(self), astuple(before)
        return State(*(new - was for new, was in zip(mine, old, strict=True)))


ANCHOR = "disk"
NOTHING = State()


@dataclass(frozen=True)
class Hands:
    """What an operation works with, in the process that will be killed."""

    settings: Settings
    database: Database
    tell: Callable[[str], None] = lambda _: None

    def append(self, lanes: Lanes, number: int = 1, *, single: bool = False) -> None:
        ids = [new_id() for _ in range(number)]

        def work(connection: Connection) -> None:
            for each in ids:
                lanes.append(connection, Draft(id=each, kind="heartbeat", at=system_clock()))

        self.database.write(work, single=single)
        for each in ids:
            self.tell(f"durable {each}")


@dataclass(frozen=True)
class Operation:
    """Something that a process does.

    Attributes:
        name: what it is called.
        states: what a kill may leave, counted from before it, in the order in which it comes about.
        run: does it.
        before: what another process does first.
        anchor: whether checkpoints are anchored.
    """

    name: str
    states: tuple[State, ...]
    run: Callable[[Hands], object]
    before: Callable[[Hands], object] = lambda _: None
    anchor: bool = False


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    killed_at: str | None
    durable: tuple[str, ...]


@dataclass
class Walked:
    """The steps of a walk and what each left."""

    steps: list[tuple[str, State]] = field(default_factory=list)


def new_id() -> UUID:
    return uuid7(system_clock(), system_random)


def walk(
    settings: Settings,
    operation: Operation,
    *,
    mistake: Callable[[], None] = lambda: None,
) -> Walked:
    """Kill a process at each step of an operation; fails where a kill leaves what it must not."""
    if operation.anchor:
        settings = anchored(settings)
    walked = Walked()
    for step in count():
        with log_database(settings) as database:
            operation.before(Hands(settings, database))
        before = state_of(settings)
        ended = run(settings, operation, step, mistake)
        await_end(settings.database)
        after = state_of(settings)
        at = ended.killed_at or "its end"
        walked.steps.append((at, after.since(before)))
        assert after.since(before) in operation.states, f"killed at {at}: {after.since(before)}"
        require_goes_on(settings)
        assert set(ended.durable) <= bare(settings.database).entries.keys(), f"lost by a kill at {at}"
        if ended.killed_at is None:
            break
    came = [state for n, (_, state) in enumerate(walked.steps) if n == 0 or walked.steps[n - 1][1] != state]
    assert tuple(came) == operation.states, "another order of effects than the table's"
    return walked


def require_goes_on(settings: Settings) -> None:
    """Keep the log, write one more entry, and keep the log again, as any process would."""
    remembered = memory(settings)
    failure = keep_log(settings)
    assert failure is None, f"the log does not go on: {failure}"
    if remembered.get("size") == memory(settings).get("size"):
        # Of what was signed and did not grow the very signature is released.
        assert remembered.get("note") in (*bare(settings.database).notes.values(), "")
    with log_database(settings) as database:
        Hands(settings, database).append(Lanes(database, system_random))
    assert keep_log(settings) is None
    keep_anchors(settings)
    require_holds(settings)
    require_whole(bare(settings.database), settings.log_vkey.read_text().strip())


def run(settings: Settings, operation: Operation, step: int, mistake: Callable[[], None]) -> Ended:
    """Run an operation in a child, which is killed at a step if it comes to that."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)

            def tell(line: str) -> None:
                os.write(writing, f"{line}\n".encode())

            with log_database(settings) as database:
                Effects(step, tell).watch()
                mistake()
                operation.run(Hands(settings, database, tell))
            status = 0
        except Exception:  # noqa: BLE001  # a child tells and ends, whatever it was
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = told.read().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    killed = [line.removeprefix("killed ") for line in lines if line.startswith("killed ")]
    assert status == (-signal.SIGKILL if killed else 0), f"the process failed at step {step}"
    durable = tuple(line.removeprefix("durable ") for line in lines if line.startswith("durable "))
    return Ended(killed_at=killed[0] if killed else None, durable=durable)


def state_of(settings: Settings) -> State:
    """Count, behind the ledger's back."""
    with raw(settings.database) as behind:
        (written,) = behind.execute("SELECT count(*) FROM entry").fetchone()
        (placed,) = behind.execute("SELECT count(*) FROM seq").fetchone()
        (released,) = behind.execute("SELECT coalesce(max(size), 0) FROM checkpoint").fetchone()
        (noted,) = behind.execute("SELECT coalesce(max(size), 0) FROM anchor").fetchone()
    return State(
        written=written,
        placed=placed,
        remembered=memory(settings).get("size", -1),
        released=released,
        anchored=max((size_of(path) for path in (settings.home / ANCHOR).glob("*/*")), default=0),
        noted=noted,
    )


def anchored(settings: Settings) -> Settings:
    """Let a folder keep the checkpoints."""
    (settings.home / ANCHOR).mkdir()
    with (settings.home / FILE).open("a") as file:
        file.write(f'[[anchors]]\nname = "{ANCHOR}"\nkind = "directory"\npath = "{ANCHOR}"\n')
    return load_settings(settings.home)


def keep_anchors(settings: Settings) -> None:
    """Put the newest checkpoint into the anchors, if there are any."""
    with log_database(settings) as database:
        anchorer = anchorer_of(settings, database)
        if anchorer is not None:
            anchorer.once()
            assert dict(anchorer.failures) == {}


def size_of(path: Path) -> int:
    """Read the size that a kept checkpoint signs; 0 of what is half written."""
    return 0 if path.suffix == ".new" else int(path.read_text().split("\n")[1])


def memory(settings: Settings) -> dict[str, Any]:
    """Read what the signer remembers; nothing where that cannot be read."""
    try:
        members = json.loads(settings.log_state.read_bytes())
    except ValueError:
        return {}
    return dict(members)


def await_end(url: str) -> None:
    """Wait until the server is done with what a killed process left it."""
    if url.startswith("sqlite"):
        return
    until = time.monotonic() + 20
    with raw(url) as behind:
        while behind.execute(_OTHERS).fetchone()[0]:
            assert time.monotonic() < until
            time.sleep(0.005)
