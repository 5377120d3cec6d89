"""The guarded append and the version text, on SQLite and on PostgreSQL alike."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from sqlalchemy import Connection, create_engine

from consentgate.moment import from_millis, system_clock, to_millis
from consentgate.storage import deployment, entries, guarded, schema, subjects, versions
from consentgate.storage.engines import own_engine
from consentgate.storage.entries import EntryRow
from consentgate.storage.failures import Duplicate
from consentgate.storage.guarded import Guard, Written
from consentgate.storage.sqlite import SqliteSession
from consentgate.storage.subjects import ReferenceRow
from tests.functional.storage.place import engine_at, entry_row

ANN, BEN = UUID(int=1), UUID(int=2)
HMACS = {ANN: b"a" * 32, BEN: b"b" * 32}
KINDS = ("call", "statement")


@pytest.fixture
def connection(database_url: str | None, tmp_path: Path) -> Iterator[Connection]:
    if database_url is None:
        engine = engine_at(tmp_path)
        schema.upgrade(engine)
        session = SqliteSession(own_engine(engine), clock=system_clock)
        session.begin_write()
        yield session.connection
        session.close()
    else:
        engine = create_engine(database_url)
        with engine.connect() as connection:
            yield connection
    engine.dispose()


def row(connection: Connection, kind: str = "intent", **more: object) -> EntryRow:
    at = from_millis(deployment.now(connection))
    return replace(entry_row(kind, **more), at=at)  # type: ignore[arg-type]  # handed through


def known(connection: Connection, *people: UUID) -> None:
    for person in people:
        reference = ReferenceRow(key_epoch=1, hmac=HMACS[person], subject=person)
        subjects.insert_reference(connection, "default", reference)


def guard(connection: Connection, **more: object) -> Guard:
    found = Guard(
        shared=frozenset({5, -7, 3}),
        alone=frozenset({4, 3}),
        epochs=(1, 2),
        hmacs=tuple(HMACS.values()),
        kinds=KINDS,
        version=version(connection),
    )
    return replace(found, **more)  # type: ignore[arg-type]  # handed through


def version(connection: Connection, kinds: tuple[str, ...] = KINDS) -> str:
    return versions.read(connection, "default", epochs=(1, 2), hmacs=tuple(HMACS.values()), kinds=kinds)


def test_version_is_one_text_on_both_databases(connection: Connection) -> None:
    assert version(connection) == "||assertion=0,packs=0,registry=0"
    known(connection, BEN, ANN)
    for kind, about in (("statement", [ANN, BEN]), ("statement", [ANN]), ("call", [ANN]), ("intent", [ANN])):
        each = row(connection, kind)
        entries.insert_entry(connection, each)
        subjects.link(connection, "default", each.id, kind, about)
    for kind, about_people in (("packs", False), ("registry", False), ("assertion", True)):
        entries.insert_entry(connection, row(connection, kind, about_people=about_people))
    entries.insert_entry(connection, row(connection, "packs", about_people=False, tenant="other"))
    links = {(ANN, "statement"): 2, (BEN, "statement"): 1, (ANN, "call"): 1, (BEN, "call"): 0}
    assert version(connection) == versions.text([BEN, ANN], links, {"packs": 1, "registry": 1})
    assert version(connection, kinds=()) == versions.text([ANN, BEN], {}, {"packs": 1, "registry": 1})


def test_version_names_subjects_links_and_the_controllers_side() -> None:
    links = {(BEN, "call"): 1, (ANN, "statement"): 12, (ANN, "call"): 3}
    ann, ben = ANN.hex, BEN.hex
    assert versions.text({BEN, ANN}, links, {"registry": 2}) == (
        f"{ann},{ben}|{ann}:call=3,{ann}:statement=12,{ben}:call=1|assertion=0,packs=0,registry=2"
    )


def test_what_stands_is_appended_with_its_links(connection: Connection) -> None:
    known(connection, ANN)
    entry = row(connection, "call")
    written = guarded.append(connection, entry, [ANN, BEN], guard(connection))
    assert written == Written(code="done", ordinal=written.ordinal)
    assert written.ordinal > 0
    found = entries.by_id(connection, "default", entry.id)
    assert found == replace(entry, ordinal=written.ordinal)
    assert subjects.subjects_of(connection, "default", [entry.id]) == {entry.id: (ANN, BEN)}


@pytest.mark.parametrize("what", ["statement", "reference", "packs"])
def test_what_changed_is_not_appended(connection: Connection, what: str) -> None:
    known(connection, ANN)
    read = guard(connection)
    if what == "reference":
        known(connection, BEN)
    else:
        new = row(connection, what, about_people=what == "statement")
        entries.insert_entry(connection, new)
        subjects.link(connection, "default", new.id, what, [ANN] if what == "statement" else [])
    entry = row(connection)
    assert guarded.append(connection, entry, [ANN], read) == Written(code="changed")
    assert entries.by_id(connection, "default", entry.id) is None
    assert guarded.append(connection, entry, [ANN], replace(read, version="")).code == "done"


@pytest.mark.parametrize("off", [-2100, 2100])
def test_time_off_the_databases_clock_is_not_appended(connection: Connection, off: int) -> None:
    entry = row(connection)
    entry = replace(entry, at=entry.at + timedelta(milliseconds=off + (off > 0) * 60_000))
    assert guarded.append(connection, entry, [], Guard()) == Written(code="clock")
    assert entries.by_id(connection, "default", entry.id) is None


def test_entry_that_is_there_is_not_appended_again(connection: Connection) -> None:
    entry = row(connection)
    assert guarded.append(connection, entry, [ANN], guard(connection)).code == "done"
    again = replace(entry, n=1, hash=b"h" * 32)
    assert guarded.append(connection, again, [ANN], guard(connection)) == Written(code="there")


def test_outcome_comes_back_with_the_stop_orders(connection: Connection) -> None:
    intent = row(connection)
    stops = [row(connection, "stop", re=intent.id) for _ in range(2)]
    for each in (intent, *stops, row(connection, "observation", re=intent.id, end="unknown")):
        entries.insert_entry(connection, each)
    found = tuple((stop.id, stop.hash) for stop in stops)
    outcome = row(connection, "outcome", re=intent.id, end="succeeded")
    assert guarded.append(connection, outcome, [ANN], Guard()).stops == found
    assert guarded.append(connection, outcome, [ANN], Guard()) == Written(code="there", stops=found)


def test_second_outcome_is_late(connection: Connection) -> None:
    intent = row(connection)
    first = row(connection, "outcome", re=intent.id, end="succeeded")
    assert guarded.append(connection, first, [], Guard()).code == "done"
    second = row(connection, "outcome", re=intent.id, end="rejected")
    assert guarded.append(connection, second, [], Guard()) == Written(code="late")
    note = row(connection, "observation", re=intent.id, end="rejected")
    assert guarded.append(connection, note, [], Guard()).code == "done"


@pytest.mark.parametrize("also", ["changed", "clock", "lane"])
@pytest.mark.parametrize("what", ["there", "late"])
def test_what_is_there_or_late_is_said_first(
    connection: Connection, what: Literal["there", "late"], also: str
) -> None:
    intent = row(connection)
    stop = row(connection, "stop", re=intent.id)
    first = row(connection, "outcome", re=intent.id, end="succeeded")
    for each in (intent, stop, first):
        entries.insert_entry(connection, each)
    second = first if what == "there" else row(connection, "outcome", re=intent.id, end="rejected")
    stands = Guard()
    if also == "changed":
        stands = replace(guard(connection), version="of another time")
    elif also == "clock":
        second = replace(second, at=second.at + timedelta(minutes=1))
    else:
        second = replace(second, w=first.w, n=first.n)
    written = guarded.append(connection, second, [], stands)
    assert written == Written(code=what, stops=((stop.id, stop.hash),))


def test_taken_place_of_a_lane_is_a_duplicate(connection: Connection) -> None:
    entry = row(connection)
    assert guarded.append(connection, entry, [], Guard()).code == "done"
    with pytest.raises(Duplicate) as caught:
        guarded.append(connection, row(connection, w=entry.w), [], Guard())
    assert caught.value.key == "uq_entry_lane"


def test_stored_time_is_the_entrys(connection: Connection) -> None:
    entry = row(connection)
    guarded.append(connection, entry, [], Guard())
    found = entries.by_id(connection, "default", entry.id)
    assert found is not None
    assert to_millis(found.at) == to_millis(entry.at)
