"""References that are bound at the same moment: everybody hears of everybody, and nobody waits in a circle."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import pytest
from sqlalchemy import Connection

from consentgate import Reference, Speaker
from consentgate.storage import locks, postgres_writers, subjects
from tests.databases import Kind
from tests.functional.gate.conftest import World

PEOPLE: Final = tuple(("customer", str(number)) for number in range(8))
A, B, C, D = PEOPLE[:4]


class Meeting:
    """Lets chosen threads go on only when all of them stand before, and behind, their first locks."""

    def __init__(self, parties: int) -> None:
        self.before = threading.Barrier(parties + 1)
        self.opened = threading.Event()
        self._inside = threading.Barrier(parties)
        self._met = threading.local()
        self.held: list[tuple[bool, frozenset[int]]] = []
        self._hold: Callable[..., None] = locks.hold

    def comes(self) -> None:
        """Let the thread that calls take part."""
        self._met.first = True

    def hold(self, connection: Connection, *, alone: frozenset[int]) -> None:
        """Take locks as the library does, and meet the others."""
        first = getattr(self._met, "first", None)
        if first:
            self._met.first = False
            self.before.wait(10)
            assert self.opened.wait(10)
        if first is not None:
            self.held.append((holds_none(connection), alone))
        self._hold(connection, alone=alone)
        if first:
            self._inside.wait(10)


def holds_none(connection: Connection) -> bool:
    """Whether the connection's server process holds no advisory lock."""
    sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    return connection.exec_driver_sql(sql).scalar() == 0


def bind(world: World, one: tuple[str, str], other: tuple[str, str]) -> str:
    """State that two references are one person, and give the entry."""
    return world.ivr.same_subject(one, other, method="web_form").entry


def hear_a_withdrawal(world: World, people: Sequence[tuple[str, str]]) -> bool:
    """Withdraw under the first reference; tell whether everybody hears it."""
    withdrawal = world.ivr.withdraw(Speaker([people[0]]), method="ivr_dtmf")
    book, database = world.gate._parts.book, world.gate._parts.database
    with database.read() as connection:
        named = book.vault.find(connection, [Reference(kind=kind, value=value) for kind, value in people])
        (row, _) = world.opened("statement")[-1]
        heard = subjects.subjects_of(connection, book.tenant, [row.id])[row.id]
    assert str(row.id) == withdrawal.entry
    return len(named) == len(people) and {*named.values()} == {*heard}


@pytest.fixture
def meeting(world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """Two threads that meet at their locks; a transaction that the server ends is not done again."""
    assert kind == "postgresql"
    made = Meeting(2)
    monkeypatch.setattr("consentgate.storage.locks.hold", made.hold)
    monkeypatch.setattr(postgres_writers, "_ATTEMPTS", 1)
    return made


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_who_needs_more_locks_gives_back_those_that_it_has(world: World, meeting: Meeting) -> None:
    def take(pair: tuple[tuple[str, str], tuple[str, str]]) -> str:
        meeting.comes()
        return bind(world, *pair)

    # Each has read whom it is about, and not locked them; then somebody binds the two pairs together.
    with ThreadPoolExecutor(2) as pool:
        taking = [pool.submit(take, pair) for pair in ((A, B), (D, C))]
        meeting.before.wait(10)
        bind(world, B, C)
        meeting.opened.set()
        entries = {each.result(10) for each in taking}
    assert len(entries) == 2
    assert all(none for none, _ in meeting.held)
    # Two, then what was bound to them, then at most what the other bound meanwhile.
    assert sorted(len(alone) for _, alone in meeting.held)[:4] == [2, 2, 3, 3]
    assert hear_a_withdrawal(world, (A, B, C, D))


def test_references_bound_at_the_same_moment_all_hear_a_withdrawal(world: World) -> None:
    pairs = list(pairwise(PEOPLE))
    with ThreadPoolExecutor(4) as pool:
        entries = {each.result(20) for each in [pool.submit(bind, world, *pair) for pair in pairs]}
    assert len(entries) == len(pairs)
    assert hear_a_withdrawal(world, PEOPLE)
