"""Memory while a database is verified: bytes for each further entry, by what Python sets aside."""

import tracemalloc
from typing import Final

import pytest
from sqlalchemy import Connection

from consentgate import ConsentGate
from consentgate.entries.leaf import Draft
from consentgate.entries.parts import seal_part
from consentgate.moment import floor, system_clock, system_random, uuid7
from consentgate.storage.tables import statement
from consentgate.verify import tree
from tests.functional.verify.place import Place

FEW: Final = 1000
MORE: Final = 2000
# 20 bytes for each statement and each index row; lists set aside more than they need.
FOR_EACH: Final = 50


def write(gate: ConsentGate, connection: Connection, count: int) -> None:
    """Append calls and statements, under keys that nobody has."""
    for kind in ("call", "statement") * (count // 2):
        at = floor(system_clock())
        entry = uuid7(at, system_random)
        part = seal_part(entry, f"{kind}.0", b"{}", bytes(32), system_random)
        gate._parts.lanes.append(connection, Draft(id=entry, kind=kind, at=at, parts=(part,)))
        if kind == "statement":
            row = {"tenant": "default", "entry": entry.bytes, "key": system_random(32)}
            connection.execute(statement.insert(), row)


def lengthen(place: Place, count: int) -> None:
    place.work(lambda gate: gate._parts.database.write(lambda connection: write(gate, connection, count)))


def peak(place: Place) -> int:
    tracemalloc.start()
    try:
        assert place.verify(with_keys=False).verification.findings == ()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_verifying_keeps_little_of_each_entry(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is bounded anyhow is bounded below the few.
    monkeypatch.setattr(tree, "_AHEAD", 100)
    lengthen(place, FEW)
    # The first time, everything is set aside that is kept for good.
    peak(place)
    few = peak(place)
    lengthen(place, MORE)
    assert (peak(place) - few) / MORE < FOR_EACH
