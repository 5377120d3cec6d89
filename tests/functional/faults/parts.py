"""How each part fails: a fault is begun, from some moment on, and lifted when the call is over."""

import errno
import os
import resource
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest

from consentgate.errors import Unavailable
from consentgate.keys.custody import KeyFile
from consentgate.storage.failures import translate
from consentgate.storage.sqlite import SqliteSession
from tests.functional.faults.keyservice import Service
from tests.functional.faults.place import LOCKED_SECONDS, Place, later, locked
from tests.functional.faults.proxy import Mode

STALE: Final = timedelta(seconds=6)
HOUR: Final = timedelta(hours=1)
BACK: Final = timedelta(seconds=8)


@dataclass
class Fault:
    """One fault of one part, ready to begin.

    Attributes:
        place: what is struck.
        patch: for seams in the product; undone with the row.
        stack: what is let go of when the fault is lifted.
    """

    place: Place
    patch: pytest.MonkeyPatch
    stack: ExitStack = field(default_factory=ExitStack)


Begin = Callable[[Fault], object]


# PostgreSQL


def server_down(fault: Fault) -> None:
    assert fault.place.behind is not None
    proxy = fault.place.behind.proxy
    fault.stack.callback(proxy.set, "pass")
    proxy.set("down")


def server_hangs(fault: Fault) -> None:
    assert fault.place.behind is not None
    proxy = fault.place.behind.proxy
    # What it was asked meanwhile it never hears of.
    fault.stack.callback(proxy.set, "pass")
    fault.stack.callback(proxy.set, "down")
    proxy.set("stall")


def question_lost(fault: Fault) -> None:
    assert fault.place.behind is not None
    fault.stack.callback(fault.place.behind.proxy.set, "pass")
    fault.place.behind.proxy.set("lose_request")


def answer_lost(fault: Fault) -> None:
    assert fault.place.behind is not None
    fault.stack.callback(fault.place.behind.proxy.set, "pass")
    fault.place.behind.proxy.set("lose_answer")


def server_restarts(fault: Fault) -> None:
    behind = fault.place.behind
    assert behind is not None
    behind.server.hang_up(behind.real)
    until = time.monotonic() + 20
    while behind.proxy.connected():
        assert time.monotonic() < until
        time.sleep(0.005)


# SQLite


def file_locked(fault: Fault) -> None:
    fault.stack.enter_context(locked(fault.place.file))


def file_locked_for_a_moment(fault: Fault) -> None:
    held = ExitStack()
    held.enter_context(locked(fault.place.file))
    timer = later(LOCKED_SECONDS / 3, held.close)
    fault.stack.callback(timer.join)


def commit_fails(fault: Fault) -> None:
    _at_next_commit(fault, happens=False)


def commit_happens_and_fails(fault: Fault) -> None:
    _at_next_commit(fault, happens=True)


def _at_next_commit(fault: Fault, *, happens: bool) -> None:
    commit = SqliteSession.commit

    def failing(session: SqliteSession) -> None:
        fault.patch.setattr(SqliteSession, "commit", commit)
        if happens:
            commit(session)
        raise translate(sqlite3.OperationalError("disk I/O error"))

    fault.patch.setattr(SqliteSession, "commit", failing)


# The key file


def key_file_gone(fault: Fault) -> None:
    path = fault.place.settings.keys
    aside = path.with_name("aside")
    path.rename(aside)
    fault.stack.callback(aside.rename, path)


def key_file_of_another(fault: Fault) -> None:
    key_file_gone(fault)
    path = fault.place.settings.keys
    KeyFile.create(path, os.urandom)
    fault.stack.callback(path.unlink)


# A wrapping key service


def service_of(place: Place) -> Service:
    custody: Any = place.parts.book.vault._custody
    assert isinstance(custody, Service)
    return custody


def service_down(fault: Fault) -> None:
    _service(fault, "down")


def service_hangs(fault: Fault) -> None:
    _service(fault, "stall")


def _service(fault: Fault, mode: Mode) -> None:
    network = service_of(fault.place).network
    fault.stack.callback(network.set, "pass")
    # What it was asked meanwhile it never hears of.
    fault.stack.callback(network.set, "down")
    network.set(mode)


def service_refuses_once(fault: Fault) -> None:
    server = service_of(fault.place).server
    fault.stack.callback(setattr, server, "refuses", 0)
    server.refuses = 1


# The clock


