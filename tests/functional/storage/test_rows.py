from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection

from consentgate.storage import artifacts, deployment, entries, statements, stored, subjects
from consentgate.storage.artifacts import ArtifactRow, NoticeRow
from consentgate.storage.database import Database
from consentgate.storage.failures import Duplicate
from consentgate.storage.intents import open_intents
from consentgate.storage.subjects import DataKeyRow, LinkedEntry, ReferenceRow
from tests.functional.storage.place import database_at, entry_row, inserted

T = "default"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with database_at(tmp_path) as found:
        yield found


def refused(database: Database, work: Callable[[Connection], object]) -> str:
    with pytest.raises(Duplicate) as caught:
        database.write(work)
    return caught.value.key


def test_entry_comes_back_as_it_went_in(database: Database) -> None:
    row = entry_row("outcome", re=uuid4(), end="succeeded")
    ordinal = database.write(lambda c: entries.insert_entry(c, row))
    with database.read() as connection:
        found = entries.by_id(connection, T, row.id)
    assert found is not None
    assert found.ordinal == ordinal == 1
    assert found == type(row)(**{f: getattr(row, f) for f in row.__slots__} | {"ordinal": 1})
    assert "sealed" not in repr(found)


def test_entry_of_another_tenant_is_not_found(database: Database) -> None:
    row = entry_row(tenant="other")
    database.write(lambda c: entries.insert_entry(c, row))
    with database.read() as connection:
        assert entries.by_id(connection, T, row.id) is None
        assert entries.of_kind(connection, T, "statement") == ()


def test_each_key_of_an_entry_is_unique_and_named(database: Database) -> None:
    intent = uuid4()
    row = entry_row("outcome", re=intent, end="rejected")
    database.write(lambda c: entries.insert_entry(c, row))
    assert refused(database, lambda c: entries.insert_entry(c, entry_row(entry=row.id))) == "uq_entry_id"
    assert refused(database, lambda c: entries.insert_entry(c, entry_row(w=row.w))) == "uq_entry_lane"
    second = entry_row("outcome", re=intent, end="succeeded")
    assert refused(database, lambda c: entries.insert_entry(c, second)) == "uq_entry_outcome"
    for _ in range(2):
        inserted(database, entry_row("observation", re=intent, end="unknown"))


def test_kinds_are_listed_in_pages_by_ordinal(database: Database) -> None:
    rows = [entry_row("packs", about_people=False) for _ in range(3)]
    inserted(database, *rows)
    with database.read() as connection:
        first = entries.of_kind(connection, T, "packs", limit=2)
        rest = entries.of_kind(connection, T, "packs", after=first[-1].ordinal)
        newest = entries.latest(connection, T, "packs")
        wide = entries.tenant_wide(connection, T, "packs", after=first[0].ordinal, limit=1)
        assert entries.latest(connection, "other", "packs") is None
    assert [row.id for row in (*first, *rest)] == [row.id for row in rows]
    assert newest == rest[-1]
    assert wide == (first[1],)


def test_what_is_about_people_is_not_tenant_wide(database: Database) -> None:
    wide, personal = (entry_row("assertion", about_people=about) for about in (False, True))
    inserted(database, wide, personal)
    with database.read() as connection:
        found = entries.tenant_wide(connection, T, "assertion")
        newest = entries.latest(connection, T, "assertion")
    assert [row.id for row in found] == [wide.id]
    assert newest == found[0]


def test_only_tenant_wide_entries_are_counted(database: Database) -> None:
    inserted(
        database,
        entry_row("assertion", about_people=False),
        entry_row("assertion", about_people=True),
        entry_row("registry", about_people=False, tenant="other"),
    )
    with database.read() as connection:
        found = entries.counts_by_kind(connection, T, ("assertion", "registry"))
    assert found == {"assertion": 1, "registry": 0}


