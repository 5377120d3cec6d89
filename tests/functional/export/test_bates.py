"""Bates numbers are given out once, whoever exports at the same time, and in the order of the ledger."""

from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from uuid import UUID

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.export.asked import Asked, Selection
from consentgate.export.bates import found, is_on_record, put_on_record
from consentgate.export.exported import Chosen, Exported, Head
from consentgate.testing.clock import FrozenClock

THREADS, EACH = 4, 3
HEAD = Head(log=0, origin="o", size=900, root=b"r" * 32, note="note", vkey="vkey")


@pytest.fixture
def gates(fresh_home: Path, frozen_clock: FrozenClock) -> Iterator[list[ConsentGate]]:
    """Several gates on one ledger, on both databases."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(ConsentGate(load_settings(fresh_home), clock=frozen_clock, background=False))
            for _ in range(THREADS)
        ]


def export(gate: ConsentGate, prefix: str, count: int, entry: UUID | None = None) -> Exported:
    """Put an export of so many records on record."""
    book = gate._parts.book
    asked = Asked(matter="m", purpose="p", recipient="r", selection=Selection(), prefix=prefix)
    id_ = entry or book.new_id(book.now())

    def make(first: int) -> Exported:
        return Exported(
            entry=id_,
            at=book.now(),
            asked=asked,
            chosen=Chosen(head=HEAD, positions=array("q", range(count))),
            first=first,
            fingerprint="f",
            engine="0.1.0",
            controller="acme",
        )

    return gate._parts.database.write(lambda c: put_on_record(book, c, prefix, make))


def test_no_number_is_given_twice_and_none_is_left_out(gates: list[ConsentGate]) -> None:
    barrier = Barrier(THREADS)

    def work(nth: int) -> list[Exported]:
        barrier.wait()
        return [export(gates[nth], prefix, nth + i + 1) for i in range(EACH) for prefix in ("A", "B")]

    with ThreadPoolExecutor(THREADS) as pool:
        made = [each for every in pool.map(work, range(THREADS)) for each in every]
    for prefix in ("A", "B"):
        ranges = sorted((each.first, each.last) for each in made if each.asked.prefix == prefix)
        assert ranges[0][0] == 1
        assert [first for first, _ in ranges[1:]] == [last + 1 for _, last in ranges[:-1]]


def test_the_same_entry_is_appended_once(gates: list[ConsentGate]) -> None:
    gate = gates[0]
    book = gate._parts.book
    id_ = book.new_id(book.now())
    with gate._parts.database.read() as connection:
        assert not is_on_record(book, connection, id_)
    first = export(gate, "A", 5, id_)
    assert export(gates[1], "A", 7, id_) == first
    with gate._parts.database.read() as connection:
        assert is_on_record(book, connection, id_)
        assert found(book, connection, id_) == first
    assert export(gate, "A", 1).first == first.last + 1