def clock_fails(fault: Fault) -> None:
    fault.stack.callback(setattr, fault.place.clock, "error", None)
    fault.place.clock.error = OSError(errno.EIO, "the clock cannot be read")


def clock_behind(fault: Fault) -> None:
    fault.stack.callback(setattr, fault.place.clock, "behind", timedelta(0))
    fault.place.clock.behind = timedelta(seconds=3)


def clock_forward(fault: Fault) -> None:
    _jump(fault, HOUR)


def clock_back(fault: Fault) -> None:
    # By more, and verification would tell.
    _jump(fault, -BACK)
    fault.stack.callback(_jump, fault, BACK)


def _jump(fault: Fault, by: timedelta) -> None:
    for each in (fault.place.clock, fault.place.database_clock):
        each.advance(by)


# Rule packs


def rules_fail(fault: Fault) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise LookupError("a rule that nobody can follow")

    fault.patch.setattr("consentgate.gate.judge.decide", failing)


def rules_slow(fault: Fault) -> None:
    from consentgate.gate import judge

    decide = judge.decide  # type: ignore[attr-defined]  # where the gate takes it from

    def slow(*arguments: Any, **named: Any) -> Any:
        _jump(fault, timedelta(seconds=3))
        return decide(*arguments, **named)

    fault.patch.setattr("consentgate.gate.judge.decide", slow)


def other_rules(fault: Fault) -> None:
    from consentgate.ledger import controller

    parts = fault.place.parts
    packs = parts.gate.packs
    parts.database.write(
        lambda c: controller.put_packs(parts.book, c, packs.digest, packs.files(), packs.index)
    )


# The disk


def disk_full(fault: Fault) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    fault.stack.callback(resource.setrlimit, resource.RLIMIT_FSIZE, (soft, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))


def disk_full_for_a_moment(fault: Fault) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    commit = SqliteSession.commit

    def lift() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def lifting(session: SqliteSession) -> None:
        # The moment is over once something was not written, however long that took.
        try:
            commit(session)
        except Unavailable:
            lift()
            raise

    fault.patch.setattr(SqliteSession, "commit", lifting)
    fault.stack.callback(lift)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))


def spool_slow(fault: Fault) -> None:
    _spool(fault, lambda _: time.sleep(0.1))


def spool_fails(fault: Fault) -> None:
    _spool(fault, lambda nth: _raise() if nth == 0 else None)


def spool_written_and_fails(fault: Fault) -> None:
    """The file is there, and that its folder was synced is not known."""
    _spool(fault, lambda nth: _raise() if nth == 1 else None)


def _raise() -> None:
    raise OSError(errno.EIO, "Input/output error")


def _spool(fault: Fault, before: Callable[[int], object]) -> None:
    file_locked(fault)
    fsync, times = os.fsync, count()

    def struck(descriptor: int) -> None:
        before(next(times))
        fsync(descriptor)

    fault.patch.setattr(os, "fsync", struck)


def overlay_gone(fault: Fault) -> None:
    place = fault.place
    fault.stack.callback(setattr, place, "settings", place.settings)
    place.settings = replace(place.settings, overlay=place.home / "rules")


# The vendor, and what is between


def vendor_down(fault: Fault) -> None:
    fault.stack.callback(fault.place.network.set, "pass")
    fault.place.network.set("down")


def vendor_silent(fault: Fault) -> None:
    fault.stack.callback(fault.place.server.script.clear)
    fault.place.server.script.delay(600, times=None)


def vendor_refuses(fault: Fault) -> None:
    fault.stack.callback(fault.place.server.script.clear)
    fault.place.server.script.fail(error="ForbiddenException")


def answer_of_vendor_lost(fault: Fault) -> None:
    fault.stack.callback(fault.place.server.script.clear)
    fault.place.server.script.drop_after_accepting(times=None)


def vendor_starts_and_fails(fault: Fault) -> None:
    fault.stack.callback(fault.place.server.script.clear)
    fault.place.server.script.fail(after_accepting=True, times=None)


def vendor_restarts(fault: Fault) -> None:
    fault.place.network.cut()


# Our own process


def process_interrupted(_fault: Fault) -> None:
    raise KeyboardInterrupt


def process_ended(_fault: Fault) -> None:
    raise SystemExit


def process_held_up(fault: Fault) -> None:
    _jump(fault, STALE)


def process_has_a_bug(_fault: Fault) -> None:
    raise LookupError("a bug of ours")