def test_intent_is_open_until_its_outcome(database: Database) -> None:
    intents = [entry_row("intent") for _ in range(2)]
    inserted(database, *intents)
    stop = entry_row("stop", re=intents[0].id)
    outcome = entry_row("outcome", re=intents[0].id, end="succeeded")
    database.write(lambda c: entries.insert_entry(c, stop))
    with database.read() as connection:
        assert [row.id for row in open_intents(connection, T)] == [row.id for row in intents]
        assert entries.final_outcome(connection, T, intents[0].id) is None
        assert [row.id for row in entries.stop_orders(connection, T, intents[0].id)] == [stop.id]
    database.write(lambda c: entries.insert_entry(c, outcome))
    with database.read() as connection:
        assert [row.id for row in open_intents(connection, T)] == [intents[1].id]
        final = entries.final_outcome(connection, T, intents[0].id)
    assert final is not None
    assert final.id == outcome.id


def test_reference_names_one_subject(database: Database) -> None:
    row = ReferenceRow(key_epoch=1, hmac=b"h" * 32, subject=uuid4())
    database.write(lambda c: subjects.insert_reference(c, T, row))
    other = ReferenceRow(key_epoch=1, hmac=row.hmac, subject=uuid4())
    assert refused(database, lambda c: subjects.insert_reference(c, T, other)) == "pk_subject_ref"
    with database.read() as connection:
        assert subjects.resolve(connection, T, epochs=[0, 1], hmacs=[row.hmac, b"x" * 32]) == (row,)
        assert subjects.resolve(connection, T, epochs=[0], hmacs=[row.hmac]) == ()
        assert subjects.resolve(connection, T, epochs=[1], hmacs=[]) == ()
        assert subjects.resolve(connection, "other", epochs=[1], hmacs=[row.hmac]) == ()


def test_data_keys_are_read_by_subject(database: Database) -> None:
    row = DataKeyRow(subject=uuid4(), wrapping_key="k", wrapped=b"secret")
    database.write(lambda c: subjects.insert_data_key(c, T, row))
    assert refused(database, lambda c: subjects.insert_data_key(c, T, row)) == "pk_data_key"
    assert "secret" not in repr(row)
    with database.read() as connection:
        assert subjects.data_keys(connection, T, [row.subject, uuid4()]) == {row.subject: row}
        assert subjects.data_keys(connection, T, []) == {}
        assert subjects.data_keys(connection, "other", [row.subject]) == {}


def test_entries_of_a_subject_come_with_all_their_subjects(database: Database) -> None:
    ann, bob = sorted(uuid4() for _ in range(2))
    rows = [entry_row("statement"), entry_row("call"), entry_row("statement"), entry_row("intent")]
    about = [(ann,), (ann, bob), (bob,), (ann,)]

    def work(connection: Connection) -> None:
        for row, people in zip(rows, about, strict=True):
            entries.insert_entry(connection, row)
            subjects.link(connection, T, row.id, row.kind, people)
        subjects.link(connection, T, rows[0].id, "statement", ())

    database.write(work)
    with database.read() as connection:
        found = subjects.entries_of(connection, T, [ann], ["statement", "call"])
        both = subjects.entries_of(connection, T, [ann, bob], ["call"])
        counted = subjects.counts(connection, T, [ann, bob])
        linked = subjects.subjects_of(connection, T, [rows[1].id, uuid4()])
        assert subjects.entries_of(connection, T, [], ["call"]) == ()
        assert subjects.entries_of(connection, T, [ann], []) == ()
        assert subjects.counts(connection, T, []) == {}
        assert subjects.subjects_of(connection, T, []) == {}
    assert [(each.row.id, each.subjects) for each in found] == [
        (rows[0].id, (ann,)),
        (rows[1].id, (ann, bob)),
    ]
    assert [each.subjects for each in both] == [(ann, bob)]
    assert isinstance(both[0], LinkedEntry)
    assert counted == {
        (ann, "statement"): 1,
        (ann, "call"): 1,
        (ann, "intent"): 1,
        (bob, "call"): 1,
        (bob, "statement"): 1,
    }
    assert linked[rows[1].id] == (ann, bob)
    assert () in linked.values()


def test_statement_is_taken_in_once(database: Database) -> None:
    entry, key = uuid4(), b"k" * 32
    database.write(lambda c: statements.insert_statement(c, T, entry, key))
    second = uuid4()
    assert refused(database, lambda c: statements.insert_statement(c, T, second, key)) == "uq_statement_key"
    with database.read() as connection:
        assert statements.entry_of(connection, T, key) == entry
        assert statements.entry_of(connection, T, b"x" * 32) is None


def test_artifact_is_stored_once(database: Database) -> None:
    row = ArtifactRow(digest=b"d" * 32, kind="notice", media_type="text/plain", content=b"words")
    assert database.write(lambda c: artifacts.put_artifact(c, T, row))
    assert not database.write(lambda c: artifacts.put_artifact(c, T, row))
    with database.read() as connection:
        assert artifacts.artifact_of(connection, T, row.digest) == row
        assert artifacts.artifact_of(connection, T, b"x" * 32) is None


def test_artifacts_are_stored_at_once_but_for_those_that_are_there(database: Database) -> None:
    rows = [
        ArtifactRow(digest=bytes([n]) * 32, kind="pack", media_type="text/plain", content=bytes([n]))
        for n in range(150)
    ]
    database.write(lambda c: artifacts.put_artifacts(c, T, [*rows[:40], rows[0]]))
    database.write(lambda c: artifacts.put_artifacts(c, T, rows))
    database.write(lambda c: artifacts.put_artifacts(c, T, ()))
    with database.read() as connection:
        assert [artifacts.artifact_of(connection, T, row.digest) for row in rows] == rows


def test_notice_keeps_its_name(database: Database) -> None:
    row = NoticeRow(id="n", version="1", language="en", digest=b"d" * 32, manifest=b"m" * 32)
    database.write(lambda c: artifacts.insert_notice(c, T, row))
    assert refused(database, lambda c: artifacts.insert_notice(c, T, row)) == "pk_notice"
    with database.read() as connection:
        found = artifacts.notice_of(connection, T, notice_id="n", version="1", language="en")
        assert found == row
        assert artifacts.notice_of(connection, T, notice_id="n", version="2", language="en") is None
        assert artifacts.notices(connection, T) == (row,)


def test_facts_stay(database: Database) -> None:
    database.write(lambda c: deployment.insert_fact(c, "colour", "green"))
    assert refused(database, lambda c: deployment.insert_fact(c, "colour", "red")) == "pk_deployment"
    with database.read() as connection:
        assert deployment.facts(connection) == {"colour": "green"}
        assert not deployment.is_test_database(connection)


def test_stored_rows_are_streamed_as_they_are(database: Database) -> None:
    row = entry_row("outcome", re=UUID(int=5), end="succeeded")
    ann = uuid4()

    def work(connection: Connection) -> None:
        entries.insert_entry(connection, row)
        subjects.link(connection, T, row.id, row.kind, [ann])

    database.write(work)
    with database.read() as connection:
        (found,) = stored.entries(connection)
        (linked,) = stored.table(connection, "entry_subject")
    assert (found["ordinal"], found["id"], found["re"], found["about"]) == (
        1,
        row.id.bytes,
        UUID(int=5).bytes,
        1,
    )
    assert dict(linked) == {"tenant": T, "entry": row.id.bytes, "subject": ann.bytes, "kind": "outcome"}


@pytest.mark.parametrize("length", [1, 2, 16, 17, 40])
def test_lists_of_any_length_are_looked_for(database: Database, length: int) -> None:
    rows = [ReferenceRow(key_epoch=n % 2, hmac=bytes([n]) * 32, subject=uuid4()) for n in range(length)]
    for row in rows:
        database.write(partial(subjects.insert_reference, tenant=T, row=row))
    with database.read() as connection:
        for _ in range(2):
            found = subjects.resolve(connection, T, epochs=[0, 1, 2], hmacs=[row.hmac for row in rows])
            assert sorted(found, key=lambda row: row.hmac) == rows
